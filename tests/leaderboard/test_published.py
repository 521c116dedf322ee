"""What is published for what a run compares: found by what the run compares, each number in the catalogue's words."""

from __future__ import annotations

import tomllib
from decimal import Decimal

import pytest

from vgbench.errors import ProtocolError
from vgbench.leaderboard.published import FILE, published_numbers
from vgbench.plugins.registry import load_registry
from vgbench.protocol import load_protocol

MNIST, MDGAN = "moving-mnist-10to10-published", "sky-timelapse-128x32-first-window"
SETS = tomllib.loads(FILE.read_text())["sets"]


def recorded(name, **changed):
    """A protocol as a run records it."""
    return {"id": "1", "name": name, **load_protocol(name).compared(), **changed}


@pytest.mark.parametrize("one", SETS, ids=lambda one: one["protocol"])
def test_each_set_is_of_what_its_protocol_compares(one):
    compared = recorded(one["protocol"])
    assert set(one["compared"]) <= set(compared)
    assert len(published_numbers(compared)) == len(one["numbers"])


def test_each_metric_is_a_definition_of_the_catalogue_or_said_to_be_unknown():
    catalogue = load_registry().metrics
    ids, names = {entry.short_name for entry in catalogue}, {entry.spec.name for entry in catalogue}
    for name in (MNIST, MDGAN):
        for number in published_numbers(recorded(name)):
            family, _, variant = number.metric.partition("@")
            assert number.metric in ids or (family in names and variant == "unknown"), number


def test_no_number_stands_twice_and_every_source_is_used():
    for one in SETS:
        keys = [(number["method"], number["metric"], number.get("epochs"), number["source"]) for number in one["numbers"]]
        assert len(set(keys)) == len(keys)
        assert {number["source"] for number in one["numbers"]} == set(one["sources"])


def test_each_name_has_all_of_its_numbers_with_its_epochs():
    found = {}
    for number in published_numbers(recorded(MNIST)):
        if number.metric == "mse@sum":
            found.setdefault(number.method, {})[number.epochs] = str(number.value)
    assert found == {
        "ConvLSTM": {None: "103.3", 200: "29.80", 2000: "22.41"},
        "PredRNN": {None: "56.8", 200: "23.97", 2000: "26.43"},
        "SimVP IncepU": {None: "23.8", 200: "32.15", 2000: "21.15"},
        "SimVP gSTA": {200: "26.69", 2000: "15.05"},
        "TAU": {None: "19.8", 200: "24.60", 2000: "15.69"},
        "PredFormer": {None: "12.4"},
    }


def test_what_was_not_compared_with_its_source_says_so():
    numbers = published_numbers(recorded(MNIST))
    assert {number.is_checked for number in numbers if number.epochs is None} == {False}
    assert {number.is_checked for number in numbers if number.epochs is not None} == {True}
    for number in published_numbers(recorded(MDGAN)):
        assert not number.is_checked
        assert number.note.startswith("recalled, unverified")
        assert number.metric.endswith("@unknown")


def test_the_name_of_a_protocol_decides_nothing():
    renamed = recorded(MNIST) | {"name": "mine", "summary": "another"}
    assert published_numbers(renamed) == published_numbers(recorded(MNIST))
    assert published_numbers(recorded(MNIST, limit=40))
    assert published_numbers(recorded(MNIST, **{"video.size": (64, 64)}))


@pytest.mark.parametrize(
    "changed", [{"test.split": "test"}, {"task.frames": 9}, {"video.size": [32, 32]}, {"task.target_start": 9}, {"task.score_from": 1}]
)
def test_what_compares_something_else_has_none(changed):
    with pytest.raises(ProtocolError, match=f"published for what protocol {MNIST} compares. There are numbers for {MNIST}, {MDGAN}"):
        published_numbers(recorded(MNIST, **changed))
    with pytest.raises(ProtocolError, match="what protocol given clips compares"):
        published_numbers({"id": "1", "name": "given clips", "reference": "real"})


def test_for_machines_a_value_is_a_number():
    number = next(number for number in published_numbers(recorded(MNIST)) if number.epochs == 200)
    assert number.value == Decimal("29.80")
    assert number.record()["value"] == 29.8
    assert isinstance(number.record()["value"], float)
