"""skippd: days of a fisheye camera that looks at the sky."""

from __future__ import annotations

from vgbench_datasets.video_folder import VideoFolder


class Skippd(VideoFolder):
    """Each day is a source, a gif of 64×64: split by a hash of its name, or by folders, as `video-folder` is.

    Days stand for themselves: no two of one day are in two splits.
    """

    dataset = "skippd"
    layout = "It holds a gif a day, such as cloudy_day_demo_1.gif."
