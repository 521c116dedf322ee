"""What vgbench-datasets offers; imported whenever vgbench lists what is installed, so nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable

from vgbench import DatasetSpec, hookimpl

VGBENCH_API = 1
"""The version of vgbench's hooks and interfaces that this plugin is written for."""


_DATASETS = (
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
    DatasetSpec(
        name="beach",
        summary="Beach videos of VGAN's tiny-video set: 32 frames of 128×128 on top of each other in one jpg.",
        target="vgbench_datasets.beach:Beach",
        config="vgbench_datasets.configs:BeachConfig",
        splits=("train", "validation", "test"),
        licence="that of the Flickr videos it is cut from; not shipped",
        source="https://github.com/cvondrick/videogan (beach), then --data beach=DIR.",
        citation="C. Vondrick, H. Pirsiavash, A. Torralba: Generating Videos with Scene Dynamics. NIPS 2016.",
    ),
    DatasetSpec(
        name="moving-mnist",
        summary="Two drifting digits, made from MNIST's files or as published; deterministic.",
        target="vgbench_datasets.moving_mnist:MovingMnist",
        config="vgbench_datasets.configs:MovingMnistConfig",
        splits=("train", "validation", "test", "published-test"),
        licence="MNIST: CC BY-SA 3.0; not shipped",
        source="MNIST's idx files, or mnist_test_seq.npy (https://www.cs.toronto.edu/~nitish/unsupervised_video), then "
        "--data moving-mnist=DIR.",
        citation="N. Srivastava, E. Mansimov, R. Salakhutdinov: Unsupervised Learning of Video Representations using LSTMs. ICML 2015.",
    ),
    DatasetSpec(
        name="skippd",
        summary="Days of a fisheye sky camera at 64×64, a gif each.",
        target="vgbench_datasets.skippd:Skippd",
        config="vgbench_datasets.configs:VideoFolderConfig",
        splits=("train", "validation", "test", "all"),
        licence="CC BY 4.0; not shipped",
        source="https://github.com/yuhao-nie/Stanford-solar-forecasting-dataset, then --data skippd=DIR.",
        citation="Y. Nie, X. Li, A. Scott, Y. Sun, V. Venugopal, A. Brandt: SKIPP'D: A SKy Images and Photovoltaic Power Generation "
        "Dataset. Solar Energy 255, 2023.",
    ),
    DatasetSpec(
        name="kth",
        summary="KTH human actions, 160×120 grey; split by person.",
        target="vgbench_datasets.kth:Kth",
        splits=("train", "validation", "test"),
        licence="see its authors' page; not shipped",
        source="https://www.csc.kth.se/cvap/actions, unpacked, then --data kth=DIR.",
        citation="C. Schuldt, I. Laptev, B. Caputo: Recognizing Human Actions: A Local SVM Approach. ICPR 2004.",
    ),
    DatasetSpec(
        name="ucf101",
        summary="UCF101 actions, 320×240; its authors' lists, validation held out by groups.",
        target="vgbench_datasets.ucf101:Ucf101",
        config="vgbench_datasets.configs:Ucf101Config",
        splits=("train", "validation", "test"),
        licence="none stated by its authors; not shipped",
        source="https://www.crcv.ucf.edu/data/UCF101.php, unpacked with its lists, then --data ucf101=DIR.",
        citation="K. Soomro, A. Zamir, M. Shah: UCF101: A Dataset of 101 Human Action Classes From Videos in The Wild. 2012.",
    ),
    DatasetSpec(
        name="bair",
        summary="BAIR robot pushing, 64×64, as folders of frames in train and test.",
        target="vgbench_datasets.bair:Bair",
        config="vgbench_datasets.configs:HeldOutConfig",
        splits=("train", "validation", "test"),
        licence="see its authors' page; not shipped",
        source="The published tfrecords turned into folders of frames, then --data bair=DIR.",
        citation="F. Ebert, C. Finn, A. Lee, S. Levine: Self-Supervised Visual Planning with Temporal Skip Connections. CoRL 2017.",
    ),
)


@hookimpl
def vgbench_datasets() -> Iterable[DatasetSpec]:
    """A synthetic sky, folders of videos, and readers of published data sets in their own layouts."""
    return _DATASETS
