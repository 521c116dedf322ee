"""What this plugin offers to vgbench: the generators that any other has to beat, trivial and trained."""

from __future__ import annotations

from collections.abc import Iterable

from vgbench import GeneratorSpec, hookimpl
from vgbench_baselines.cards import COPY_FIRST, COPY_LAST, FLOW_WARP, LINEAR, NEAREST, NOISE, REAL, TRAIN_MEAN
from vgbench_baselines.convlstm.spec import SPEC as CONVLSTM
from vgbench_baselines.flow_matching.spec import SPEC as FLOW_MATCHING
from vgbench_baselines.predformer.spec import SPEC as PREDFORMER
from vgbench_baselines.rnn_gan.spec import SPEC as RNN_GAN
from vgbench_baselines.simvp.spec import SPECS as SIMVP
from vgbench_baselines.vgan.spec import SPEC as VGAN

VGBENCH_API = 1


@hookimpl
def vgbench_generators() -> Iterable[GeneratorSpec]:
    """The trivial baselines, none of which is trained by gradients, and the trained ones."""
    return [
        GeneratorSpec(
            name="copy-first",
            summary="Repeats the first context frame.",
            target="vgbench_baselines.copying:CopyFirst",
            licence="MIT",
            card=COPY_FIRST,
        ),
        GeneratorSpec(
            name="copy-last",
            summary="Repeats the last context frame.",
            target="vgbench_baselines.copying:CopyLast",
            licence="MIT",
            card=COPY_LAST,
        ),
        GeneratorSpec(
            name="linear",
            summary="Draws a straight line through each pixel's last two context values.",
            target="vgbench_baselines.linear:Linear",
            min_context=2,
            licence="MIT",
            card=LINEAR,
        ),
        GeneratorSpec(
            name="flow-warp",
            summary="Carries the last context frame on along the optical flow between the last two.",
            target="vgbench_baselines.flow_warp:FlowWarp",
            config="vgbench_baselines.flow_warp:FlowWarpConfig",
            licence="MIT",
            card=FLOW_WARP,
        ),
        GeneratorSpec(
            name="train-mean",
            summary="Shows the mean clip of the training split, whatever the context.",
            target="vgbench_baselines.train_mean:TrainMean",
            licence="MIT",
            card=TRAIN_MEAN,
        ),
        GeneratorSpec(
            name="nearest",
            summary="Replays the training clip whose context is nearest.",
            target="vgbench_baselines.nearest:Nearest",
            licence="MIT",
            card=NEAREST,
        ),
        GeneratorSpec(
            name="real",
            summary="Shows the real clip itself, or as real:other another one: a row to hold others against.",
            target="vgbench_baselines.real:Real",
            config="vgbench_baselines.real:RealConfig",
            variants={"other": {"other": True}},
            deterministic=False,
            sees_reference=True,
            licence="MIT",
            card=REAL,
        ),
        GeneratorSpec(
            name="noise",
            summary="Draws every pixel uniformly at random.",
            target="vgbench_baselines.noise:Noise",
            deterministic=False,
            licence="MIT",
            card=NOISE,
        ),
        CONVLSTM,
        *SIMVP,
        PREDFORMER,
        FLOW_MATCHING,
        VGAN,
        RNN_GAN,
    ]
