"""I3D's operations against plain ones, its extractors, and what needs them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from vgbench.errors import MetricError, WeightsError
from vgbench.metrics.motion.gram import GramMotion, gram_matrix, gram_motion
from vgbench.metrics.networks.i3d import I3d, Pool, Unit, load_i3d, same_padding
from vgbench.metrics.networks.placement import Placement, placed
from vgbench.metrics.sets.extractors import I3dLogits, ScriptedExtractor, inception_as_stylegan_calls_it
from vgbench.metrics.sets.variants import fvd_i3d, kvd_i3d
from vgbench.weights.adoption import add_weights
from vgbench.weights.shapes import i3d_shapes
from vgbench.weights.store import is_here, store_tensors

PUBLISHED = pytest.mark.skipif(not is_here("i3d-k400"), reason="weights i3d-k400 are not here: vgbench weights get i3d-k400")


def random_tensors() -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in i3d_shapes().items():
        fan_in = max(1, torch.Size(shape[1:]).numel())
        tensors[name] = torch.rand(shape, generator=rng) + 0.5 if name.endswith("var") else torch.randn(shape, generator=rng) / fan_in**0.5
    return tensors


def random_clips(seed: int, n: int = 2, frames: int = 9, channels: int = 3, size: int = 20) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, frames, channels, size, size + 4), dtype=np.uint8))


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "expected"), [(16, 7, 2, (2, 3)), (15, 7, 2, (3, 3)), (8, 3, 1, (1, 1)), (7, 2, 2, (0, 1))]
)
def test_padding_is_tensorflows_same(length, kernel, stride, expected):
    assert same_padding([length], (kernel,), (stride,)) == list(expected)


def test_a_unit_is_convolution_shift_and_relu_at_every_place():
    """Against sums over a window that reaches beyond the clip where nothing counts."""
    unit = Unit((2, 3, 3, 3, 3), (2, 2, 2)).eval()
    with torch.no_grad():
        unit.norm.running_mean.copy_(torch.tensor([0.1, -0.2]))
        unit.norm.running_var.copy_(torch.tensor([0.5, 2.0]))
        unit.norm.bias.copy_(torch.tensor([0.3, 0.0]))
    video = torch.randn(1, 3, 5, 6, 4, generator=torch.Generator().manual_seed(0))
    result = unit(video)
    assert result.shape == (1, 2, 3, 3, 2)
    before = [(max(0, (-(-n // 2) - 1) * 2 + 3 - n)) // 2 for n in (5, 6, 4)]
    for t, h, w in np.ndindex(3, 3, 2):
        total = torch.zeros(2)
        for dt, dh, dw in np.ndindex(3, 3, 3):
            place = [2 * i + d - b for i, d, b in zip((t, h, w), (dt, dh, dw), before, strict=True)]
            if all(0 <= p < n for p, n in zip(place, (5, 6, 4), strict=True)):
                total += unit.conv.weight[:, :, dt, dh, dw] @ video[0, :, *place]
        normed = (total - unit.norm.running_mean) / (unit.norm.running_var + 1e-3).sqrt() + unit.norm.bias
        torch.testing.assert_close(result[0, :, t, h, w], normed.relu())


def test_a_pool_never_takes_what_lies_outside():
    video = -torch.rand(1, 1, 3, 5, 5) - 1
    pooled = Pool((3, 3, 3), (2, 2, 2))(video)
    assert pooled.shape == (1, 1, 2, 3, 3)
    assert torch.isfinite(pooled).all()
    assert pooled.max() < 0


def test_the_network_has_400_logits_from_nine_frames_on_and_the_same_bits_in_any_batch():
    network = load_i3d(random_tensors(), torch.device("cpu"))
    video = torch.rand(1, 3, 9, 224, 224) * 2 - 1
    with torch.no_grad():
        assert network(video).shape == (1, 400)
        with pytest.raises(RuntimeError):
            network(video[:, :, :8])
    assert isinstance(network, I3d)


@pytest.fixture
def own_i3d(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "weights"))
    store_tensors("i3d-k400", random_tensors(), sha256="cd" * 32, origin="this test")


@pytest.mark.slow
def test_the_extractor_names_its_weights_and_takes_each_clip_alone(own_i3d):
    extractor = I3dLogits()
    clips = random_clips(0)
    features = extractor.features(clips)
    assert features.shape == (2, 400)
    assert torch.equal(extractor.features(clips[1:]), features[1:])
    grey = clips[:1, :, :1]
    assert torch.equal(extractor.features(grey), extractor.features(grey.expand(-1, -1, 3, -1, -1)))
    assert extractor.key() == "i3d-k400 " + "cd" * 8 + " squash 224 bilinear half-pixel"
    assert I3dLogits(Placement("center-crop")).key() != extractor.key()


def test_too_few_frames_and_other_types_are_refused(own_i3d):
    with pytest.raises(MetricError, match="i3d-k400 needs clips of at least 9 frames that count; these have 8"):
        I3dLogits().features(random_clips(0, frames=8))
    with pytest.raises(MetricError, match=r"i3d-k400 takes uint8 clips .* these are float32 \(2, 9, 3, 20, 24\)"):
        I3dLogits().features(random_clips(0).float())


def test_metrics_of_one_placement_share_their_features(own_i3d):
    assert fvd_i3d().feature_key() == kvd_i3d().feature_key()


def test_placement_squashes_or_crops_without_antialiasing():
    frames = random_clips(3, n=1, size=300)[0]
    squashed = placed(frames, Placement())
    assert squashed.shape == (9, 3, 224, 224)
    assert -1 <= squashed.min() < squashed.max() <= 1
    wide = frames.repeat(1, 1, 1, 2)
    cropped = placed(wide, Placement("center-crop"))
    whole = functional.interpolate(wide.float() / 127.5 - 1, (224, round(wide.shape[3] * 224 / 300)), mode="bilinear")
    left = (whole.shape[3] - 224) // 2
    torch.testing.assert_close(cropped, whole[..., left : left + 224], atol=1e-5, rtol=1e-5)


def test_corner_sampling_is_tensorflow_ones_arithmetic():
    """Doubling (0, 4, 8): 0, 2, 4, 6, 8, 8, the last pixel repeated."""
    row = torch.tensor([0, 4, 8], dtype=torch.uint8).view(1, 1, 1, 3).expand(1, 1, 3, 3)
    from vgbench.metrics.networks.placement import bilinear

    assert bilinear(row.float(), 3, 6, "corner")[0, 0, 0].tolist() == [0, 2, 4, 6, 8, 8]


def test_gram_matrix_by_a_double_loop():
    feature = torch.randn(2, 3, 4, 5)
    rows = feature.reshape(6, 20)
    expected = [[float((rows[i] * rows[j]).sum()) / 120 for j in range(6)] for i in range(6)]
    torch.testing.assert_close(gram_matrix(feature), torch.tensor(expected))


def test_gram_motion_sees_order_in_time_and_is_zero_of_itself(own_i3d):
    metric = GramMotion()
    metric.prepare()
    rows = torch.arange(32).view(1, 1, 1, 32, 1)
    clip = ((torch.arange(8).view(1, 8, 1, 1, 1) * 9 + rows * 7) % 256).expand(1, 8, 3, 32, 32).to(torch.uint8)
    assert metric.measure(clip, clip.clone()).tolist() == [[0.0]]
    for other in (clip.flip(1), clip[:, [3, 1, 6, 0, 7, 2, 5, 4]], clip[:, :1].expand_as(clip)):
        assert metric.measure(other, clip).item() > 0.05
    assert metric.weights() == {"i3d-k400": "cd" * 32}
    network = load_i3d(random_tensors(), torch.device("cpu"))
    with pytest.raises(MetricError, match="gram-motion compares motion, which takes at least 2 frames"):
        gram_motion(clip[:, :1], clip[:, :1], network)


class _Means(torch.nn.Module):
    """Stands for a published file: mean and largest level of each frame."""

    def forward(self, frames: Tensor, return_features: bool = False) -> Tensor:
        flat = frames.float().flatten(1)
        return torch.stack([flat.mean(1), flat.max(1).values], dim=1)


def test_a_torchscript_file_gives_features_of_frames(tmp_path, monkeypatch):
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "weights"))
    extractor = inception_as_stylegan_calls_it()
    with pytest.raises(WeightsError, match="vgbench weights add inception-fid FILE"):
        extractor.prepare()
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.script(_Means()).save(str(tmp_path / "means.pt"))
    stored = add_weights("inception-fid", tmp_path / "means.pt")
    clips = random_clips(1, channels=1)
    features = extractor.features(clips)
    assert features.shape == (18, 2)
    torch.testing.assert_close(features[:, 0], clips.float().flatten(0, 1).flatten(1).mean(1))
    assert extractor.key() == f"inception-fid {stored.sha256[:16]} features of frames"
    wrong = ScriptedExtractor("inception-fid", lambda network, clips: network(clips[0]), how="once per clip", per_frame=False)
    with pytest.raises(MetricError, match=r"The TorchScript file inception-fid returned \(9, 2\) for a clip; \(1, D\) was expected"):
        wrong.features(clips)


@PUBLISHED
def test_the_published_weights_tell_noise_from_a_ramp():
    extractor = I3dLogits()
    ramp = torch.arange(96).view(1, 1, 1, 1, 96).expand(1, 9, 3, 96, 96).to(torch.uint8)
    noise = random_clips(0, n=1, size=92)[..., :92, :]
    first, second = extractor.features(ramp), extractor.features(noise)
    assert first.argmax() != second.argmax()
    assert extractor.key().startswith("i3d-k400 af5c50f0df57")
