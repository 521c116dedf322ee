"""ucf101: the UCF101 actions, split by their authors' lists."""

from __future__ import annotations

from pathlib import Path

from vgbench import DataError
from vgbench.video import ClipFile, open_clips
from vgbench_datasets.clip_files import ClipFiles, Splits, hash_place
from vgbench_datasets.configs import Ucf101Config

VIDEOS, LISTS = "UCF-101", "ucfTrainTestlist"


class Ucf101(ClipFiles):
    """Each video is a source, Action/v_Action_g01_c01; train and test as the list of the configured fold says.

    The authors give no validation split. It is held out of train by groups, since the videos of one group of an action share people and
    scene: those whose Action_gNN falls below `validation_percent` by hash.

    config: a Ucf101Config, or None for its defaults.
    """

    dataset = "ucf101"
    layout = f"It holds {VIDEOS}/<Action>/v_<Action>_gNN_cNN.avi and {LISTS}/trainlist01.txt, testlist01.txt."
    config: Ucf101Config

    def __init__(self, config: Ucf101Config | None = None, root: Path | None = None) -> None:
        super().__init__(config or Ucf101Config(), root)

    def find(self) -> Splits:
        clips = {clip.name: clip for clip in open_clips(self._root / VIDEOS).clips}
        train, test = (self._listed(f"{kind}list{self.config.fold:02d}.txt", clips) for kind in ("train", "test"))
        held_out = {name for name in train if hash_place(_group(name)) < self.config.validation_percent}
        return {
            "train": {name: clip for name, clip in train.items() if name not in held_out},
            "validation": {name: clip for name, clip in train.items() if name in held_out},
            "test": test,
        }

    def _listed(self, name: str, clips: dict[str, ClipFile]) -> dict[str, ClipFile]:
        """The clips that a list names, a path a line, a label behind it or not."""
        path = self._root / LISTS / name
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read: {error}. {self._how()}") from error
        names = [line.split()[0].removesuffix(".avi") for line in lines if line.strip()]
        missing = [name for name in names if name not in clips]
        if missing:
            raise DataError(f"{path} names {len(missing)} videos that {self._root / VIDEOS} lacks, {missing[0]} first. {self._how()}")
        return {name: clips[name] for name in names}


def _group(name: str) -> str:
    """Action_g08 of Action/v_Action_g08_c01."""
    return name.rpartition("/")[2].removeprefix("v_").rpartition("_")[0]
