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
            card={
                "method": (
                    "Stage I, a 3-D U-Net, makes frames from the last given one, repeated; stage II, the same without its two outermost "
                    "skips, gives them motion."
                ),
                "training": (
                    "Each stage against a discriminator, with the mean absolute difference; stage II also ranks Gram matrices of the "
                    "discriminator's features: nearer to the real clip's than to stage I's."
                ),
                "parameters": "39,072,576 a stage, 78,145,152 in both; a discriminator has 11,164,032; at 32 frames of 128×128×3.",
                "cost": "9.3 G multiply-adds a clip for stage I alone, 18.6 G for both; 32 frames of 128×128×3.",
                "differs": "Every option says whether its value was read in the authors' code, stated, recalled, or chosen here.",
            },
        )
    ]
