"""Clips: windows cut from a data set's videos, read at the protocol's size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from vgbench.config import plain
from vgbench.data.clips import Clip, cut, rate_of, span_of
from vgbench.data.dataset import open_dataset
from vgbench.data.fingerprints import KnownFingerprints, folder_signature
from vgbench.data.packs import INDEX, Pack, PackKey
from vgbench.errors import DataError
from vgbench.files import cache_folder, packs_folder
from vgbench.interfaces import Source
from vgbench.plugins.registry import load_registry
from vgbench.protocol import Protocol, Windows

if TYPE_CHECKING:
    from torch import Tensor


class ProtocolData:
    """A protocol's data set, opened: its clips by role, and their pixels."""

    def __init__(self, protocol: Protocol, roots: Mapping[str, Path] | None = None) -> None:
        self.protocol = protocol
        self.dataset = open_dataset(protocol, roots or {})
        self._packs: dict[str, Pack | None] = {}
        self._finding = Lock()

    @cached_property
    def fingerprint(self) -> str:
        """The test split's fingerprint."""
        return self.split_fingerprint(self.protocol.test.split)

    def split_fingerprint(self, split: str) -> str:
        """A split's fingerprint; where its folder is as it was when it was last computed, it is not read again."""
        facts = self._fingerprint_facts(split)
        known = KnownFingerprints(cache_folder() / "fingerprints")
        fingerprint = known.get(facts) if facts else None
        return fingerprint or self.computed_fingerprint(split)

    def computed_fingerprint(self, split: str) -> str:
        """A split's fingerprint, from the files whatever was known; it is remembered for as long as they stay as they are."""
        facts, fingerprint = self._fingerprint_facts(split), self.dataset.fingerprint(split)
        if facts:
            KnownFingerprints(cache_folder() / "fingerprints").put(facts, fingerprint)
        return fingerprint

    def _fingerprint_facts(self, split: str) -> dict[str, object]:
        """What decides a fingerprint, by names, sizes and times; empty where that is not known."""
        if self.signature is None or self.dataset.root is None:
            return {}
        plugin = load_registry().datasets.get(self.protocol.data.dataset).plugin
        root = str(self.dataset.root.resolve())
        return {"data": plain(self.protocol.data), "split": split, "root": root, "files": self.signature, "plugin": str(plugin)}

    @cached_property
    def signature(self) -> str | None:
        """What lies in the data set's folder, by names, sizes and times; None where there is none, or it cannot be looked at."""
        root = self.dataset.root
        return folder_signature(root) if root is not None and root.exists() else None

    def pack_key(self, split: str) -> PackKey:
        """What decides the pixels of a split under this protocol."""
        video = self.protocol.video
        return PackKey(
            dataset=self.protocol.data.dataset,
            config=json.dumps(plain(self.protocol.data.config), sort_keys=True),
            split=split,
            fingerprint=self.split_fingerprint(split),
            size=video.size,
            channels=video.channels,
            resample=video.resample,
            fit=video.fit,
            grey=video.grey,
            software=" ".join(f"{name} {metadata.version(name)}" for name in ("vgbench", "av", "pillow")),
        )

    def pack(self, split: str) -> Pack | None:
        """The split as `vgbench data prepare` packed it, or None where it has not."""
        with self._finding:  # clips are read by several threads
            if split not in self._packs:
                self._packs[split] = self._find_pack(split)
            return self._packs[split]

    def _find_pack(self, split: str) -> Pack | None:
        folder, stem = packs_folder(), f"{self.protocol.data.dataset}-{split}-".replace("/", "-")
        if not any(path.name.startswith(stem) for path in (folder.iterdir() if folder.is_dir() else ())):
            return None  # without a look at the data
        path = folder / self.pack_key(split).name()
        return Pack(path) if (path / INDEX).is_file() else None

    @property
    def protocol_id(self) -> str:
        """The protocol's id on this data."""
        return self.protocol.id(self.fingerprint)

    @property
    def identity(self) -> dict[str, Any]:
        """The protocol and the data as a run records them: id, name, every compared value and the test data's fingerprint."""
        return {"id": self.protocol_id, "name": self.protocol.name, **self.protocol.compared(), "fingerprint": self.fingerprint}

    def training_videos(self) -> str:
        """A hash over the names, lengths and sizes of the training videos; their pixels, which may be many, are not read."""
        if self.protocol.train is None:
            return ""
        sources = [tuple(source) for source in self.dataset.sources(self.protocol.train.split)]
        return hashlib.sha256(json.dumps(sources).encode()).hexdigest()

    def clips(self, role: str) -> list[Clip]:
        """The clips for "train", "validation" or "test"; for test the protocol's limit applies.

        DataError: the protocol has no such role, or no video is long enough for one window.
        """
        windows: Windows | None = getattr(self.protocol, role)
        if windows is None:
            raise DataError(f"Protocol {self.protocol.name} has no [{role}] section, so there are no {role} clips.")
        sources = list(self.dataset.sources(windows.split))
        clips = cut(sources, windows)
        if not clips:
            longest = max((source.frames for source in sources), default=0)
            least = min((span_of(source, windows) for source in sources), default=windows.length)
            raise DataError(
                f"Split '{windows.split}' of data set {self.protocol.data.dataset} gives no clip: {len(sources)} videos, "
                f"the longest of {longest} frames, and a window takes {least}."
            )
        self.pack(windows.split)  # one that is damaged is said before anything is read
        clips = self.with_motion(clips, windows)
        if not clips:
            raise DataError(f"No clip of split '{windows.split}' moves as much as min_motion = {windows.min_motion:g} asks.")
        return clips[: self.protocol.limit] if role == "test" else clips

    def with_motion(self, clips: list[Clip], windows: Windows) -> list[Clip]:
        """The clips that move as much as the windows ask; each is read once, and its motion is remembered."""
        if not windows.min_motion:
            return clips
        from vgbench.data.inspection.motion import motions

        measured = motions(self.pack_key(windows.split).name(), clips, self.read)
        return [clip for clip in clips if measured[clip.clip_id] >= windows.min_motion]

    def read(self, clip: Clip) -> Tensor:
        """The clip's pixels at the protocol's size and channels: uint8 (T, C, H, W); from a packed split where there is one.

        DataError: see `read_unpacked`.
        """
        packed = self.read_packed(clip)
        return self.read_unpacked(clip) if packed is None else packed

    def read_packed(self, clip: Clip) -> Tensor | None:
        """The same from a packed split alone; None where there is none, or the video could not be packed."""
        pack = self.pack(clip.split)
        frames = None if pack is None else pack.read(clip.source_id, clip.start, clip.span)
        return None if frames is None else clip.picked(frames)

    def read_unpacked(self, clip: Clip) -> Tensor:
        """The same from the data set itself.

        DataError: what the data set gave is of another type or length, or is colour where the protocol asks for grey.
        """
        return self._fitted(clip.picked(self._stored(clip.source_id, clip.start, clip.span)), clip.source_id)

    def read_frames(self, source_id: str, start: int, length: int) -> Tensor:
        """A video's frames in a row from the data set itself, at the protocol's size and channels: uint8 (T, C, H, W).

        DataError: see `read_unpacked`.
        """
        return self._fitted(self._stored(source_id, start, length), source_id)

    def _stored(self, source_id: str, start: int, length: int) -> Tensor:
        """A video's frames in a row as the data set gives them, checked."""
        frames = self.dataset.read(source_id, start, length, self.protocol.video.size)
        self._check(frames, source_id, start, length)
        return frames

    def rates(self, role: str) -> dict[str, float | None]:
        """Source → the frames per second of its clips; None where that is not known."""
        windows: Windows = getattr(self.protocol, role)
        return {source.source_id: rate_of(source, windows) for source in self.dataset.sources(windows.split)}

    def stream(self, source: Source, length: int) -> Iterator[Tensor]:
        """A whole video from the data set itself, at the protocol's size and channels, at most `length` frames at a time.

        DataError: see `read_unpacked`.
        """
        start = 0
        for frames in self.dataset.stream(source, length, self.protocol.video.size):
            self._check(frames, source.source_id, start, min(length, source.frames - start))
            yield self._fitted(frames, source.source_id)
            start += len(frames)
        if start != source.frames:
            raise DataError(f"{source.source_id} gave {start} frames and has {source.frames}.")

    def _check(self, frames: Tensor, source_id: str, start: int, length: int) -> None:
        """DataError: what the data set gave is not what it was asked for."""
        import torch

        if not isinstance(frames, torch.Tensor) or frames.dtype != torch.uint8 or frames.ndim != 4 or len(frames) != length:
            got = f"{frames.dtype} {tuple(frames.shape)}" if isinstance(frames, torch.Tensor) else repr(type(frames))
            raise DataError(
                f"Data set {self.protocol.data.dataset} gave {got} for {length} frames of {source_id} from frame {start}; "
                f"a data set reads uint8 ({length}, C, H, W)."
            )

    def _fitted(self, frames: Tensor, source_id: str) -> Tensor:
        """A video's frames in the protocol's channels and size."""
        from vgbench.metrics.luma import grey_of
        from vgbench.video.resizing import resize

        video = self.protocol.video
        if frames.shape[1] == 1 < video.channels:
            frames = frames.expand(-1, video.channels, -1, -1)
        elif frames.shape[1] != video.channels:
            if video.grey == "refuse" or frames.shape[1] != 3:
                raise DataError(
                    f"{source_id} has {frames.shape[1]} channels and protocol {self.protocol.name} asks for {video.channels}; "
                    f'under [video] set channels = {frames.shape[1]}, or grey = "bt601" to compare its luma.'
                )
            frames = grey_of(frames)
        return resize(frames, video.size, resample=video.resample, fit=video.fit).contiguous()
