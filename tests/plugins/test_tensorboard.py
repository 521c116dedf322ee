"""TensorBoard's scalars of a training, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vgbench.plugins import tensorboard
from vgbench.runs.log import read_log
from vgbench.training.train import train

pytest.importorskip("tensorboard")


def trained(tiny: Path) -> Path:
    return train("mdgan", protocol=str(tiny), preset="tiny", steps=4, seed=3, device="cpu").path


def test_every_number_of_the_log_is_a_scalar_of_the_same_step(tiny):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    path = trained(tiny)
    events = EventAccumulator(str(path / "tensorboard"))
    events.Reload()
    for line in read_log(path):
        for group in ("losses", "diagnostics"):
            for name, value in line[group].items():
                found = {event.step: event.value for event in events.Scalars(f"{line['stage']} {group}/{name}")}
                assert found[line["step"]] == pytest.approx(value, rel=1e-6)


def test_without_it_a_training_writes_none(tiny, monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    tensorboard.is_installed.cache_clear()
    try:
        assert not (trained(tiny) / "tensorboard").exists()
    finally:
        tensorboard.is_installed.cache_clear()
