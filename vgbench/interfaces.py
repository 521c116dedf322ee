"""The behaviour that plugins implement: generators, data sets, metrics.

The unit of exchange is the video, (T, C, H, W), and the batch, (B, T, C, H, W). Generators receive and return float32 in
[0, 1]; metrics receive the uint8 that the host rounded once. The host checks shape, type, range and finiteness at the boundary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.errors import CheckpointError, GeneratorError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Request(NamedTuple):
    """What a generator is asked for."""

    context: Tensor
    """(B, Tc, C, H, W) float32 in [0, 1]."""
    frames: int
    """How many frames to return."""
    target_start: int
    """Frame index of the first one: 0 repeats the context, Tc continues it."""
    seeds: tuple[int, ...]
    """One a clip: a hash of the protocol's seed, the clip's id and the sample."""


class Batch(NamedTuple):
    """Clips for training or fitting."""

    clips: Tensor
    """(B, T, C, H, W) float32 in [0, 1]."""
    clip_ids: tuple[str, ...]
    sources: tuple[str, ...]
    """The video each clip was cut from."""


class StepResult(NamedTuple):
    """What one optimisation step reports; each name → a scalar."""

    losses: Mapping[str, Any]
    """Every term that was optimised; one that is not finite stops the run."""
    diagnostics: Mapping[str, Any] = {}
    """What else is worth a line in the log. A norm, its name ending in `_gradient`, that is not finite stops the run too.
    `real_accuracy` and `fake_accuracy`, a discriminator's shares of right answers, are watched: the host warns where it wins outright."""
    objectives: Mapping[str, Mapping[str, float]] = {}
    """What each player descends, such as "generator": its losses' names with their weights. The host warns where one rules."""


class Schedule(NamedTuple):
    """How long a generator trains and on how much at a time."""

    steps: int
    """Optimisation steps of the whole training."""
    batch_size: int
    shares: Mapping[str, float]
    """Stage → its share of the steps, and of the time where that is limited."""


class Generator(ABC):
    """Makes videos from context frames."""

    def __init__(self, config: Any, *, device: torch.device) -> None:
        self.config = config
        self.device = device

    @abstractmethod
    def generate(self, request: Request) -> Tensor:
        """(B, frames, C, H, W) float32 in [0, 1]."""

    def fit(self, clips: Iterable[Batch]) -> None:  # noqa: B027 - optional
        """Learn from the training clips without gradients; the host calls it where `needs_fit` says so."""

    def needs_fit(self) -> bool:
        """Whether the protocol's training clips are needed before the first clip is made; by default where a subclass overrides `fit`."""
        return type(self).fit is not Generator.fit

    def parameter_count(self) -> int:
        """How many trainable numbers make a clip; by default those of the modules among the attributes."""
        from torch import nn

        return sum(p.numel() for value in vars(self).values() if isinstance(value, nn.Module) for p in value.parameters())

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` needs: tensors, numbers, strings, and dicts and lists of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - optional
        """Restore what `state_dict` gave."""

    def load_published(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Restore weights that the method's authors published in a form of their own: part of the model → its state.

        CheckpointError: the states are not those of this model; the default knows none.
        """
        raise CheckpointError(
            "this generator knows no published weights, so --checkpoint is not for it; weights of `vgbench train` are named NAME@RUN."
        )


class ReferenceGenerator(Generator):
    """A generator that is shown the real clip, for rows that others are held against; its spec says `sees_reference`.

    A request holds no reference, so no other generator can come by one; of this kind the host calls `generate_from` instead.
    """

    @abstractmethod
    def generate_from(self, request: Request, references: Tensor) -> Tensor:
        """(B, frames, C, H, W) float32 in [0, 1].

        references: of the same shape and type, the frames that are asked for as they really are.
        """

    def generate(self, request: Request) -> Tensor:
        """GeneratorError: there is nothing to make a clip from."""
        raise GeneratorError("a generator that is shown the real clips makes none from a request alone.")


class Host(ABC):
    """What the host lends to a stage: device, precision, processes and randomness."""

    device: torch.device
    precision: str
    rank: int
    world_size: int
    rng: torch.Generator
    """A CPU generator, seeded for this run and equal in all processes; its state is saved with each checkpoint."""
    progress: float = 0.0
    """How much of the stage's budget is spent, from 0 to 1, by steps or by time: for what changes along a training."""

    @abstractmethod
    def setup(self, module: nn.Module, *optimizers: torch.optim.Optimizer) -> Any:
        """The module, and its optimizers, placed and wrapped; one value for a module alone, else a tuple."""

    @abstractmethod
    def backward(self, loss: Tensor) -> None:
        """What `loss.backward()` is on one device in float32."""


class Stage(ABC):
    """One stage of a training: what it optimises and how one step goes."""

    is_recordable: bool = False
    """Whether every step launches the same work on the same memory, with nothing decided, counted or drawn on the processor, so that the
    host may record it once as a CUDA graph. Optimizers must then be made with `capturable=True`."""

    @abstractmethod
    def step(self, batch: Batch) -> StepResult:
        """One optimisation step."""

    def preview(self, batch: Batch) -> Mapping[str, Tensor]:
        """Named videos (B, T, C, H, W) in [0, 1] for the strip, left to right."""
        return {}

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What only training needs: discriminators and optimizers; the generator's own networks are saved by the generator."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class TrainableGenerator(Generator):
    """A generator that is trained by gradient steps, in one or more stages."""

    @abstractmethod
    def stages(self) -> Sequence[str]:
        """The stages in their order, such as ("base", "refine")."""

    @abstractmethod
    def stage(self, name: str, host: Host) -> Stage:
        """The stage, built when its turn comes, the earlier stages' weights in place."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """Steps, batch size and each stage's share, as the configuration says."""


class Source(NamedTuple):
    """A whole video of a data set."""

    source_id: str
    """Unique in the data set, over all splits."""
    frames: int
    fps: float | None
    height: int
    width: int


class Dataset(ABC):
    """Whole videos, in splits; the host cuts windows and resizes."""

    def __init__(self, config: Any, root: Path | None) -> None:
        self.config = config
        self.root = root

    @abstractmethod
    def sources(self, split: str) -> Sequence[Source]:
        """The split's videos in a fixed order."""

    @abstractmethod
    def read(self, source_id: str, start: int, length: int, size: tuple[int, int] | None = None) -> Tensor:
        """uint8 (T, C, H, W); `size` (height, width) is a hint that a synthetic source may honour."""

    def probe(self, split: str) -> tuple[Sequence[Source], Mapping[str, str]]:
        """The videos of `sources`, and, for those that cannot be opened, why; by default `sources` as it is, its error included."""
        return self.sources(split), {}

    def formats(self, split: str) -> Collection[str]:
        """The suffixes of the split's files, such as ".jpg", so that lossy ones can be told; by default none."""
        return ()

    def stream(self, source: Source, length: int, size: tuple[int, int] | None = None) -> Iterator[Tensor]:
        """A whole video, at most `length` frames at a time; one that is decoded from its beginning is so only once."""
        for start in range(0, source.frames, length):
            yield self.read(source.source_id, start, min(length, source.frames - start), size)

    @abstractmethod
    def fingerprint(self, split: str) -> str:
        """A hash that changes whenever a pixel of the split could change."""

    def defects(self, split: str) -> Mapping[str, str]:
        """What is odd about the split's videos that can be opened, none of which is read: source_id → a few words, such as "2 gaps"; by
        default nothing."""
        return {}


class PairedMetric(ABC):
    """Compares each clip with its reference; a `single` metric gets None as references."""

    metric_id: str = "the metric"
    """What its messages begin with; the host sets it to the id that the spec gives."""
    span: int | None = None
    """How many neighbouring frames one value looks at: 1 for values of frames (K = T), 2 for transitions (K = T − 1), so that the
    host may measure a long clip in chunks of frames; None: the whole clip at once."""

    def prepare(self) -> None:  # noqa: B027 - optional
        """Called once before the first clip is read: the place to load weights, and to say what is missing."""

    def weights(self) -> Mapping[str, str]:
        """Name → sha256 of the weights behind the numbers, once prepared; recorded with the run. Rows of other weights share no column."""
        return {}

    def relies_on(self) -> str:
        """What its numbers follow from besides the pixels, its weights and its own package's code, once prepared: the version of a program
        that it runs, say. Scores that are kept between runs are kept under it; by default nothing."""
        return ""

    @abstractmethod
    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        """uint8 (B, T, C, H, W) in; (B, K) float64 out, K = T for frames, T − 1 for transitions, 1 for clips."""

    def per_clip(self, values: Any) -> Any:
        """(N, K) float64 array → (N,): one number per clip; by default the mean over K."""
        return values.mean(axis=-1)

    def of_mean(self, mean: Any) -> Any:
        """Float64 array of means over clips → their numbers, a monotonic function; by default the mean itself.

        The place for a logarithm or a root behind the mean: the interval of the mean is carried over by it."""
        return mean

    def pool(self, per_clip: Any) -> Any:
        """(..., N) float64 array → (...): one number over clips; by default `of_mean` of their mean."""
        return self.of_mean(per_clip.mean(axis=-1))


class SetMetric(ABC):
    """Compares two sets of clips by the distributions of their features."""

    joins_context: bool = False
    """Whether `features` gets the frames that a generator was given in front of those it made, and of real clips the same frames; else
    only the frames that count."""

    def prepare(self) -> None:  # noqa: B027 - optional
        """Called once before the first clip is read: the place to load weights, and to say what is missing."""

    @abstractmethod
    def features(self, clips: Tensor) -> Tensor:
        """uint8 (B, T, C, H, W) in; (B, D) out, or (B·T, D) for features of frames, a clip's frames next to each other."""

    @abstractmethod
    def distance(self, real: Any, generated: Any) -> float:
        """(N, D) and (M, D) float64 arrays in; N and M may differ."""

    def feature_key(self) -> str:
        """What `features` depends on besides the pixels: the network, its weights' hash, the preprocessing.

        Metrics of one key share their features, and features are kept between runs under it. Empty, the default: they are this
        metric's alone, and computed in each run."""
        return ""


class FeatureExtractor(ABC):
    """Maps clips, or their frames, to the vectors whose distributions a set metric compares."""

    per_frame: bool = False
    """Whether each frame has a vector of its own."""
    least_frames: int = 1
    """The shortest clip it can take."""

    def prepare(self) -> None:  # noqa: B027 - optional
        """Called once before the first clip: the place to load weights, and to say what is missing."""

    @abstractmethod
    def features(self, clips: Tensor) -> Tensor:
        """uint8 (B, T, C, H, W) in, C = 1 or 3, on any device; float32 (B, D) out, or (B·T, D) where `per_frame`.

        Grey is repeated to three channels where the network needs colour.  MetricError: clips it cannot take."""

    @abstractmethod
    def key(self) -> str:
        """A short text that changes whenever a feature could change: name, sha256 of the weights, preprocessing."""
