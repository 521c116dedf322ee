"""vgbench trains, samples, scores and compares video generators, and says what each number means.

The public names below are imported on first use, so that `import vgbench` costs next to nothing. The verbs are plain functions in
modules of their names: `from vgbench.train import train`, `from vgbench.generate import generate`, `from vgbench.evaluate import evaluate`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

VGBENCH_API = 1
"""The version of the hooks and interfaces; a plugin module may state the one it was written for under the same name."""

_HOMES = {
    "vgbench.hookspecs": ("hookimpl",),
    "vgbench.specs": ("GeneratorSpec", "DatasetSpec", "MetricSpec", "ReportSpec", "ProtocolSpec"),
    "vgbench.interfaces": (
        "Batch",
        "Dataset",
        "FeatureExtractor",
        "Generator",
        "Host",
        "PairedMetric",
        "Request",
        "Schedule",
        "SetMetric",
        "Source",
        "Stage",
        "StepResult",
        "TrainableGenerator",
    ),
    "vgbench.errors": (
        "VgbenchError",
        "UnknownName",
        "AmbiguousName",
        "PluginError",
        "ConfigError",
        "ProtocolError",
        "DataError",
        "VideoError",
        "PairingError",
        "GeneratorError",
        "MetricError",
        "WeightsError",
        "CheckpointError",
        "TrainingError",
        "RunError",
    ),
    "vgbench.metrics.sets": ("FrechetDistance", "KernelDistance"),
    "vgbench.protocol": ("Protocol", "load_protocol"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["VGBENCH_API", "__version__", *_HOME_OF]  # noqa: PLE0604 - the names come from the one table above


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vgbench' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from vgbench.errors import (
        AmbiguousName as AmbiguousName,
        CheckpointError as CheckpointError,
        ConfigError as ConfigError,
        DataError as DataError,
        GeneratorError as GeneratorError,
        MetricError as MetricError,
        PairingError as PairingError,
        PluginError as PluginError,
        ProtocolError as ProtocolError,
        RunError as RunError,
        TrainingError as TrainingError,
        UnknownName as UnknownName,
        VgbenchError as VgbenchError,
        VideoError as VideoError,
        WeightsError as WeightsError,
    )
    from vgbench.hookspecs import hookimpl as hookimpl
    from vgbench.interfaces import (
        Batch as Batch,
        Dataset as Dataset,
        FeatureExtractor as FeatureExtractor,
        Generator as Generator,
        Host as Host,
        PairedMetric as PairedMetric,
        Request as Request,
        Schedule as Schedule,
        SetMetric as SetMetric,
        Source as Source,
        Stage as Stage,
        StepResult as StepResult,
        TrainableGenerator as TrainableGenerator,
    )
    from vgbench.metrics.sets import FrechetDistance as FrechetDistance, KernelDistance as KernelDistance
    from vgbench.protocol import Protocol as Protocol, load_protocol as load_protocol
    from vgbench.specs import (
        DatasetSpec as DatasetSpec,
        GeneratorSpec as GeneratorSpec,
        MetricSpec as MetricSpec,
        ProtocolSpec as ProtocolSpec,
        ReportSpec as ReportSpec,
    )
