"""A protocol's id changes whenever a number could change, and only then."""

from __future__ import annotations

import dataclasses

import pytest

from vgbench.config import plain
from vgbench.errors import ConfigError, ProtocolError, UnknownName
from vgbench.plugins.registry import load_registry
from vgbench.protocol import Protocol, differing_keys, load_protocol, parse_protocol, protocol_table

BASE = load_protocol("synthetic-sky-64x16")
FINGERPRINT = "f" * 64


def changed(section: str | None, **values: object) -> Protocol:
    if section is None:
        return dataclasses.replace(BASE, **values)
    return dataclasses.replace(BASE, **{section: dataclasses.replace(getattr(BASE, section), **values)})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("data", {"dataset": "video-folder"}),
        ("data", {"config": {**BASE.data.config, "seed": 1}}),
        ("train", {"split": "test"}),
        ("train", {"stride": 8}),
        ("train", {"length": 32}),
        (None, {"train": None}),
        (None, {"validation": None}),
        ("validation", {"stride": 8}),
        ("test", {"split": "validation"}),
        ("test", {"length": 32}),
        ("test", {"stride": 8}),
        ("test", {"which": "first"}),
        ("test", {"min_motion": 0.01}),
        ("test", {"step": 2}),
        ("test", {"fps": 10.0}),
        ("video", {"size": (64, 96)}),
        ("video", {"channels": 1}),
        ("video", {"resample": "bicubic"}),
        ("video", {"fit": "center-crop"}),
        ("video", {"channels": 1, "grey": "bt601"}),
        ("task", {"context": 2}),
        ("task", {"frames": 15}),
        ("task", {"target_start": 1, "frames": 15}),
        ("task", {"score_from": 0}),
        ("task", {"samples": 2}),
        ("task", {"seed": 1}),
        (None, {"limit": 3}),
    ],
)
def test_every_field_that_could_change_a_number_changes_the_id(section, values):
    assert changed(section, **values).id(FINGERPRINT) != BASE.id(FINGERPRINT)


def test_every_field_is_covered_by_the_list_above():
    fields = {
        f"{section}.{field.name}" for section in ("data", "test", "video", "task") for field in dataclasses.fields(getattr(BASE, section))
    }
    assert fields == {
        *("data.dataset", "data.config", "test.split", "test.length", "test.stride", "test.which", "test.min_motion"),
        *("test.step", "test.fps"),
        *("video.size", "video.channels", "video.resample", "video.fit", "video.grey"),
        *("task.context", "task.frames", "task.target_start", "task.score_from", "task.samples", "task.seed"),
    }


def test_the_test_datas_fingerprint_changes_the_id():
    assert BASE.id(FINGERPRINT) != BASE.id("0" * 64)


def test_name_and_summary_do_not_change_the_id():
    assert changed(None, name="other", summary="other").id(FINGERPRINT) == BASE.id(FINGERPRINT)


def test_writing_a_default_out_does_not_change_the_id():
    table = protocol_table(BASE)
    table["data"]["config"] = {"train_sources": table["data"]["config"]["train_sources"]}
    assert parse_protocol(table, name="x", where="x").id(FINGERPRINT) == BASE.id(FINGERPRINT)


def test_a_protocol_survives_its_table():
    assert parse_protocol(protocol_table(BASE), name="x", where="x") == BASE


def test_every_shipped_protocol_can_be_read_and_does_not_score_a_given_frame():
    names = [entry.short_name for entry in load_registry().protocols]
    assert {"synthetic-sky-64x16", "synthetic-sky-128x32", "sky-timelapse-128x32", "sky-timelapse-128x32-first-window"} <= set(names)
    for name in names:
        protocol = load_protocol(name)
        assert protocol.task.target_start + protocol.task.score_from >= protocol.task.context
        assert protocol.summary


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "Unknown key 'colour' in protocol mine"),
        (
            {"task": {"frames": 16, "score_form": 1}},
            "Unknown key 'score_form' in the file for [task] of protocol mine. Did you mean score_from?",
        ),
        ({"task": {"frames": 16, "score_from": 16}}, "score_from 16 must be from 0 to 15"),
        ({"task": {"frames": 16, "context": 1, "target_start": 2}}, "target_start 2 leaves a gap after the 1 context frames"),
        (
            {"test": {"split": "test", "length": 8, "stride": 8}},
            "[test] length 8 is too short for 1 context frames and 16 generated frames",
        ),
        ({"train": {"split": "train", "length": 16}}, "[train] of protocol mine needs a value for stride: give it in that section."),
        ({"video": 5}, "video must be a section, [video], not 5"),
        ({"video": {"size": [64]}}, "size from the file: [64] is not a list [a whole number, a whole number]."),
        ({"data": {"dataset": "synthetic-sea"}}, "Unknown data set 'synthetic-sea'. Did you mean synthetic-sky?"),
        ({"data": {"dataset": "synthetic-sky", "config": {"sede": 1}}}, "Did you mean seed?"),
    ],
)
def test_a_wrong_protocol_says_which_key(change, message):
    table = plain(protocol_table(BASE)) | change
    with pytest.raises((ProtocolError, ConfigError, UnknownName)) as caught:
        parse_protocol(table, name="mine", where="mine")
    assert message in str(caught.value)


def test_a_missing_section_is_named():
    table = protocol_table(BASE)
    del table["video"]
    with pytest.raises(ProtocolError, match=r"has no section \[video\]"):
        parse_protocol(table, name="mine", where="mine")


def test_differences_are_named_key_by_key():
    lines = differing_keys(BASE.compared(), changed("test", stride=8).compared())
    assert lines == ["test.stride: 16 against 8"]
