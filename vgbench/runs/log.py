"""A training's log: one line of JSON a logged step."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vgbench.files import whole_lines, write_text, writing

LOG = "log.jsonl"


class Logbook:
    """Appends to a run's log.jsonl."""

    def __init__(self, run_path: Path, *, last_step: int = 0) -> None:
        """last_step: where a resumed run continues; lines of later steps are cut, since those steps will be done again."""
        self.path = run_path / LOG
        if self.path.exists():
            kept = [line for line in read_log(run_path) if line["step"] <= last_step]
            write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        with writing(self.path):
            self._file = open(self.path, "a", encoding="utf-8")

    def write(self, line: Mapping[str, Any]) -> None:
        """RunError: the disk is full or the folder cannot be written."""
        with writing(self.path):
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def __enter__(self) -> Logbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read_log(run_path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a run's log; a line that a kill tore is passed over."""
    path = run_path / LOG
    if not path.exists():
        return
    for text in whole_lines(path):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            yield line
