"""The public surface: a change to these lists is a change for everyone who builds on vgbench, so it is made on purpose."""

from __future__ import annotations

import inspect
import subprocess
import sys
import types

import pytest
import torch

import vgbench
import vgbench.learning
import vgbench.metrics
import vgbench.video
from vgbench.errors import MetricError, UnknownName
from vgbench.metrics.catalogue import metric_specs
from vgbench.plugins.registry import load_registry

VERBS = {"train", "resume_training", "generate", "evaluate", "evaluate_folders", "build_leaderboard", "open_run", "load_protocol"}
NAMES = {
    *("VGBENCH_API", "__version__", "hookimpl"),
    *("GeneratorSpec", "DatasetSpec", "MetricSpec", "ReportSpec", "ProtocolSpec"),
    *("Batch", "Dataset", "FeatureExtractor", "Generator", "Host", "PairedMetric", "Request", "Schedule", "SetMetric", "Source"),
    *("Stage", "StepResult", "TrainableGenerator", "ReferenceGenerator", "FrechetDistance", "KernelDistance", "Protocol"),
    *(
        "VgbenchError",
        "VgbenchWarning",
        "UnknownName",
        "AmbiguousName",
        "PluginError",
        "ConfigError",
        "ProtocolError",
        "DataError",
        "VideoError",
    ),
    *("PairingError", "GeneratorError", "MetricError", "WeightsError", "CheckpointError", "TrainingError", "RunError"),
    *("Run", "TrainRun", "EvalRun", "TrainRecord", "EvalRecord", "RowRecord", "TrainingOptions", "ResumeOptions"),
    *("Observer", "TrainingProgress", "Leaderboard", "TableRow", "Score", "PublishedNumber", "SetEstimate"),
    *VERBS,
}
VIDEO = {
    *("ArrayAddress", "ArrayClip", "ClipFile", "ClipFolder", "PictureClip", "VideoClip", "VideoInfo"),
    *("VIDEO_SUFFIXES", "PICTURE_SUFFIXES", "array_address", "check_range", "frame_range", "is_picture", "list_pictures", "natural_key"),
    *("open_clips", "probe_pictures", "probe_video", "read_pictures", "read_video", "resize", "stream_video", "strip"),
    *("write_lossless", "write_preview"),
}
LEARNING = {
    *("AdamOptions", "Average", "Duel", "LearningRate", "ModelOptions", "NetworkGenerator", "Objective", "Player", "Predictor"),
    *("Regression", "VideoNorm", "allocate", "as_clips", "as_video", "check_choices", "check_state", "discriminator_loss", "drawn"),
    *("frozen", "generating", "generator_loss", "gradient_penalty", "joined", "require", "squared_error", "still_video", "verdicts"),
}
FUNCTIONS = {"mse", "mae", "rmse", "psnr", "ssim", "ms_ssim", "lpips", "vmaf", "motion_ratio", "drift_ratio", "flow_epe", "gram_motion"}


def test_the_public_names_are_these():
    assert set(vgbench.__all__) == NAMES
    assert set(vgbench.video.__all__) == VIDEO
    assert set(vgbench.metrics.__all__) == FUNCTIONS
    assert set(vgbench.learning.__all__) == LEARNING


@pytest.mark.parametrize("package", [vgbench, vgbench.video, vgbench.metrics, vgbench.learning], ids=lambda package: package.__name__)
def test_every_public_name_can_be_had_and_is_no_module(package):
    for name in package.__all__:
        assert not isinstance(getattr(package, name), types.ModuleType), name
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        package.nonsense  # noqa: B018


def test_the_verbs_are_functions_whatever_was_imported_before():
    code = """
import inspect
import vgbench.training.train, vgbench.generation.generate, vgbench.evaluation.evaluate, vgbench.metrics.similarity.ssim
from vgbench import evaluate, generate, train
from vgbench.metrics import ssim
assert all(map(inspect.isfunction, (evaluate, generate, train, ssim)))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    for name in VERBS | {"hookimpl"}:
        assert callable(getattr(vgbench, name))
        assert name == "hookimpl" or inspect.isfunction(getattr(vgbench, name))


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (2, 3, 3, 32, 40), dtype=torch.uint8, generator=rng)
    return x, (x.int() + torch.randint(-9, 10, x.shape, generator=rng)).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize(
    "metric", ["mse@sum", "mae@mean", "rmse@frame", "psnr@frame", "ssim@wang", "ssim@skimage", "motion-ratio", "drift-ratio"]
)
def test_a_function_gives_what_the_metric_of_its_name_measures_for_a_pair_and_for_a_batch(metric):
    name, _, variant = metric.partition("@")
    function = getattr(vgbench.metrics, name.replace("-", "_"))
    options = {"variant": variant} if variant else {}
    x, y = pair()
    expected = load_registry().metrics.get(metric).load()().measure(x, y)
    assert function(x, y, **options).equal(expected)
    assert function(x[0], y[0], **options).equal(expected[0])
    assert function(x[0].numpy(), y[0].numpy(), **options).equal(expected[0])


def test_the_default_variant_of_a_function_is_what_the_bare_name_means():
    first = {spec.name: spec.variant for spec in reversed(metric_specs()) if spec.kind == "paired"}
    for name in FUNCTIONS:
        default = inspect.signature(getattr(vgbench.metrics, name)).parameters.get("variant")
        assert first[name.replace("_", "-")] == (default.default if default else ""), name


def test_what_a_function_cannot_take_is_said():
    x, y = pair()
    with pytest.raises(UnknownName, match="Unknown metric 'psnr@fram'. Did you mean psnr@frame?"):
        vgbench.metrics.psnr(x, y, variant="fram")
    with pytest.raises(MetricError, match="compares uint8 clips"):
        vgbench.metrics.psnr(x.float(), y.float())
