"""Commands that messages suggest, built from the call that was made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from vgbench.config import DEFAULT_RUNS


def command_line(*words: str, data: Mapping[str, Path] | None = None, runs: Path = DEFAULT_RUNS, **options: object) -> str:
    """A command as a shell takes it: with the folders of data and runs of the call, and each option that is not None."""
    line = ["vgbench", *words]
    for name, value in options.items():
        if value is not None:
            line += [f"--{name.replace('_', '-')}", str(value)]
    for name, folder in (data or {}).items():
        line += ["--data", f"{name}={folder}"]
    if Path(runs) != DEFAULT_RUNS:
        line += ["--runs", str(runs)]
    return shlex.join(line)
