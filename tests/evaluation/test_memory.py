"""The memory of an evaluation does not grow with the number of clips, nor with their length."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.video import write_lossless

STATUS = Path("/proc/self/status")
PEAK = f"""
import sys
from vgbench.__main__ import main
status = main(sys.argv[1:])
print(*(line for line in open({str(STATUS)!r}) if line.startswith("VmHWM")), file=sys.stderr)
raise SystemExit(status)
"""
"""Not getrusage: its peak counts what the process that started this one had in memory."""

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason=f"the peak of a process is read from {STATUS}")


def peak_memory(folder: Path, *arguments: object) -> float:
    """Of a command in a process of its own, in KiB."""
    command = [sys.executable, "-c", PEAK, *(str(argument) for argument in arguments)]
    one_arena = os.environ | {"MALLOC_ARENA_MAX": "1"}  # else each thread keeps what it freed, which varies from run to run
    done = subprocess.run(command, cwd=folder, env=one_arena, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(re.findall(r"^VmHWM:\s*(\d+) kB", done.stderr, re.MULTILINE)[-1])


@pytest.mark.slow
def test_ten_times_the_clips_take_no_more_memory(folder, tiny):
    whole = tiny.read_text()
    video_folder = whole[: whole.index("[data]")] + '[data]\ndataset = "video-folder"\n\n' + whole[whole.index("[test]") :]
    for name, change in (("some", "stride = 10"), ("all", "stride = 1")):
        (folder / f"{name}.toml").write_text(video_folder.replace("stride = 8", change).replace("[32, 32]", "[64, 64]"))
    (folder / "videos" / "test").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(2):
        frames = rng.integers(0, 256, (650, 3, 32, 32), dtype=np.uint8).repeat(2, axis=2).repeat(2, axis=3)
        write_lossless(folder / "videos" / "test" / f"{number}.mkv", torch.from_numpy(frames), 25)
    peaks = []
    for name in ("some", "all"):
        rows = ("--generators", "copy-first", "--metrics", "mse,psnr,psnr@dataset,motion-ratio", "--data", "video-folder=videos")
        peaks.append(peak_memory(folder, "eval", "--protocol", f"{name}.toml", *rows))
    assert peaks[1] - peaks[0] < 40 * 1024  # the clips that are added take 108 MiB; some are as many as are read ahead


@pytest.mark.slow
def test_long_clips_take_the_memory_they_are_allowed(folder):
    rng = np.random.default_rng(0)
    for name in ("made", "real"):
        np.save(f"{name}.npy", rng.integers(0, 256, (1, 250, 360, 640, 1), dtype=np.uint8))
    given = ("eval", "--generated", "made.npy", "--reference", "real.npy", "--metrics", "mse,psnr")
    whole, chunks = peak_memory(folder, *given, "--max-memory", "1G"), peak_memory(folder, *given, "--max-memory", "16M")
    assert whole - chunks > 50 * 1024  # both clips take 110 MiB
