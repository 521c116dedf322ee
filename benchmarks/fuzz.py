"""Damaged files of every kind that vgbench reads, for minutes: what is refused, what is read, and what breaks a promise.

    python benchmarks/fuzz.py [--seconds 20] [--seed 0] [--only h264.mp4,npz] [--keep DIR]

Each kind has a process of its own, with 4 GiB of memory and 20 s a file. A file that brings down its process, takes longer, or ends in
anything but a result or one of vgbench's sentences is kept in DIR, with the damage that made it. Exit status 1 where there is one.
`tests/fuzz` has the kinds, the damages and the promises, and tries a few in each run of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))

from damage import drawn
from specimens import SPECIMENS, Specimen

MEMORY = 4 * 2**30
LONGEST = 20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20, help="for each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="kinds, with commas")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        tried(next(one for one in SPECIMENS if one.name == given.child), given.seconds, given.seed, given.keep)
        return
    chosen = [one for one in SPECIMENS if not given.only or one.name in given.only.split(",")]
    print("| file | promise | damaged | refused | read | broken |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda one: _in_a_process(one, given), chosen))
    for specimen, count in zip(chosen, counts, strict=True):
        cells = (specimen.name, specimen.promise, count["damaged"], count["refused"], count["read"], count["broken"])
        print(f"| {' | '.join(map(str, cells))} |")
    whole = sum(counts, Counter())
    print(f"\n{whole['damaged']:,} files, {whole['refused']:,} refused, {whole['read']:,} read, {whole['broken']:,} broken")
    sys.exit(whole["broken"] > 0)


def _in_a_process(specimen: Specimen, given: argparse.Namespace) -> Counter[str]:
    """The counts of one kind; a process that dies is begun again behind the file that it died of."""
    whole: Counter[str] = Counter()
    ends = time.monotonic() + given.seconds
    seed = given.seed
    while (left := ends - time.monotonic()) > 0:
        command = [
            sys.executable,
            __file__,
            "--child",
            specimen.name,
            "--seconds",
            str(left),
            "--seed",
            str(seed),
            "--keep",
            str(given.keep),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"})
        lines = done.stdout.splitlines()
        whole += Counter(json.loads(lines[-1])) if lines else Counter()
        if done.returncode == 0:
            break
        whole["broken"] += 1
        print(f"{specimen.name}: its process ended with {done.returncode}: {done.stderr[-300:].strip()}", file=sys.stderr)
        seed += 1_000_003
    return whole


def tried(specimen: Specimen, seconds: float, seed: int, keep: Path) -> None:
    """Damage and read one kind of file for so long; the counts are printed after each file, so that they outlive the process."""
    from vgbench.errors import VgbenchError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    rng, counts = random.Random(f"{specimen.name} {seed}"), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        os.environ["VGBENCH_WEIGHTS"] = os.environ["VGBENCH_CACHE"] = name
        folder = Path(name) / "specimen"
        folder.mkdir()
        path = specimen.make(folder)
        data = path.read_bytes()
        expected = specimen.read(path)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            damage = drawn(rng)
            path.write_bytes(damage.done_to(data))
            kept = keep / f"{specimen.name}-{seed}-{counts['damaged']}{path.suffix}"
            counts["damaged"] += 1
            keep.mkdir(exist_ok=True)
            kept.write_bytes(path.read_bytes())  # it stays where reading it kills the process
            signal.alarm(LONGEST)
            problem = ""
            try:
                found = specimen.read(path)
                counts["read"] += 1
                is_held = specimen.promise == "same" or (specimen.promise == "whole if cut" and damage.kind == "cut")
                problem = f"gave {found}, not {expected}" if is_held and found != expected else ""
            except VgbenchError:
                counts["refused"] += 1
            except BaseException as error:
                problem = f"{type(error).__name__}: {error}"
            signal.alarm(0)
            if problem:
                counts["broken"] += 1
                kept.with_suffix(".txt").write_text(f"{damage}\n{problem}\n")
            else:
                kept.unlink()
            print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main()
