"""kth: the KTH human actions, split by person as video prediction does."""

from __future__ import annotations

import re

from vgbench import DataError
from vgbench.video import ClipFile, open_clips
from vgbench_datasets.clip_files import ClipFiles, Splits

_NAME = re.compile(r"person(\d\d)_[a-z]+_d\d")
LAST_PERSON = {"train": 14, "validation": 16, "test": 25}
"""Split → the number of its last person; each begins after the one before."""


class Kth(ClipFiles):
    """Each video is a source, by the person who acts: 1 to 14 train, 15 and 16 validation, 17 to 25 test.

    Published video prediction trains on persons 1 to 16 and tests on 17 to 25 (R. Villegas et al., "Decomposing motion and content
    for natural video sequence prediction", ICLR 2017); of the former the last two are held out here.
    """

    dataset = "kth"
    layout = "It holds the videos person01_boxing_d1_uncomp.avi and so on, in folders or not."

    def find(self) -> Splits:
        splits: dict[str, dict[str, ClipFile]] = {split: {} for split in LAST_PERSON}
        for clip in open_clips(self._root).clips:
            match = _NAME.search(clip.name)
            if match is None:
                raise DataError(f"{self._root}: the video {clip.name} does not say which person acts. {self._how()}")
            person = int(match[1])
            split = next((split for split, last in LAST_PERSON.items() if person <= last), None)
            if split is None or person == 0:
                raise DataError(f"{self._root}: the video {clip.name} is of person {person}; KTH has persons 1 to 25.")
            splits[split][clip.name] = clip
        return splits

    def why_empty(self, split: str) -> str:
        return f"it holds no video of the persons that are {split}. {self._how()}"
