"""vgbench trains, samples, scores and compares video generators, and says what each number means.

The public names below are imported on first use, so that `import vgbench` costs next to nothing. The verbs are plain functions:

    from vgbench import build_leaderboard, evaluate
    run = evaluate(["copy-first", "noise"], limit=2)
    print(build_leaderboard([run]).frame())
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vgbench.version import VGBENCH_API as VGBENCH_API, __version__ as __version__

_HOMES = {
    "vgbench.plugins.hookspecs": ("hookimpl",),
    "vgbench.specs": ("GeneratorSpec", "DatasetSpec", "MetricSpec", "ReportSpec", "ProtocolSpec"),
    "vgbench.interfaces": (
        "Batch",
        "Dataset",
        "FeatureExtractor",
        "Generator",
        "Host",
        "PairedMetric",
        "ReferenceGenerator",
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
        "VgbenchWarning",
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
    "vgbench.metrics.sets.distances": ("FrechetDistance", "KernelDistance"),
    "vgbench.protocol": ("Protocol", "load_protocol"),
    "vgbench.runs.records": ("TrainRecord", "EvalRecord", "RowRecord"),
    "vgbench.runs.run": ("Run", "TrainRun", "EvalRun", "open_run"),
    "vgbench.plugins.observers": ("Observer", "TrainingProgress"),
    "vgbench.training.options": ("TrainingOptions", "ResumeOptions"),
    "vgbench.training.train": ("train", "resume_training"),
    "vgbench.generation.generate": ("generate",),
    "vgbench.evaluation.evaluate": ("evaluate",),
    "vgbench.evaluation.folders": ("evaluate_folders",),
    "vgbench.leaderboard.ranking": ("build_leaderboard",),
    "vgbench.leaderboard.table": ("Leaderboard", "TableRow", "Score"),
    "vgbench.leaderboard.published": ("PublishedNumber",),
    "vgbench.stats.set_distance": ("SetEstimate",),
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
        VgbenchWarning as VgbenchWarning,
        VideoError as VideoError,
        WeightsError as WeightsError,
    )
    from vgbench.evaluation.evaluate import evaluate as evaluate
    from vgbench.evaluation.folders import evaluate_folders as evaluate_folders
    from vgbench.generation.generate import generate as generate
    from vgbench.interfaces import (
        Batch as Batch,
        Dataset as Dataset,
        FeatureExtractor as FeatureExtractor,
        Generator as Generator,
        Host as Host,
        PairedMetric as PairedMetric,
        ReferenceGenerator as ReferenceGenerator,
        Request as Request,
        Schedule as Schedule,
        SetMetric as SetMetric,
        Source as Source,
        Stage as Stage,
        StepResult as StepResult,
        TrainableGenerator as TrainableGenerator,
    )
    from vgbench.leaderboard.published import PublishedNumber as PublishedNumber
    from vgbench.leaderboard.ranking import build_leaderboard as build_leaderboard
    from vgbench.leaderboard.table import Leaderboard as Leaderboard, Score as Score, TableRow as TableRow
    from vgbench.metrics.sets.distances import FrechetDistance as FrechetDistance, KernelDistance as KernelDistance
    from vgbench.plugins.hookspecs import hookimpl as hookimpl
    from vgbench.plugins.observers import Observer as Observer, TrainingProgress as TrainingProgress
    from vgbench.protocol import Protocol as Protocol, load_protocol as load_protocol
    from vgbench.runs.records import EvalRecord as EvalRecord, RowRecord as RowRecord, TrainRecord as TrainRecord
    from vgbench.runs.run import EvalRun as EvalRun, Run as Run, TrainRun as TrainRun, open_run as open_run
    from vgbench.specs import (
        DatasetSpec as DatasetSpec,
        GeneratorSpec as GeneratorSpec,
        MetricSpec as MetricSpec,
        ProtocolSpec as ProtocolSpec,
        ReportSpec as ReportSpec,
    )
    from vgbench.stats.set_distance import SetEstimate as SetEstimate
    from vgbench.training.options import ResumeOptions as ResumeOptions, TrainingOptions as TrainingOptions
    from vgbench.training.train import resume_training as resume_training, train as train
