"""What vgbench lists of ConvLSTM."""

from __future__ import annotations

from vgbench import GeneratorSpec

SPEC = GeneratorSpec(
    name="convlstm",
    summary="Convolutional LSTM layers that predict frame by frame (ConvLSTM, NeurIPS 2015).",
    target="vgbench_baselines.convlstm.generator:ConvLSTMGenerator",
    config="vgbench_baselines.convlstm.config:ConvLSTMConfig",
    trainable=True,
    citation=(
        "X. Shi, Z. Chen, H. Wang, D.-Y. Yeung, W.-K. Wong, W.-C. Woo. Convolutional LSTM Network: A Machine Learning Approach for "
        "Precipitation Nowcasting. NeurIPS 2015. arXiv:1506.04214"
    ),
    licence="MIT (this implementation)",
    card={
        "method": (
            "The form that benchmarks of video prediction use: squares of 4×4 pixels become channels, four layers of 128 channels, each "
            "with one 5×5 convolution of its input and one of its state to the four gates, without bias, peepholes or normalisation; a "
            "1×1 head. Past the context it reads its own predictions."
        ),
        "training": "Squared error of every predicted frame, those within the context included; scheduled sampling.",
        "parameters": (
            "11,675,648 at 64×64×1. The published 15,083,520 counts 3,407,872 more, of layers that are defined in the reference code and "
            "that its forward pass never uses."
        ),
        "cost": "56.8 G multiply-adds a clip at 64×64×1, 10 frames in and 10 out.",
        "differs": (
            "The reference code sets a forget-gate bias of 1 and never adds it; so do the defaults here, and forget_bias adds "
            "one. Scheduled "
            "sampling draws whole frames, as there, over a share of the training instead of a count of steps."
        ),
        "source": "Layer definitions of OpenSTL (arXiv:2306.11249), read for the sizes; none of its code is here.",
    },
)
