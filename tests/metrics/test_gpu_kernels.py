"""The Triton kernels give the numbers of the processor: in Triton's interpreter here, and on a GPU where there is one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from vgbench.metrics import backends
from vgbench.metrics.catalogue import metric_specs
from vgbench.metrics.pixel.sums import error_sums
from vgbench.plugins.registry import load_registry
from vgbench.scoring.scorer import Scorer

ON_A_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

INTERPRETED = """
import torch
from vgbench.metrics.pixel import gpu as pixel, sums
from vgbench.metrics.similarity import gpu as similarity, tiled
from vgbench.metrics.similarity.ms_ssim import halved
from vgbench.metrics.luma import yiq_luma
from vgbench.metrics.similarity.ssim import OPENSTL, PYIQA, SKIMAGE, WANG
from vgbench.metrics.similarity.windows import Stability, Term

rng = torch.Generator().manual_seed(0)
x, y = (torch.randint(0, 256, (2, 3, 3, 5, 7), dtype=torch.uint8, generator=rng) for _ in range(2))
expected = sums.error_sums(x, y)
squared, absolute = pixel.error_sums(x, y)
assert squared.equal(expected.squared) and absolute.equal(expected.absolute)
assert pixel.error_sums(x[:, :-1], x[:, 1:])[1].equal(sums.error_sums(x[:, :-1], x[:, 1:]).absolute)
assert pixel.channel_products(x, y).equal(sums.channel_products(x, y))
levels = (torch.arange(256, dtype=torch.float32) / 255 * 255).to(torch.uint8)
assert pixel.wrapped_square_sums(x, y, levels).equal(sums.wrapped_square_sums(x, y))
bright, flat = torch.full_like(x, 255), torch.full_like(x, 254)
assert pixel.error_sums(bright, torch.zeros_like(x))[0].eq(255**2 * 105).all()

x, y = (torch.randint(0, 256, (1, 1, 13, 12), dtype=torch.uint8, generator=rng) for _ in range(2))
checks = torch.arange(13 * 12, dtype=torch.int64).view(1, 1, 13, 12) % 2 * 255
pairs = {"noise": (x, y), "equal": (x, x), "bright and flat": (torch.full_like(x, 255), torch.full_like(x, 254)),
         "checkerboards": (checks.to(torch.uint8), (255 - checks).to(torch.uint8)), "black and white": (x * 0, x * 0 + 255)}
for definition in (WANG, SKIMAGE):
    for name, (one, other) in pairs.items():
        term = Term(has_luminance=name != "noise", clamp_contrast=name == "checkerboards")
        found = similarity.mean_similarity(one, other, definition.window, definition.stability, term)
        wanted = tiled.mean_similarity(one, other, definition.window, definition.stability, term)
        assert (found - wanted).abs().max() < 1e-7, (definition, name, found, wanted)
        assert name != "equal" or found.eq(1).all()
scale = Stability(*(constant * 2**16 for constant in WANG.stability))
wide = similarity.mean_similarity(x.int() * 256, y.int() * 256, WANG.window, scale, Term())
assert (wide - tiled.mean_similarity(x, y, WANG.window, WANG.stability, Term())).abs().max() < 1e-7
planes = torch.randint(0, 256, (1, 2, 7, 4), dtype=torch.uint8, generator=rng)
quarter = similarity.sums_of_four(planes)
assert (quarter.double() / 4).equal(halved(planes.double()))
assert (similarity.sums_of_four(quarter).double() / 16).equal(halved(halved(planes.double())))
clip = torch.randint(0, 256, (1, 3, 9, 11), dtype=torch.uint8, generator=rng)
tables = torch.arange(256, dtype=torch.float32).div(255).mul(torch.tensor([[0.299], [0.587], [0.114]]))
assert similarity.luma(clip, tables).equal(yiq_luma(clip))
"""


@pytest.mark.slow
def test_interpreted_kernels_give_the_numbers_of_the_processor():
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", INTERPRETED], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_kernels_that_fail_are_given_up_once_and_said(monkeypatch, caplog):
    def fail(_):
        raise RuntimeError("PTX version 9.9 is not known\nand more")

    monkeypatch.setattr(backends, "has_triton", lambda: True)
    monkeypatch.setitem(backends.KERNELS, "pixel", "vgbench.errors")  # on a processor the real kernels cannot even be imported
    for _ in range(2):
        assert backends.on_gpu("pixel", torch.device("cuda"), fail) is None
    monkeypatch.undo()
    backends.forget()
    (record,) = caplog.records
    assert record.message == (
        "The GPU kernels of pixel metrics failed (RuntimeError: PTX version 9.9 is not known); tensor operations take over."
    )


def test_running_out_of_memory_is_no_reason_to_give_kernels_up(monkeypatch):
    def fail(_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(backends, "has_triton", lambda: True)
    monkeypatch.setitem(backends.KERNELS, "pixel", "vgbench.errors")
    with pytest.raises(torch.OutOfMemoryError):
        backends.on_gpu("pixel", torch.device("cuda"), fail)
    assert not backends.given_up()


def test_a_missing_triton_is_said_once(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "triton", None)
    backends.forget()
    for _ in range(2):
        assert backends.on_gpu("pixel", torch.device("cuda"), lambda _: 1) is None
    backends.forget()
    assert [record.message for record in caplog.records] == ["Triton is not installed; on the GPU metrics take their slower form."]


def test_a_numba_that_breaks_beside_other_packages_is_said_and_done_without(tmp_path, monkeypatch, caplog):
    (tmp_path / "numba.py").write_text("raise AttributeError(\"module 'coverage' has no attribute 'types'\")\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    backends.forget()
    for _ in range(2):
        assert backends.loops_of("pixel", torch.device("cpu")) is None
    backends.forget()
    assert [record.message for record in caplog.records] == [
        "numba cannot be imported (AttributeError: module 'coverage' has no attribute 'types'); metrics take their slower form."
    ]


def pair(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips near each other, with a bright flat frame that is off by one level."""
    rng = torch.Generator().manual_seed(sum(shape))
    x = torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)
    y = (x.int() + torch.randint(-20, 21, shape, generator=rng)).clamp(0, 255).to(torch.uint8)
    x[0, 0], y[0, 0] = 255, 254
    return x, y


PAIRED = [spec.id for spec in metric_specs() if spec.kind == "paired"]


@pytest.mark.gpu
@ON_A_GPU
@pytest.mark.parametrize("shape", [(2, 4, 3, 64, 64), (1, 3, 1, 47, 53), (2, 1, 3, 33, 70), (1, 2, 3, 177, 180)], ids=str)
@pytest.mark.parametrize("metric", PAIRED)
def test_every_paired_metric_gives_on_a_gpu_what_it_gives_on_the_processor(metric, shape):
    from vgbench.errors import MetricError, WeightsError

    x, y = pair(shape)
    try:
        scorer = Scorer([load_registry().metrics.get(metric)])
        expected = [one[metric] for one in scorer.measure(x, y).scores]
    except (MetricError, WeightsError) as refusal:
        pytest.skip(str(refusal).split("\n")[0])
    found = [one[metric] for one in scorer.measure(x.cuda(), y.cuda()).scores]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=1e-5, atol=1e-7, equal_nan=True)


@pytest.mark.gpu
@ON_A_GPU
def test_sums_on_a_gpu_are_exact():
    x, y = pair((2, 3, 3, 131, 77))
    expected, found = error_sums(x, y), error_sums(x.cuda(), y.cuda())
    assert found.squared.cpu().equal(expected.squared)
    assert found.absolute.cpu().equal(expected.absolute)
    assert not backends.given_up()
