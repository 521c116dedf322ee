"""SSIM and PSNR on luma of limited range, with and without a border, against a plain second computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.ndimage import correlate1d

from vgbench.errors import MetricError
from vgbench.metrics import psnr, ssim
from vgbench.metrics.luma import limited_luma


def plain_luma(frame_chw: np.ndarray) -> np.ndarray:
    """BT.601 from the standard's own coefficients: 219 levels of 0.299, 0.587 and 0.114 above 16, as the usual three decimals have them."""
    red, green, blue = np.broadcast_to(frame_chw / 255.0, (3, *frame_chw.shape[1:]))
    return 16 + 65.481 * red + 128.553 * green + 24.966 * blue


def plain_psnr(made: np.ndarray, real: np.ndarray) -> float:
    return float(20 * np.log10(255 / np.sqrt(((made - real) ** 2).mean())))


def plain_ssim(made: np.ndarray, real: np.ndarray) -> float:
    """Wang's formula, five filtered maps, over the windows inside the frame."""
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def local_mean(values: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(values, taps, axis=0), taps, axis=1)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mu_x, mu_y = local_mean(made), local_mean(real)
    var_x, var_y = local_mean(made**2) - mu_x**2, local_mean(real**2) - mu_y**2
    covariance = local_mean(made * real) - mu_x * mu_y
    quality = (2 * mu_x * mu_y + c1) * (2 * covariance + c2) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))
    return float(quality.mean())


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(19, 40),
    width=st.integers(19, 40),
    channels=st.sampled_from([1, 3]),
    border=st.sampled_from([0, 4]),
)
def test_both_agree_with_a_plain_computation(seed, height, width, channels, border):
    rng = np.random.default_rng(seed)
    real = rng.integers(0, 256, (1, channels, height, width))
    made = np.clip(real + rng.integers(-40, 41, real.shape), 0, 255)
    variant = "y-limited" + ("-crop4" if border else "")
    inner = np.s_[border : height - border, border : width - border]
    x, y = (plain_luma(clip[0])[inner] for clip in (made, real))
    clips = [torch.from_numpy(clip.astype(np.uint8)) for clip in (made, real)]
    assert psnr(*clips, variant=variant).item() == pytest.approx(plain_psnr(x, y), rel=1e-10)
    assert ssim(*clips, variant=variant).item() == pytest.approx(plain_ssim(x, y), abs=1e-10)


def test_luma_by_hand():
    pixels = torch.tensor([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=torch.uint8).T.reshape(1, 3, 1, 5)
    assert limited_luma(pixels).flatten().tolist() == pytest.approx([16, 235, 81.481, 144.553, 40.966])
    assert limited_luma(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).flatten().tolist() == pytest.approx([16, 235])


def test_what_happens_within_the_border_does_not_count():
    real = torch.randint(0, 256, (2, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    made = 255 - real
    made[..., 4:-4, 4:-4] = real[..., 4:-4, 4:-4]
    assert psnr(made, real, variant="y-limited-crop4").tolist() == [100, 100]
    assert ssim(made, real, variant="y-limited-crop4").tolist() == [1, 1]
    assert psnr(made, real, variant="y-limited").max() < 20


def test_frames_that_are_all_border_are_refused():
    small = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(MetricError, match=r"psnr@y-limited-crop4 needs frames of at least 9×9 pixels, since 4 at each edge do not count"):
        psnr(small, small, variant="y-limited-crop4")
    with pytest.raises(MetricError, match=r"ssim@y-limited-crop4 slides a .* window over frames of at least 19×19 pixels; these are 8×8"):
        ssim(small, small, variant="y-limited-crop4")
