"""What both stages of training share: two players, each a network with its optimizer, and the video they play with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vgbench import Batch, CheckpointError, GeneratorError, Host, Stage
from vgbench_mdgan.clips import as_video, still_video
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.networks import Discriminator, EncoderDecoder, Judgement
from vgbench_mdgan.normalisation import frozen
from vgbench_mdgan.weights import allocate, check_state, initialise


class Player:
    """A network with its Adam, as the host placed and wrapped them."""

    def __init__(self, network: nn.Module, config: MDGANConfig, host: Host) -> None:
        self.network = network.to(host.device).train()
        # The fused kernel gives the fastest step on the CPU and the GPU alike.
        self.adam = torch.optim.Adam(network.parameters(), lr=config.lr, betas=config.betas, fused=host.device.type in ("cpu", "cuda"))
        self._host = host
        self._wrapped, self._optimizer = host.setup(network, self.adam)

    def __call__(self, video: Tensor) -> Any:
        """The network's output, in the host's precision."""
        return self._wrapped(video)

    def descend(self, loss: Tensor) -> Tensor:
        """One step of Adam down the loss; returns the norm of its gradient."""
        self._optimizer.zero_grad()
        self._host.backward(loss)
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
        self._optimizer.step()
        return norm


class Game(Stage):
    """What both stages share: a generator, a discriminator, and the video they play with."""

    def __init__(self, network: EncoderDecoder, config: MDGANConfig, host: Host) -> None:
        self.config, self.host = config, host
        discriminator = allocate(
            lambda: Discriminator(config.levels(), channels=config.channels, last_slope=config.last_slope), host.device
        )
        initialise(discriminator, config.init_std, host.rng)
        self.generator = Player(network, config, host)
        self.discriminator = Player(discriminator, config, host)

    def pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """X, the last context frame repeated, and Y, the real video: each (B, C, T, H, W) in [-1, 1].

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
        return still_video(clips[:, : config.context], config.frames), as_video(target)

    def judge(self, made: Tensor) -> Judgement:
        """D's judgement of G's video, for G's gradient alone."""
        with frozen(self.discriminator.network):
            judgement: Judgement = self.discriminator(made)
        return judgement

    def state_dict(self) -> dict[str, Any]:
        return {
            "discriminator": self.discriminator.network.state_dict(),
            "discriminator_adam": self.discriminator.adam.state_dict(),
            "generator_adam": self.generator.adam.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        missing = [key for key in ("discriminator", "discriminator_adam", "generator_adam") if key not in state]
        if missing:
            raise CheckpointError(f"mdgan: the training state lacks {', '.join(missing)}; resume from a checkpoint of this stage.")
        check_state(self.discriminator.network, state["discriminator"], "discriminator")
        for player, key in ((self.discriminator, "discriminator_adam"), (self.generator, "generator_adam")):
            try:
                player.adam.load_state_dict(state[key])
            except (ValueError, KeyError, TypeError) as error:
                raise CheckpointError(f"mdgan: '{key}' does not fit this model's parameters: {error}.") from error
        self.discriminator.network.load_state_dict(state["discriminator"])
