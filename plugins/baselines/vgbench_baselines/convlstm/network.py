"""The network: layers of convolutional LSTM over frames whose pixels were folded into channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vgbench_baselines.convlstm.config import ConvLSTMConfig

State = tuple[Tensor, Tensor]
"""h and c of a layer, each (B, width, H, W)."""


class Cell(nn.Module):
    """One layer: i, f, g, o = W_x ∗ x + W_h ∗ h, without bias and without peepholes."""

    def __init__(self, inputs: int, width: int, kernel: int, forget_bias: float) -> None:
        super().__init__()
        self.of_input = nn.Conv2d(inputs, 4 * width, kernel, padding=kernel // 2, bias=False)
        self.of_state = nn.Conv2d(width, 4 * width, kernel, padding=kernel // 2, bias=False)
        self.forget_bias = forget_bias

    def forward(self, frame: Tensor, state: State) -> State:
        hidden, memory = state
        i, f, g, o = (self.of_input(frame) + self.of_state(hidden)).chunk(4, dim=1)
        memory = torch.sigmoid(f + self.forget_bias) * memory + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(memory), memory


class ConvLSTM(nn.Module):
    """Reads frames one by one and says after each what comes next; past the context it reads what it said."""

    def __init__(self, config: ConvLSTMConfig) -> None:
        super().__init__()
        folded = config.channels * config.patch**2
        inputs = [folded] + [config.width] * (config.layers - 1)
        self.cells = nn.ModuleList(Cell(one, config.width, config.kernel, config.forget_bias) for one in inputs)
        self.head = nn.Conv2d(config.width, folded, 1, bias=False)
        self.patch, self.width, self.horizon = config.patch, config.width, config.horizon

    def forward(self, context: Tensor, truth: Tensor | None = None, is_told: Tensor | None = None) -> Tensor:
        """(B, Tc, C, H, W) → (B, Tc − 1 + horizon, C, H, W): what it said after each frame it read.

        truth: the frames after the context, (B, horizon, C, H, W), of which those go in where `is_told` (B, horizon − 1) is true.
        """
        frames = functional.pixel_unshuffle(context, self.patch)
        states = self._begun(frames)
        said: list[Tensor] = []
        for step in range(context.shape[1] - 1 + self.horizon):
            frame = frames[:, step] if step < context.shape[1] else said[-1]
            beyond = step - context.shape[1]
            if truth is not None and is_told is not None and beyond >= 0:
                told = is_told[:, beyond].view(-1, 1, 1, 1)
                frame = torch.where(told, functional.pixel_unshuffle(truth[:, beyond], self.patch).to(frame.dtype), frame)
            for index, cell in enumerate(self.cells):
                states[index] = cell(frame, states[index])
                frame = states[index][0]
            said.append(self.head(frame))
        return functional.pixel_shuffle(torch.stack(said, 1), self.patch)

    def _begun(self, frames: Tensor) -> list[State]:
        zeros = frames.new_zeros(frames.shape[0], self.width, *frames.shape[3:])
        return [(zeros, zeros) for _ in self.cells]
