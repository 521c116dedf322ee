"""A suite's file beside the tiny protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SUITE = """
protocol = "tiny.toml"
metrics = ["mse", "ssim"]
seeds = [0, 1]

[budget]
steps = 8

[[members]]
generator = "mdgan"
preset = "tiny"

[[members]]
generator = "copy-first"

[[members]]
name = "static"
generator = "noise"
"""

WriteSuite = Callable[..., Path]


@pytest.fixture
def write_suite(tiny: Path) -> WriteSuite:
    """Write a suite with some of its text replaced, old and new by turns."""

    def write(*changes: str, text: str = SUITE) -> Path:
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text
            text = text.replace(old, new, 1)
        path = tiny.parent / "suite.toml"
        path.write_text(text)
        return path

    return write
