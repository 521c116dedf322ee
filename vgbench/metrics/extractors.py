"""Extractors of features: clips, or frames, to the vectors whose distributions are compared.

Each clip goes through its network alone, so that its features do not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vgbench.errors import MetricError
from vgbench.interfaces import FeatureExtractor
from vgbench.metrics.i3d import I3d, load_i3d
from vgbench.weights.scripts import load_script
from vgbench.weights.store import WeightsFile, load_weights, locate_weights

SIDE = 224
"""Height and width in pixels that I3D was trained on."""
LEAST_FRAMES = 9
"""Frames from which I3D's last layers have two to average."""
Sampling = Literal["half-pixel", "corner"]
"""Where the pixels of an enlarged picture lie: at their centres, as torch has it, or from the first pixel's corner on, as TensorFlow 1."""


class Placement(NamedTuple):
    """How frames of any size become 224×224."""

    fit: Literal["squash", "center-crop"] = "squash"
    """center-crop: the shorter side becomes 224, and the middle of the longer one is kept."""
    sampling: Sampling = "half-pixel"

    def __str__(self) -> str:
        return f"{self.fit} {SIDE} bilinear {self.sampling}"


def placed(frames: Tensor, placement: Placement) -> Tensor:
    """uint8 (T, C, H, W) → float32 (T, 3, 224, 224) in [−1, 1], bilinear without antialiasing; grey is repeated."""
    video = frames.expand(-1, 3, -1, -1).float().div_(127.5).sub_(1)
    height, width = video.shape[2:]
    if placement.fit == "center-crop":
        scale = SIDE / min(height, width)
        video = _bilinear(video, max(SIDE, round(height * scale)), max(SIDE, round(width * scale)), placement.sampling)
        top, left = (video.shape[2] - SIDE) // 2, (video.shape[3] - SIDE) // 2
        return video[:, :, top : top + SIDE, left : left + SIDE]
    return _bilinear(video, SIDE, SIDE, placement.sampling)


def _bilinear(video: Tensor, height: int, width: int, sampling: Sampling) -> Tensor:
    if sampling == "half-pixel":
        return functional.interpolate(video, (height, width), mode="bilinear", align_corners=False)
    return _from_the_corner(_from_the_corner(video, 2, height), 3, width)


def _from_the_corner(video: Tensor, axis: int, length: int) -> Tensor:
    """Pixel i of the result lies at i·n/length of the n pixels before."""
    before = video.shape[axis]
    place = torch.arange(length, dtype=torch.float32, device=video.device) * (before / length)
    low = place.floor().long()
    high = (low + 1).clamp_max(before - 1)
    shape = [1] * video.ndim
    shape[axis] = length
    share = (place - low).view(shape)
    return video.index_select(axis, low) * (1 - share) + video.index_select(axis, high) * share


class I3dLogits(FeatureExtractor):
    """The 400 logits of I3D trained on Kinetics-400, the mean over time: the features FVD was defined with."""

    least_frames = LEAST_FRAMES
    name = "i3d-k400"

    def __init__(self, placement: Placement = Placement()) -> None:  # noqa: B008 - a tuple
        self.placement = placement
        self._networks: dict[torch.device, I3d] = {}
        self._sha256 = ""

    def prepare(self) -> None:
        self._network(torch.device("cpu"))

    def key(self) -> str:
        self.prepare()
        return f"{self.name} {self._sha256[:16]} {self.placement}"

    def features(self, clips: Tensor) -> Tensor:
        check_clips(clips, self.least_frames, self.name)
        network = self._network(clips.device)
        with torch.no_grad():
            return torch.cat([network(placed(clip, self.placement).transpose(0, 1)[None]) for clip in clips])

    def _network(self, device: torch.device) -> I3d:
        if device not in self._networks:
            weights = load_weights(self.name)
            self._sha256 = weights.sha256
            self._networks[device] = load_i3d(weights.tensors, device)
        return self._networks[device]


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
        self._file: WeightsFile | None = None
        self._networks: dict[torch.device, Any] = {}

    def prepare(self) -> None:
        if self._file is None:
            self._file = locate_weights(self.name)

    def key(self) -> str:
        return f"{self.name} {self._located().sha256[:16]} {self.how}"

    def features(self, clips: Tensor) -> Tensor:
        check_clips(clips, self.least_frames, self.name)
        network = self._network(clips.device)
        rgb = clips.expand(-1, -1, 3, -1, -1)
        with torch.no_grad():
            features = [self._call(network, clip[None]) for clip in rgb]
        wanted = clips.shape[1] if self.per_frame else 1
        for found in features:
            if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != wanted:
                got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
                raise MetricError(f"The TorchScript file {self.name} returned {got} for a clip; ({wanted}, D) was expected.")
        return torch.cat(features).float()

    def _located(self) -> WeightsFile:
        self.prepare()
        assert self._file is not None
        return self._file

    def _network(self, device: torch.device) -> Any:
        if device not in self._networks:
            self._networks[device] = load_script(self._located().path, device)
        return self._networks[device]


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
