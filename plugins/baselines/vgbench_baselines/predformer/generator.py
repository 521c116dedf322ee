"""PredFormer as vgbench sees it."""

from __future__ import annotations

from torch import nn

from vgbench_baselines.predformer.config import PredFormerConfig
from vgbench_baselines.predformer.network import PredFormer
from vgbench_baselines.unrolled import UnrolledPredictor


class PredFormerGenerator(UnrolledPredictor):
    """Predicts by one pass, or by passes over its own frames, and is trained through all of them."""

    config: PredFormerConfig

    def build(self) -> nn.Module:
        return PredFormer(self.config)
