"""What vgbench lists of PredFormer."""

from __future__ import annotations

from vgbench import GeneratorSpec

SPEC = GeneratorSpec(
    name="predformer",
    summary="A transformer that attends over time and space in turn (PredFormer, TSST).",
    target="vgbench_baselines.predformer.generator:PredFormerGenerator",
    config="vgbench_baselines.predformer.config:PredFormerConfig",
    trainable=True,
    citation="Y. Tang et al. PredFormer: Transformers Are Effective Spatial-Temporal Predictive Learners. arXiv:2410.04733",
    licence="MIT (this implementation)",
    card={
        "method": (
            "Patches of 8×8 pixels, width 256, 8 heads, 24 gated blocks (attention, then SwiGLU of 4 times the width, then a "
            "norm) over time, "
            "space, space, time in turn; sinusoidal places; a linear head."
        ),
        "training": "Squared error; AdamW.",
        "parameters": "25,297,728 at 64×64×1.",
        "cost": "16.1 G multiply-adds a clip at 64×64×1, 10 frames in and 10 out.",
        "head": (
            "Published, as many frames come out as go in; head = 'recursive', the default, lets them go in again until there are enough. "
            "head = 'direct' gives all frames in one pass, and is what presets small and tiny take; a run's config.toml says which."
        ),
        "differs": "The pixels of a patch are in another order, which the first and the last layer make up for. Weight decay "
        "is torch's default.",
        "source": "The authors' released code, read for the sizes; none of it is here.",
    },
)
