"""A set metric's features of clips: its network runs only on clips that the cache does not know."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vgbench.errors import MetricError
from vgbench.interfaces import SetMetric
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.scoring.loaded_metric import LoadedMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Vectors = NDArray[np.floating[Any]]


class Extractor:
    """The features of one set metric, and of all others of its feature key."""

    def __init__(self, metric: LoadedMetric[SetMetric]) -> None:
        self._loaded, self.name = metric, metric.id
        with metric.guarded():
            self._cached_as = metric.metric.feature_key()
        self.joins_context = metric.metric.joins_context
        self.key = (self._cached_as or metric.id) + (" with context" if self.joins_context else "")
        """What the features are stored under; the metric's own id where it names no key, and then they are not kept between runs."""

    def vectors(self, clips: Tensor, digests: Sequence[bytes], cache: FeatureCache) -> list[Vectors]:
        """Each clip's vectors (n, D) of uint8 (B, T, C, H, W) clips.

        MetricError: the network cannot take them, or gives what is not finite.
        """
        if not self._cached_as:
            return self.computed(clips)
        known = [cache.get(self._cached_as, digest) for digest in digests]
        missing = [place for place, vectors in enumerate(known) if vectors is None]
        for place, vectors in zip(missing, self.computed(clips[missing]) if missing else [], strict=True):
            cache.put(self._cached_as, digests[place], vectors)
            known[place] = vectors
        return [vectors for vectors in known if vectors is not None]

    def knows(self, digest: bytes | None, cache: FeatureCache) -> bool:
        """Whether a clip's vectors are kept; not where the clip's digest is unknown."""
        return bool(self._cached_as) and digest is not None and cache.has(self._cached_as, digest)

    def recalled(self, digest: bytes | None, cache: FeatureCache) -> Vectors | None:
        """A clip's vectors (n, D) as they are kept; None where they are not."""
        return cache.get(self._cached_as, digest) if self._cached_as and digest is not None else None

    def computed(self, clips: Tensor) -> list[Vectors]:
        """The same, whether they are known or not."""
        import numpy as np
        import torch

        with self._loaded.guarded(), torch.no_grad():
            vectors = self._loaded.metric.features(clips)
        if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or not _divides(len(clips), len(vectors)) or not vectors.shape[1]:
            got = tuple(vectors.shape) if isinstance(vectors, torch.Tensor) else type(vectors).__name__
            raise MetricError(f"{self._loaded} returned features {got} for {len(clips)} clips; features() returns (B, D) or (B·T, D).")
        array = vectors.detach().cpu().numpy()
        if array.dtype not in (np.float32, np.float64):
            raise MetricError(f"{self._loaded} returned features of type {array.dtype}; features() returns float32 or float64.")
        finite = np.isfinite(array.reshape(len(clips), -1)).all(axis=1)
        if not finite.all():
            raise MetricError(f"{self._loaded}: the features of {int((~finite).sum())} of {len(clips)} clips are NaN or infinite.")
        return list(array.reshape(len(clips), -1, array.shape[1]))


def _divides(n_clips: int, n_vectors: int) -> bool:
    return n_vectors > 0 and n_vectors % n_clips == 0


def clip_digests(clips: Tensor) -> list[bytes]:
    """A hash of each clip's shape and pixels."""
    return [clip_hash(clip.shape, clip).digest() for clip in clips.detach().cpu()]


def clip_hash(shape: Sequence[int], *pixels: Tensor) -> hashlib._Hash:
    """A hash over a clip's shape (T, C, H, W) and its pixels, which may be added to it in chunks of frames."""
    digest = hashlib.sha256(str(tuple(shape)).encode())
    for chunk in pixels:
        digest.update(pixel_bytes(chunk))
    return digest


def pixel_bytes(pixels: Tensor) -> memoryview:
    """The values of a uint8 tensor on the CPU, not copied where they are contiguous.

    Not by `Tensor.numpy`, which marks the memory as shared for good: no metric could remember what it computed from it.
    """
    import numpy as np

    return np.from_dlpack(pixels.contiguous()).reshape(-1).data
