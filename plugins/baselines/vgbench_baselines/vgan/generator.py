"""The conditional VGAN as vgbench sees it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from vgbench import Host, Request, Stage
from vgbench.learning import Duel, NetworkGenerator, Objective
from vgbench_baselines.vgan.config import VGANConfig
from vgbench_baselines.vgan.networks import VGAN, Discriminator


class VGANGenerator(NetworkGenerator):
    """All frames of the target at once, from the last given frame."""

    config: VGANConfig
    lowest = -1.0

    def build(self) -> nn.Module:
        return VGAN(self.config)

    def train_on(self, host: Host) -> Stage:
        return Duel(self, lambda: Discriminator(self.config), self.content, host)

    def target(self, clips: Tensor) -> Tensor:
        start = self.config.target_start
        return clips[:, start : start + self.config.frames]

    def content(self, made: Tensor, context: Tensor, real: Tensor) -> Objective:
        """The first generated frame is to be the given one; of the others only the discriminator judges."""
        first = functional.l1_loss(made[:, 0], context[:, -1])
        return Objective({"first_frame": first}, {"first_frame": self.config.content_weight})

    def sample(self, network: nn.Module, context: Tensor, request: Request) -> Tensor:
        video: Tensor = network(context)
        return video
