"""The command line starts fast and loads nothing heavy before it must."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("torch", "numpy", "pandas", "av", "PIL", "scipy", "lightning_fabric")
REPORT = f"""
import sys
from vgbench.__main__ import main
status = main(sys.argv[1:])
print(status, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "command",
    ["--help", "list generators", "list datasets", "list metrics", "list protocols", "list runs", "plugins", "train --help", "eval --help"],
)
def test_a_light_command_imports_nothing_heavy(command, tmp_path):
    ran = subprocess.run([sys.executable, "-c", REPORT, *command.split()], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert ran.stderr.splitlines()[-1] == "0 []"


def test_importing_vgbench_costs_next_to_nothing(tmp_path):
    code = f"import vgbench, sys; print([name for name in {(*HEAVY, 'pluggy', 'click')!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert ran.stdout == "[]\n"


def fastest(command: list[str], folder: Path) -> float:
    times = []
    for _ in range(9):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, cwd=folder, check=True)
        times.append(time.perf_counter() - started)
    return min(times)


def test_help_takes_less_than_twelve_times_a_bare_python(tmp_path):
    bare = fastest([sys.executable, "-c", "pass"], tmp_path)
    assert fastest([str(Path(sys.executable).with_name("vgbench")), "--help"], tmp_path) < 12 * bare


def test_a_misspelt_command_is_a_usage_error_with_a_suggestion(vgbench):
    ran = vgbench("evla")
    assert ran.status == 2
    assert "No such command 'evla'. Did you mean eval?" in ran.err
