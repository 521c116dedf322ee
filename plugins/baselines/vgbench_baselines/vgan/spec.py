"""What vgbench lists of VGAN."""

from __future__ import annotations

from vgbench import GeneratorSpec

SPEC = GeneratorSpec(
    name="vgan",
    summary="A moving foreground with a mask over a static background, from one frame (conditional VGAN, NeurIPS 2016).",
    target="vgbench_baselines.vgan.generator:VGANGenerator",
    config="vgbench_baselines.vgan.config:VGANConfig",
    trainable=True,
    citation="C. Vondrick, H. Pirsiavash, A. Torralba. Generating Videos with Scene Dynamics. NeurIPS 2016. arXiv:1609.02612",
    licence="MIT (this implementation)",
    card={
        "method": (
            "The last given frame is encoded; one decoder makes a video and a mask, another a background: m·video + (1 − "
            "m)·background. No "
            "noise goes in, so that it is deterministic. MD-GAN's paper compares with it."
        ),
        "training": "Adversarial, and 10 · L1 between the first generated frame and the given one; of the other frames only D judges.",
        "parameters": "Generator 68,216,455, discriminator 44,135,810, at 32 frames of 64×64×3.",
        "cost": "8.9 G multiply-adds a clip, 32 frames of 64×64×3.",
        "differs": (
            "At other sizes the depth follows from the size, and with fewer frames the outer levels keep their number. Where "
            "the target does "
            "not repeat the context its first frame is held to the context all the same."
        ),
        "source": "The authors' released code for Torch7, read for the sizes and the loss; none of it is here.",
    },
)
