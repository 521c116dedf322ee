"""What vgbench lists of SimVP and of TAU."""

from __future__ import annotations

from vgbench import GeneratorSpec

_TARGET = "vgbench_baselines.simvp.generator:SimVPGenerator"
_SHARED = {
    "head": (
        "With one context frame the published code is a recursive predictor of one frame, and so is head = 'recursive', the default. "
        "head = 'direct' gives all frames in one pass, and is what presets small and tiny take; a run's config.toml says which."
    ),
    "differs": "No stochastic depth: the published code drops whole blocks of gsta and tau with a small probability while training.",
    "source": "Layer definitions of OpenSTL (arXiv:2306.11249), read for the sizes; none of its code is here.",
}

SPECS = (
    GeneratorSpec(
        name="simvp",
        summary="Convolutions alone: encoder, translator over all frames, decoder (SimVP, CVPR 2022).",
        target=_TARGET,
        config="vgbench_baselines.simvp.config:SimVPConfig",
        trainable=True,
        citation=(
            "Z. Gao, C. Tan, L. Wu, S. Z. Li. SimVP: Simpler yet Better Video Prediction. CVPR 2022. arXiv:2206.05099; translator gsta: "
            "C. Tan, Z. Gao, S. Li, S. Z. Li. SimVPv2. arXiv:2211.12509"
        ),
        licence="MIT (this implementation)",
        card={
            "method": (
                "Each frame is encoded by four convolutions with group normalisation and SiLU, of which the second and the "
                "fourth halve the "
                "size; a translator mixes the channels of all frames; each frame is decoded with pixel shuffle, the first "
                "encoder map added "
                "before the last block. Translators: gsta (the default), incepu (the first paper's), tau."
            ),
            "training": "Squared error.",
            "parameters": "At 10 frames of 64×64×1 in and out: 46,769,665 with gsta, 57,946,113 with incepu, 44,656,001 with tau.",
            "cost": "16.5 G multiply-adds a clip with gsta, 19.3 G with incepu, 15.9 G with tau; 10 frames of 64×64×1 in and out.",
            **_SHARED,
        },
    ),
    GeneratorSpec(
        name="tau",
        summary="SimVP with the temporal attention unit and its loss on changes between frames (TAU, CVPR 2023).",
        target=_TARGET,
        config="vgbench_baselines.simvp.config:TAUConfig",
        trainable=True,
        citation=(
            "C. Tan, Z. Gao, L. Wu, Y. Xu, J. Xia, S. Li, S. Z. Li. Temporal Attention Unit: Towards Efficient Spatiotemporal Predictive "
            "Learning. CVPR 2023. arXiv:2206.12126"
        ),
        licence="MIT (this implementation)",
        card={
            "method": (
                "SimVP's encoder and decoder; in the translator a large-kernel convolution within frames, and a weight for each channel "
                "between them."
            ),
            "training": (
                "Squared error + 0.1 · KL(softmax(Δprediction / 0.1) ‖ softmax(Δtruth / 0.1)) of the changes from frame to "
                "frame, its terms "
                "averaged over pixels as in the published code."
            ),
            "parameters": "44,656,001 at 10 frames of 64×64×1 in and out.",
            "cost": "15.9 G multiply-adds a clip; 10 frames of 64×64×1 in and out.",
            **_SHARED,
        },
    ),
)
