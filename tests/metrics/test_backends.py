"""With numba or without it: the same sums, and the same similarity."""

from __future__ import annotations

import sys

import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench.metrics import backends
from vgbench.metrics.pixel.sums import error_sums
from vgbench.metrics.similarity.ssim import WANG, ssim

compiled = pytest.importorskip("vgbench.metrics.compiled", reason="numba is not installed", exc_type=ImportError)


@pytest.fixture
def without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    backends.forget()
    yield
    backends.forget()


def pair(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator) for _ in range(2))
    return x, y


def test_without_numba_the_values_are_those_of_tensors(without_numba):
    x, y = pair(1, 2, 3, 20, 20)
    assert backends.loops_of("pixel", x.device) is None
    assert error_sums(x, y).squared.tolist() == [[int((a.long() - b.long()).square().sum()) for a, b in zip(x[0], y[0], strict=True)]]
    assert ssim(x, x, WANG).tolist() == [[1, 1]]


def test_tensors_elsewhere_have_no_kernel():
    assert backends.loops_of("pixel", torch.device("meta")) is None
    assert backends.loops_of("pixel", torch.device("cpu")) is not None


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 150), st.integers(1, 150), st.integers(0, 9))
def test_the_compiled_sums_are_exact(clips, frames, height, width, seed):
    x, y = pair(clips, frames, 3, height, width, seed=seed)
    if seed == 0:
        x.fill_(255), y.fill_(0)
    difference = (x.long() - y.long()).flatten(2)
    found = error_sums(x, y)
    assert torch.equal(found.squared, difference.square().sum(-1))
    assert torch.equal(found.absolute, difference.abs().sum(-1))


def test_metrics_still_share_what_they_computed_from_one_pair():
    x, y = pair(1, 2, 3, 20, 20)
    before = error_sums(x, y)
    ssim(x, y, WANG)
    assert error_sums(x, y) is before


def test_every_part_runs_once_for_any_count():
    for count in (0, 1, 3, 8, 17):
        seen = []
        compiled.in_parts(count, lambda first, last, seen=seen: seen.extend(range(first, last)))
        assert sorted(seen) == list(range(count))


def test_a_loop_is_compiled_anew_where_machine_code_cannot_be_kept(monkeypatch):
    options = []

    def njit(**given):
        options.append(given)
        if given.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled.numba, "njit", njit)
    assert compiled.compiled(len) is len
    assert [given.get("cache") for given in options] == [True, None]
