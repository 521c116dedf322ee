"""The two stages of training: stage I learns content, stage II motion.

One step is one update of the discriminator and then one of the generator, which is judged by the discriminator as updated.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vgbench import Batch, Host, StepResult
from vgbench.learning import Average, Objective, as_clips, discriminator_loss, generating, generator_loss, joined, verdicts
from vgbench_mdgan import losses
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.game import Game
from vgbench_mdgan.networks import EncoderDecoder, Judgement

Scalars = dict[str, Tensor]


class BaseStage(Game):
    """Stage I: G1 learns the content of each frame against D1.  L = L_adv + L_con."""

    def step(self, batch: Batch) -> StepResult:
        still, real = self.pairs(batch)
        made = self.generator(still)  # Y1 = G1(X)
        taught = self._teach_discriminator(real, made.detach())
        improved = self._improve_generator(real, made)
        return joined(improved, taught)

    def _teach_discriminator(self, real: Tensor, made: Tensor) -> StepResult:
        """D1: maximise E[log D(Y)] + E[log(1 − D(Y1))]."""
        of_real, penalty = self.judge_real(self.shown(real))
        of_made = self.discriminator(self.shown(made))
        terms = {"discriminator": discriminator_loss(of_real.logits, of_made.logits, self.config.label_smoothing)} | penalty
        weights = {"discriminator": 1.0, "r1": self.config.r1_weight / 2}
        gradient = self.discriminator.descend(Objective(terms, weights).total())
        return StepResult(
            terms, verdicts(of_real.logits, of_made.logits) | {"discriminator_gradient": gradient}, {"discriminator": weights}
        )

    def _improve_generator(self, real: Tensor, made: Tensor) -> StepResult:
        """G1: minimise L_adv + L_con."""
        of_made = self.judge(self.shown(made))
        terms = {
            "adversarial": generator_loss(of_made.logits, self.config.adversarial),
            "content": losses.content_loss(made, real),
        }
        weights = {"adversarial": 1.0, "content": 1.0}
        gradient = self.improve(Objective(terms, weights).total())
        return StepResult(terms, {"generator_gradient": gradient}, {"generator": weights})

    def preview(self, batch: Batch) -> Mapping[str, Tensor]:
        still, real = self.pairs(batch)
        with generating(self.maker()):
            made = self.maker()(still)
        return {"input": as_clips(still), "real": as_clips(real), "base": as_clips(made)}


class RefineStage(Game):
    """Stage II: G2 gives motion to what the frozen G1 made, against D2.  L = L_adv + λ·L_rank + L_con."""

    def __init__(self, base: EncoderDecoder, network: EncoderDecoder, average: Average | None, config: MDGANConfig, host: Host) -> None:
        super().__init__(network, average, config, host)
        self.base = host.setup(base.to(host.device))
        base.eval()  # on its running statistics

    def step(self, batch: Batch) -> StepResult:
        still, real = self.pairs(batch)
        with torch.no_grad():
            first = self.base(still)  # Y1 = G1(X)
        made = self.generator(first)  # Y2 = G2(Y1)
        taught = self._teach_discriminator(real, first, made.detach())
        improved = self._improve_generator(real, first, made)
        return joined(improved, taught)

    def _teach_discriminator(self, real: Tensor, first: Tensor, made: Tensor) -> StepResult:
        """D2: maximise E[log D(Y)] + E[log(1 − D(Y2))], and take its share of λ·L_rank."""
        config = self.config
        ranks = config.rank_discriminator != "none"
        of_real, penalty = self.judge_real(self.shown(real), ranks=ranks)
        of_made = self.discriminator(self.shown(made), ranks=ranks)
        fakes = of_made.logits
        if config.base_counts_as_fake or ranks:
            of_first = self.discriminator(self.shown(first), judges=config.base_counts_as_fake, ranks=ranks)
        if config.base_counts_as_fake:
            fakes = torch.cat([of_made.logits, of_first.logits])
        terms = {"discriminator": discriminator_loss(of_real.logits, fakes, config.label_smoothing)} | penalty
        if ranks:
            rank, _ = self._rank(of_made, of_real, of_first)
            terms["discriminator_rank"] = rank if config.rank_discriminator == "min" else -rank
        weights = {"discriminator": 1.0, "r1": config.r1_weight / 2, "discriminator_rank": config.rank_weight}
        gradient = self.discriminator.descend(Objective(terms, weights).total())
        return StepResult(
            terms, verdicts(of_real.logits, of_made.logits) | {"discriminator_gradient": gradient}, {"discriminator": weights}
        )

    def _improve_generator(self, real: Tensor, first: Tensor, made: Tensor) -> StepResult:
        """G2: minimise L_adv + λ·L_rank + L_con."""
        config = self.config
        with torch.no_grad():  # the gradient asks for Y2 alone
            of_real = self.discriminator(self.shown(real), judges=False, ranks=True)
            of_first = self.discriminator(self.shown(first), judges=False, ranks=True)
        of_made = self.judge(self.shown(made), ranks=True)
        rank, distances = self._rank(of_made, of_real, of_first)
        terms = {
            "adversarial": generator_loss(of_made.logits, config.adversarial),
            "content": losses.content_loss(made, real),
            "rank": rank,
        }
        weights = {"adversarial": 1.0, "content": 1.0, "rank": config.rank_weight}
        gradient = self.improve(Objective(terms, weights).total())
        return StepResult(terms, distances | {"generator_gradient": gradient}, {"generator": weights})

    def _rank(self, anchor: Judgement, real: Judgement, base: Judgement) -> tuple[Tensor, Scalars]:
        """L_rank summed over the two features, and the distances that it weighs, the batch's mean of each feature's."""
        terms: list[Tensor] = []
        distances: Scalars = {}
        for name, anchor_gram, real_gram, base_gram in zip(("first", "third"), anchor.grams, real.grams, base.grams, strict=True):
            to_real = losses.gram_distance(anchor_gram, real_gram, self.config.rank_reduction)
            to_base = losses.gram_distance(anchor_gram, base_gram, self.config.rank_reduction)
            terms.append(losses.ranking_loss(to_real, to_base))
            distances |= {f"{name}_gram_to_real": to_real.mean(), f"{name}_gram_to_base": to_base.mean()}
        return torch.stack(terms).sum(), distances

    def preview(self, batch: Batch) -> Mapping[str, Tensor]:
        still, real = self.pairs(batch)
        with generating(self.maker()):
            first = self.base(still)
            made = self.maker()(first)
        return {"input": as_clips(still), "real": as_clips(real), "base": as_clips(first), "refine": as_clips(made)}
