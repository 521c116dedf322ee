"""A null row: the same generator drawn with other seeds, so that a reader sees what difference means nothing."""

from __future__ import annotations

import pytest


def test_a_null_row_has_other_clips_of_the_same_kind(vgbench, tiny):
    given = ["--protocol", tiny, "--generators", "noise,copy-first", "--metrics", "mse", "--json"]
    alone = vgbench("eval", *given).json()
    found = vgbench("eval", *given, "--null", "noise").json()
    values = {row["generator"]: row["value"] for row in found["rows"]}
    assert set(values) == {"noise", "noise (null)", "copy-first"}
    assert {row["generator"]: row["value"] for row in alone["rows"]} == {name: values[name] for name in ("noise", "copy-first")}
    assert values["noise (null)"] != values["noise"]
    assert values["noise (null)"] == pytest.approx(values["noise"], rel=0.01)
    again = vgbench("eval", *given, "--null", "noise", "--fresh").json()
    assert {row["generator"]: row["value"] for row in again["rows"]} == values


def test_it_draws_beyond_the_samples_that_the_protocol_asks_for(vgbench, tiny):
    """With three samples a clip, the null row has three of its own."""
    tiny.write_text(tiny.read_text() + "samples = 3\n")
    found = vgbench("eval", "--protocol", tiny, "--generators", "noise", "--null", "noise", "--metrics", "mse", "--json").json()
    lines = [line for row in found["rows"] if row["metric"] == "mse@mean" for line in [row]]
    assert [row["n_clips"] for row in lines] == [30, 30]
    assert len({row["value"] for row in lines}) == 2


@pytest.mark.parametrize(
    ("null", "status", "sentence"),
    [
        ("copy-first", 1, "copy-first gives the same clip whatever its seed, so a null row of it would be the row itself."),
        ("nois", 1, "Unknown row 'nois'. Did you mean noise?"),
    ],
)
def test_what_has_no_null_row_is_said(vgbench, tiny, null, status, sentence):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "noise,copy-first", "--null", null, "--metrics", "mse")
    assert (ran.status, sentence in ran.err) == (status, True), ran.err


def test_given_clips_and_clusters_have_none(vgbench, folder):
    ran = vgbench("eval", "--generated", "a", "--reference", "b", "--null", "noise")
    assert (ran.status, "--null does not go with --reference." in ran.err) == (2, True)
    ran = vgbench("eval", "--on", "ray", "--null", "noise")
    assert (ran.status, "--null does not go with --on ray." in ran.err) == (2, True)
