"""What both stages of training share: two players, each a network with its optimizer, and the video they play with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vgbench import Batch, CheckpointError, ConfigError, GeneratorError, Host, Stage
from vgbench.learning import AdamOptions, Average, Player, allocate, as_video, check_state, frozen, gradient_penalty, still_video
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.networks import Discriminator, EncoderDecoder, Judgement
from vgbench_mdgan.weights import initialise


class Game(Stage):
    """What both stages share: a generator, a discriminator, and the video they play with."""

    def __init__(self, network: EncoderDecoder, average: Average | None, config: MDGANConfig, host: Host) -> None:
        if config.r1_weight and host.world_size > 1 and host.device.type == "cuda":
            raise ConfigError(
                "mdgan: r1_weight needs second derivatives, which batch norm does not have where it is synchronised over several GPUs; "
                "train on one, or leave r1_weight at 0."
            )
        self.config, self.host, self.average = config, host, average
        discriminator = allocate(
            lambda: Discriminator(config.levels(), channels=config.channels, last_slope=config.last_slope), host.device
        )
        initialise(discriminator, config.init_std, host.rng)
        self.generator = Player(network, self._adam(config.lr), host)
        self.discriminator = Player(discriminator, self._adam(config.lr * config.discriminator_lr_ratio), host)

    def _adam(self, lr: float) -> AdamOptions:
        config = self.config
        return AdamOptions(lr=lr, betas=config.betas, gradient_clip=config.gradient_clip, schedule=config.lr_schedule)

    @property
    def is_recordable(self) -> bool:  # type: ignore[override] # of this stage's options
        """Not where a step draws noise, or where a number of it follows the training's progress."""
        config = self.config
        return config.lr_schedule == "constant" and not config.instance_noise and not config.r1_weight and self.average is None

    def pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """X, the last context frame repeated, and Y, the real video: each (B, C, T, H, W) in [-1, 1], channels last in memory.

        GeneratorError: the clips are too short, or of another size, for the configuration.
        """
        config = self.config
        clips = batch.clips.to(self.host.device)
        _, length, channels, *size = clips.shape
        if (channels, *size) != (config.channels, *config.size) or length < max(config.context, config.target_start + config.frames):
            raise GeneratorError(
                f"mdgan trains on clips of {config.channels}×{config.size[0]}×{config.size[1]} with at least "
                f"{max(config.context, config.target_start + config.frames)} frames, "
                f"and was given {length} frames of {channels}×{'×'.join(map(str, size))}; train it on the protocol it is configured for."
            )
        target = clips[:, config.target_start : config.target_start + config.frames]
        still, real = still_video(clips[:, : config.context], config.frames), as_video(target)
        return still.contiguous(memory_format=torch.channels_last_3d), real.contiguous(memory_format=torch.channels_last_3d)

    def shown(self, video: Tensor) -> Tensor:
        """The video as a discriminator sees it: with instance noise, where that is on."""
        deviation = self.config.instance_noise * (1 - self.host.progress)
        if deviation == 0:
            return video
        seed = int(torch.randint(2**62, (), generator=self.host.rng)) + self.host.rank
        rng = torch.Generator(video.device).manual_seed(seed)
        return video + deviation * torch.randn(video.shape, generator=rng, device=video.device, dtype=video.dtype)

    def judge(self, made: Tensor, *, ranks: bool = False) -> Judgement:
        """D's judgement of G's video, for G's gradient alone."""
        with frozen(self.discriminator.network):
            judgement: Judgement = self.discriminator(made, ranks=ranks)
        return judgement

    def judge_real(self, real: Tensor, *, ranks: bool = False) -> tuple[Judgement, dict[str, Tensor]]:
        """D's judgement of real clips for its own gradient, and with it the penalty R1, where that is on.

        R1 is differentiated twice, so that its pass is through the network itself: in float32, and not compiled.
        """
        if not self.config.r1_weight:
            return self.discriminator(real, ranks=ranks), {}
        real = real.detach().requires_grad_()
        judgement: Judgement = self.discriminator.network(real, ranks=ranks)
        return judgement, {"r1": gradient_penalty(judgement.logits, real)}

    def maker(self) -> nn.Module:
        """What makes G's clips for an eye: its average where there is one."""
        return self.average.network if self.average is not None else self.generator.network

    def improve(self, loss: Tensor) -> Tensor:
        """One step of G down its loss, taken into its average; returns the norm of the gradient."""
        norm = self.generator.descend(loss)
        if self.average is not None:
            self.average.update(self.generator.network)
        return norm

    def state_dict(self) -> dict[str, Any]:
        return {
            "discriminator": self.discriminator.network.state_dict(),
            "discriminator_adam": self.discriminator.adam.state_dict(),
            "generator_adam": self.generator.adam.state_dict(),
            "average_updates": self.average.updates if self.average else 0,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        missing = [key for key in ("discriminator", "discriminator_adam", "generator_adam") if key not in state]
        if missing:
            raise CheckpointError(f"mdgan: the training state lacks {', '.join(missing)}; resume from a checkpoint of this stage.")
        check_state(self.discriminator.network, state["discriminator"], "discriminator", model="mdgan")
        for player, key in ((self.discriminator, "discriminator_adam"), (self.generator, "generator_adam")):
            player.load_adam(state[key], key, model="mdgan")
        self.discriminator.network.load_state_dict(state["discriminator"])
        if self.average is not None:
            self.average.updates = int(state.get("average_updates", 0))
