"""What compiled code and child processes write to descriptor 1 does not mix with results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOISY = """
import os, subprocess, sys
import vgbench.plugins.registry as registry
from vgbench.__main__ import main

load = registry.load_registry

def noisy():
    os.write(1, b"from compiled code\\n")
    subprocess.run([sys.executable, "-c", "print('from another program')"], check=True)
    return load()

registry.load_registry = noisy
status = main()
os.write(1, b"afterwards\\n")
sys.exit(status)
"""


def test_what_is_written_past_sys_stdout_goes_to_stderr_and_the_answer_stays_whole():
    ran = subprocess.run([sys.executable, "-c", NOISY, "list", "generators", "--json"], capture_output=True, text=True, check=True)
    answer, _, rest = ran.stdout.rpartition("]\n")
    assert {row["name"] for row in json.loads(answer + "]")} >= {"mdgan", "copy-first"}
    assert rest == "afterwards\n", "descriptor 1 is given back"
    assert ran.stderr.splitlines() == ["from compiled code", "from another program"]


def test_a_reader_that_leaves_early_costs_no_traceback():
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as pipe:
        ran = subprocess.run(
            [sys.executable, "-m", "vgbench", "list", "metrics"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.stderr == ""


def test_without_stdout_a_command_does_its_work():
    command = [sys.executable, "-m", "vgbench", "list", "metrics"]
    ran = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_said_once():
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "vgbench", "list", "metrics"]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "Error: [Errno 28] No space left on device\n")
