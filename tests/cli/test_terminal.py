"""The table on a terminal: nothing is wider than it, and every part says whose numbers they are."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vgbench.cli.terminal import print_leaderboard
from vgbench.leaderboard.ranking import build_leaderboard

METRICS = ["psnr@frame", "ssim@wang", "psnr@y-limited-crop4", "ssim@y-limited-crop4", "mse@mean", "rmse@predbench"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("samples", [1, 3])
def test_each_part_of_the_table_has_its_generators_and_fits(made_run, width, samples):
    values = {metric: [0.5 + place] for place, metric in enumerate(METRICS)}
    rows = {label: [[[values] * samples] for _ in range(6)] for label in ("ours", "theirs")}
    text = io.StringIO()
    print_leaderboard(Console(file=text, width=width), build_leaderboard([made_run(rows)]))
    table = text.getvalue().split("clips, ")[0]
    assert max(map(len, table.splitlines())) <= width
    heads = [line for line in table.splitlines() if "───" in line]
    lines = [line.split() for line in table.splitlines()]
    assert sum(words[:1] == ["ours"] for words in lines) == sum(words[:1] == ["theirs"] for words in lines) == len(heads)
    assert sum(words[:1] == ["generator"] for words in lines) == len(heads)
    assert "…" not in table
