"""What vgbench lists of flow matching."""

from __future__ import annotations

from vgbench import GeneratorSpec

SPEC = GeneratorSpec(
    name="flow-matching",
    summary="Rectified flow on pixels with a factorised transformer: noise becomes a video after the given frames.",
    target="vgbench_baselines.flow_matching.generator:FlowMatchingGenerator",
    config="vgbench_baselines.flow_matching.config:FlowMatchingConfig",
    trainable=True,
    deterministic=False,
    citation=(
        "X. Liu, C. Gong, Q. Liu. Flow Straight and Fast. ICLR 2023. arXiv:2209.03003; Y. Lipman et al. Flow Matching for Generative "
        "Modeling. ICLR 2023. arXiv:2210.02747; blocks: arXiv:2410.04733, arXiv:2212.09748"
    ),
    licence="MIT (this implementation)",
    card={
        "method": (
            "x_t = (1 − t)·noise + t·clip; the network gives the velocity clip − noise, and Euler's method follows it from "
            "noise at t = 0 to "
            "a clip at t = 1. The transformer has PredFormer's blocks over time and space in turn, told the time by adaptive "
            "layer norms; "
            "context frames are clean tokens."
        ),
        "training": "Squared error of the velocity at one time a clip; a running average of the weights makes the clips.",
        "parameters": "17,507,632 at 64×64×3.",
        "cost": "1,034 G multiply-adds a clip at 64×64×3, 1 frame in and 15 made in 20 Euler steps; in proportion to sampling_steps.",
        "samples": "Each seed gives another clip; a protocol with several samples a clip shows their spread, and the best of N.",
        "differs": "No published configuration: the sizes and the schedule of preset published are this project's own.",
    },
)
