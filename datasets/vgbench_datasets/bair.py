"""bair: robots that push things, and any folder of trajectories in train and test."""

from __future__ import annotations

from pathlib import Path

from vgbench.video import open_clips
from vgbench_datasets.clip_files import ClipFiles, Splits, hash_place
from vgbench_datasets.configs import HeldOutConfig


class Bair(ClipFiles):
    """Each trajectory is a source, "train/traj_0_to_255/7": a folder of frames, or a video, below `train` or `test`.

    Validation is held out of train by a hash of the trajectory's name; `validation_percent` of a hundred.

    config: a HeldOutConfig, or None for its defaults.
    """

    dataset = "bair"
    layout = "It holds train and test, in each folders of frames such as traj_0_to_255/7/0.png (or videos)."
    config: HeldOutConfig

    def __init__(self, config: HeldOutConfig | None = None, root: Path | None = None) -> None:
        super().__init__(config or HeldOutConfig(), root)

    def find(self) -> Splits:
        train, test = ({f"{split}/{clip.name}": clip for clip in open_clips(self._root / split).clips} for split in ("train", "test"))
        held_out = {name for name in train if hash_place(name) < self.config.validation_percent}
        return {
            "train": {name: clip for name, clip in train.items() if name not in held_out},
            "validation": {name: clip for name, clip in train.items() if name in held_out},
            "test": test,
        }
