"""What vgbench-datasets offers; imported whenever vgbench lists what is installed, so nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable

from vgbench import DatasetSpec, hookimpl

VGBENCH_API = 1
"""The version of vgbench's hooks and interfaces that this plugin is written for."""


@hookimpl
def vgbench_datasets() -> Iterable[DatasetSpec]:
    """The procedural sky, folders of videos, and the Sky Time-lapse layout."""
    return [
        DatasetSpec(
            name="synthetic-sky",
            summary="A procedural sky time-lapse, the same bits on every machine; nothing to download.",
            target="vgbench_datasets.synthetic_sky:SyntheticSky",
            config="vgbench_datasets.configs:SyntheticSkyConfig",
            splits=("train", "validation", "test"),
            licence="MIT",
            source="Rendered by vgbench-datasets when it is read.",
        ),
        DatasetSpec(
            name="video-folder",
            summary="Your own videos: a folder of video files, folders of frames or arrays.",
            target="vgbench_datasets.video_folder:VideoFolder",
            config="vgbench_datasets.configs:VideoFolderConfig",
            source="Any folder: --data video-folder=DIR.",
        ),
        DatasetSpec(
            name="sky-timelapse",
            summary="Sky Time-lapse in its authors' layout: real skies, 640×360; validation held out of train by whole videos.",
            target="vgbench_datasets.sky_timelapse:SkyTimelapse",
            config="vgbench_datasets.configs:SkyTimelapseConfig",
            splits=("train", "validation", "test"),
            licence="none stated by its authors; not shipped",
            source="Its authors' page https://github.com/weixiong-ur/mdgan, then --data sky-timelapse=DIR, DIR with sky_train, sky_test.",
            citation="W. Xiong, W. Luo, L. Ma, W. Liu, J. Luo: Learning to Generate Time-Lapse Videos Using Multi-Stage Dynamic Generative "
            "Adversarial Networks. CVPR 2018, arXiv:1709.07592.",
        ),
    ]
