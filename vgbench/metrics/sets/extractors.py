"""Extractors of features: clips, or frames, to the vectors whose distributions are compared.

Each clip goes through its network alone, so that its features do not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vgbench.devices import full_float32
from vgbench.errors import MetricError
from vgbench.interfaces import FeatureExtractor
from vgbench.metrics.networks.by_device import ByDevice
from vgbench.metrics.networks.i3d import WEIGHTS, i3d_by_device
from vgbench.metrics.networks.placement import Placement, placed
from vgbench.weights.scripts import load_script
from vgbench.weights.store import locate_weights

LEAST_FRAMES = 9
"""Frames from which I3D's last layers have two to average."""


class I3dLogits(FeatureExtractor):
    """The 400 logits of I3D trained on Kinetics-400, the mean over time: the features FVD was defined with."""

    least_frames = LEAST_FRAMES
    name = WEIGHTS

    def __init__(self, placement: Placement = Placement()) -> None:  # noqa: B008 - a tuple
        self.placement = placement
        self._network = i3d_by_device()

    def prepare(self) -> None:
        self._network.found()

    def key(self) -> str:
        return f"{self.name} {self._network.found().sha256[:16]} {self.placement}"

    def features(self, clips: Tensor) -> Tensor:
        check_clips(clips, self.least_frames, self.name)
        network = self._network.on(clips.device)
        with torch.no_grad(), full_float32():
            return torch.cat([network(placed(clip, self.placement).transpose(0, 1)[None]) for clip in clips])


class SlidingWindows(FeatureExtractor):
    """Another extractor's features of every window of a clip: `length` frames from each `stride`-th frame on, as far as they fit."""

    def __init__(self, extractor: FeatureExtractor, *, length: int, stride: int) -> None:
        self.extractor, self.length, self.stride = extractor, length, stride
        self.least_frames = length

    def prepare(self) -> None:
        self.extractor.prepare()

    def key(self) -> str:
        return f"{self.extractor.key()} of {self.length} frames every {self.stride}"

    def features(self, clips: Tensor) -> Tensor:
        check_clips(clips, self.length, f"a window of {self.length} frames")
        starts = range(0, clips.shape[1] - self.length + 1, self.stride)
        vectors = [self.extractor.features(clips[:, start : start + self.length]) for start in starts]
        return torch.stack(vectors, dim=1).flatten(0, 1)  # a clip's windows next to each other


def check_clips(clips: Tensor, least_frames: int, name: str) -> None:
    """MetricError: not uint8 (B, T, C, H, W) with 1 or 3 channels, or too few frames."""
    if clips.dtype != torch.uint8 or clips.ndim != 5 or clips.shape[2] not in (1, 3) or 0 in clips.shape[3:]:
        kind = str(clips.dtype).removeprefix("torch.")
        raise MetricError(f"{name} takes uint8 clips (B, T, C, H, W) with 1 or 3 channels; these are {kind} {tuple(clips.shape)}.")
    if clips.shape[1] < least_frames:
        raise MetricError(f"{name} needs clips of at least {least_frames} frames that count; these have {clips.shape[1]}.")


class ScriptedExtractor(FeatureExtractor):
    """A TorchScript file that the user added under a name, called in the way its own project calls it.

    call: (network, uint8 clips (1, T, 3, H, W)) → (1, D), or (T, D) where `per_frame`.  how: the call in words, part of the key.
    """

    def __init__(self, name: str, call: Callable[[Any, Tensor], Tensor], *, how: str, per_frame: bool, least_frames: int = 1) -> None:
        self.name, self.how, self.per_frame, self.least_frames = name, how, per_frame, least_frames
        self._call = call
        self._network = ByDevice(name, lambda: locate_weights(name), lambda found, device: load_script(found.path, device))

    def prepare(self) -> None:
        self._network.found()

    def key(self) -> str:
        return f"{self.name} {self._network.found().sha256[:16]} {self.how}"

    def features(self, clips: Tensor) -> Tensor:
        check_clips(clips, self.least_frames, self.name)
        network = self._network.on(clips.device)
        rgb = clips.expand(-1, -1, 3, -1, -1)
        with torch.no_grad(), full_float32():
            features = [self._call(network, clip[None]) for clip in rgb]
        wanted = clips.shape[1] if self.per_frame else 1
        for found in features:
            if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != wanted:
                got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
                raise MetricError(f"The TorchScript file {self.name} returned {got} for a clip; ({wanted}, D) was expected.")
        return torch.cat(features).float()


def i3d_as_styleganv_calls_it() -> ScriptedExtractor:
    """StyleGAN-V's I3D: levels from 0 to 255, which the file itself scales and squashes to 224."""

    def call(network: Any, clips: Tensor) -> Tensor:
        result: Tensor = network(clips.transpose(1, 2).float(), rescale=True, resize=True, return_features=True)
        return result

    return ScriptedExtractor("i3d-torchscript", call, how="rescale resize features", per_frame=False, least_frames=LEAST_FRAMES)


def inception_as_stylegan_calls_it() -> ScriptedExtractor:
    """StyleGAN's Inception: uint8 frames, which the file itself resizes to 299."""

    def call(network: Any, clips: Tensor) -> Tensor:
        result: Tensor = network(clips[0].contiguous(), return_features=True)
        return result

    return ScriptedExtractor("inception-fid", call, how="features of frames", per_frame=True)
