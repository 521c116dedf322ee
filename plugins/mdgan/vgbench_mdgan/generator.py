"""MD-GAN as vgbench sees it: what it generates, which stages train it, what its checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vgbench import CheckpointError, GeneratorError, Host, Request, Schedule, Stage, TrainableGenerator, UnknownName
from vgbench.learning import Average, allocate, as_clips, check_state, generating, still_video
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.networks import EncoderDecoder
from vgbench_mdgan.published import translated
from vgbench_mdgan.stages import BaseStage, RefineStage
from vgbench_mdgan.weights import initialise

REFINE_DROPS_SKIPS = 2
"""G2 goes without the skips of the two outermost levels: they would keep its output too close to its input to change the motion."""


class MDGAN(TrainableGenerator):
    """Y1 = G1(X) has the content, Y2 = G2(Y1) the motion; X is the last context frame, repeated."""

    config: MDGANConfig

    def __init__(self, config: MDGANConfig, *, device: torch.device) -> None:
        super().__init__(config, device=device)
        rng = torch.Generator().manual_seed(0)
        self.base = self._network(0, rng)
        self.refine = self._network(REFINE_DROPS_SKIPS, rng)
        averaged = {"base": self.base, "refine": self.refine} if config.ema_decay else {}
        self.averages = {name: Average(network, config.ema_decay) for name, network in averaged.items()}
        self.refine_has_begun = False

    def generate(self, request: Request) -> Tensor:
        """The clip of the configured stage: (B, frames, C, H, W) float32 in [0, 1].

        GeneratorError: the request does not fit the configuration, or stage refine is asked for and was never trained.
        """
        self._check_request(request)
        still = still_video(request.context.to(self.device), self.config.frames)
        video = still
        for network in [self.making("base")] if self.config.output == "base" else [self.making("base"), self.making("refine")]:
            with generating(network, self.config.batch_norm):
                video = network(video)
        return as_clips(video)

    def making(self, name: str) -> EncoderDecoder:
        """The network of a stage that makes clips: the trained one, or the running average of it where there is one."""
        network: EncoderDecoder = getattr(self, name)
        return self.averages[name].network if name in self.averages else network

    def parameter_count(self) -> int:
        """G1's numbers for the variant `base`, else those of G1 and G2."""
        networks = [self.base] if self.config.output == "base" else [self.base, self.refine]
        return sum(parameter.numel() for network in networks for parameter in network.parameters())

    def stages(self) -> Sequence[str]:
        return ("base", "refine")

    def schedule(self) -> Schedule:
        share = self.config.base_share
        return Schedule(self.config.steps, self.config.batch_size, {"base": share, "refine": 1 - share})

    def stage(self, name: str, host: Host) -> Stage:
        """Stage "base" or "refine", its networks drawn again from the host's generator.

        UnknownName: there is no such stage.
        """
        if name not in self.stages():
            raise UnknownName("stage of mdgan", name, self.stages())
        network, average = getattr(self, name), self.averages.get(name)
        initialise(network, self.config.init_std, host.rng)
        if average is not None:
            average.restart(network)
        if name == "base":
            return BaseStage(network, average, self.config, host)
        self.refine_has_begun = True
        return RefineStage(self.making("base"), network, average, self.config, host)

    def state_dict(self) -> dict[str, Any]:
        """`base`: G1's state; `refine`: G2's, once its stage has begun; `base_average`, `refine_average`: their running averages."""
        state: dict[str, Any] = {"base": self.base.state_dict()}
        if self.refine_has_begun:
            state["refine"] = self.refine.state_dict()
        averages = {f"{name}_average": average.network.state_dict() for name, average in self.averages.items() if name in state}
        return state | averages

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; a state without `refine` leaves G2 as it is.

        An average that the configuration does not ask for is passed over; one that is missing begins with the weights.
        CheckpointError: it belongs to another model; nothing is copied then.
        """
        averages = {f"{name}_average": name for name in self.stages()}
        foreign = next((key for key in state if key not in self.stages() and key not in averages), None)
        if foreign is not None or "base" not in state:
            found = f"an unknown part '{foreign}'" if foreign is not None else "no part 'base'"
            raise CheckpointError(f"mdgan: the checkpoint has {found}, so another generator wrote it; pass a run of mdgan.")
        networks = {part: getattr(self, part) for part in self.stages() if part in state}
        networks |= {part: self.making(name) for part, name in averages.items() if part in state and name in self.averages}
        for part, network in networks.items():
            check_state(network, state[part], part, model="mdgan")
        for part, network in networks.items():
            network.load_state_dict(state[part])
        for part, name in averages.items():
            if name in self.averages and name in state and part not in state:
                self.averages[name].restart(getattr(self, name))
        self.refine_has_begun = self.refine_has_begun or "refine" in state

    def load_published(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Restore the authors' released weights: `base` is their G1, `refine` their G2; `vgbench_mdgan.published` maps the names.

        CheckpointError: a file is of another model, or one that the clips are made with is missing; nothing is copied then.
        """
        foreign = next((part for part in states if part not in self.stages()), None)
        if foreign is not None:
            raise UnknownName("part of mdgan's released weights", foreign, self.stages())
        needed = ["base"] if self.config.output == "base" else list(self.stages())
        missing = [part for part in needed if part not in states]
        if missing:
            names = {"base": "G1, stage I", "refine": "G2, stage II"}
            raise CheckpointError(
                f"mdgan: the released weights of {' and of '.join(f'{part} ({names[part]})' for part in missing)} are missing; "
                f"give both files, or take stage I's clips as mdgan:base: --checkpoint {missing[0]}=FILE."
            )
        self.load_state_dict({part: translated(state, len(self.config.levels())) for part, state in states.items()})

    def _network(self, dropped_skips: int, rng: torch.Generator) -> EncoderDecoder:
        config = self.config
        network = allocate(
            lambda: EncoderDecoder(config.levels(), channels=config.channels, dropped_skips=dropped_skips), torch.device(self.device)
        )
        initialise(network, config.init_std, rng)
        return network

    def _check_request(self, request: Request) -> None:
        config = self.config
        _, length, channels, *size = request.context.shape
        asked = (request.frames, request.target_start, channels, *size)
        if asked != (config.frames, config.target_start, config.channels, *config.size):
            raise GeneratorError(
                f"mdgan makes {config.frames} frames of {config.channels}×{config.size[0]}×{config.size[1]} from frame "
                f"{config.target_start} on, and is asked for {request.frames} frames of {channels}×{'×'.join(map(str, size))} from frame "
                f"{request.target_start} on; use a run that was trained on this protocol."
            )
        if length < 1:
            raise GeneratorError("mdgan needs a context frame and was given none.")
        if config.output == "refine" and not self.refine_has_begun:
            raise GeneratorError(
                "mdgan has no trained stage refine: train it with 'vgbench train mdgan --stage refine', "
                "or take stage base's output as mdgan:base."
            )
