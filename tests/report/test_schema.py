"""What JSON output holds is what its schema says, in every form of it."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

SCHEMA = json.loads((files("vgbench") / "report" / "leaderboard.schema.json").read_text(encoding="utf-8"))


def check(found):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_an_evaluation_keeps_to_the_schema_with_and_without_frames(vgbench, tiny):
    given = ["--protocol", tiny, "--generators", "copy-first,noise,real", "--metrics", "mse,psnr,motion-ratio"]
    check(vgbench("eval", *given, "--json").json())
    per_frame = vgbench("report", "--json", "--per-frame").json()
    check(per_frame)
    assert any(row.get("per_frame_missing") for row in per_frame["rows"])
    assert per_frame["schema_version"] == SCHEMA["properties"]["schema_version"]["const"]


@pytest.mark.parametrize(("key", "value"), [("value", "0.5"), ("rank_best", 0), ("better", "up"), ("extra", 1)])
def test_the_schema_refuses_what_is_not_so(vgbench, tiny, key, value):
    found = vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise", "--metrics", "mse", "--json").json()
    found["rows"][0][key] = value
    with pytest.raises(jsonschema.ValidationError):
        check(found)
