"""What this plugin offers to vgbench: the generator `mdgan`."""

from __future__ import annotations

from collections.abc import Iterable

from vgbench import GeneratorSpec, hookimpl

VGBENCH_API = 1

_CITATION = (
    "W. Xiong, W. Luo, L. Ma, W. Liu, J. Luo. Learning to Generate Time-Lapse Videos Using Multi-Stage Dynamic "
    "Generative Adversarial Networks. CVPR 2018. arXiv:1709.07592"
)


@hookimpl
def vgbench_generators() -> Iterable[GeneratorSpec]:
    """MD-GAN; its variant `base` is what stage I alone makes."""
    return [
        GeneratorSpec(
            name="mdgan",
            summary="Time-lapse from one frame in two stages: content first, then motion (MD-GAN, CVPR 2018).",
            target="vgbench_mdgan.generator:MDGAN",
            config="vgbench_mdgan.config:MDGANConfig",
            variants={"base": {"output": "base"}},
            trainable=True,
            citation=_CITATION,
            licence="MIT (this implementation); the method is patented, see the plugin's README",
        )
    ]
