"""A suite's file beside the tiny protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one CPU each, the second of which may be lost."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'vgbench[ray]'")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20})
    made.second = made.add_node(num_cpus=1, object_store_memory=80 << 20)
    yield made
    made.shutdown()
