"""What vgbench lists of RNN-GAN."""

from __future__ import annotations

from vgbench import GeneratorSpec

SPEC = GeneratorSpec(
    name="rnn-gan",
    summary="One frame is encoded, an LSTM rolls on, each state is decoded (after a third party's form of Zhou and Berg, ECCV 2016).",
    target="vgbench_baselines.rnn_gan.generator:RNNGANGenerator",
    config="vgbench_baselines.rnn_gan.config:RNNGANConfig",
    trainable=True,
    citation="Y. Zhou, T. L. Berg. Learning Temporal Transformations From Time-Lapse Videos. ECCV 2016. arXiv:1608.07724",
    licence="MIT (this implementation)",
    card={
        "method": (
            "Four 5×5 convolutions with stride 2 bring the last given frame to one vector; an LSTM of 512 reads it at every "
            "step; each of its "
            "states is decoded by the mirror of the encoder. MD-GAN's paper compares with it."
        ),
        "training": "Squared error + 2 · gradient difference + 0.2 · adversarial, of a discriminator that judges frames one by one.",
        "parameters": "Generator 10,714,240, discriminator 2,765,568, at 64×64×3.",
        "cost": "1.0 G multiply-adds a clip, 15 frames of 64×64×3.",
        "differs": (
            "No code of the authors is known: this is after a third party's recurrent model, whose generator is trained on the label of "
            "fakes, most likely by mistake; here on that of real frames. Of its gradient difference the weight and the power are options."
        ),
    },
)
