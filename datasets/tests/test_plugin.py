"""The plugin module: complete specs, and light to import."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from vgbench import Dataset, DatasetSpec
from vgbench_datasets.plugin import VGBENCH_API, vgbench_datasets

SPECS = {spec.name: spec for spec in vgbench_datasets()}


def resolve(target: str) -> type:
    module, name = target.split(":")
    return getattr(import_module(module), name)


def test_the_data_sets_are_offered() -> None:
    assert sorted(SPECS) == ["bair", "beach", "kth", "moving-mnist", "skippd", "sky-timelapse", "synthetic-sky", "ucf101", "video-folder"]
    assert VGBENCH_API == 1


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_targets_and_configurations_resolve(spec: DatasetSpec) -> None:
    assert issubclass(resolve(spec.target), Dataset)
    if spec.config is not None:
        assert resolve(str(spec.config))() == resolve(str(spec.config))()


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from vgbench_datasets.plugin import vgbench_datasets; list(vgbench_datasets()); import vgbench_datasets.configs; "
        "print([name for name in ('torch', 'numpy', 'PIL', 'av', 'pandas') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
