"""What holds for every metric: hand-computed values, orders of pooling, the same bits whatever the batch, clear refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench.errors import MetricError, UnknownName
from vgbench.interfaces import PairedMetric
from vgbench.metrics.cards import ALWAYS, HEADINGS
from vgbench.metrics.catalogue import BUNDLES, metric_specs
from vgbench.metrics.pixel.cards import error_specs
from vgbench.metrics.pixel.psnr import decibels, psnr_dataset, psnr_frame, psnr_video
from vgbench.metrics.pixel.sums import error_sums
from vgbench.metrics.similarity.cards import ssim_specs
from vgbench.plugins.registry import load_registry
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.lookup import choose_metrics, find_metric, peer_metrics
from vgbench.scoring.scorer import Scorer

SPECS = [spec for spec in [*error_specs(), *ssim_specs()] if "crop" not in spec.variant]
"""Metrics of single frames on pixels, which take frames of any size from 11 pixels on; those that crop are these on smaller frames."""
IDS = [spec.id for spec in SPECS]


def metric(metric_id: str):
    return load_metric(find_metric(metric_id), PairedMetric).metric


def random_clips(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def test_the_bare_names_mean_what_the_documentation_says():
    metrics = load_registry().metrics
    assert [metrics.get(name).short_name for name in ("mse", "mae", "rmse", "psnr", "ssim")] == [
        "mse@mean",
        "mae@mean",
        "rmse@frame",
        "psnr@frame",
        "ssim@wang",
    ]


@pytest.mark.parametrize("spec", metric_specs(), ids=lambda spec: spec.id)
def test_every_card_is_whole(spec):
    assert [heading for heading in HEADINGS if heading in spec.card] == list(spec.card)
    assert set(ALWAYS) <= set(spec.card)
    assert all(spec.card.values())
    assert spec.kind != "paired" or spec.card["identical frames"]


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_the_perfect_value_of_a_card_is_reached(spec):
    clips = random_clips(0, (2, 3, 3, 16, 16))
    one = metric(spec.id)
    assert float(one.pool(one.per_clip(one.measure(clips, clips.clone()).numpy()))) == spec.perfect


@pytest.mark.parametrize("metric_id", IDS)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), split=st.integers(1, 4), height=st.integers(11, 40), channels=st.sampled_from([1, 3]))
def test_neither_batch_nor_order_nor_layout_nor_threads_change_a_bit(metric_id, seed, split, height, channels):
    shape = (5, 3, channels, height, 13)
    clips, references = random_clips(seed, shape), random_clips(seed + 1, shape)
    one = metric(metric_id)
    whole = one.measure(clips, references)
    parts = torch.cat([one.measure(*pair) for pair in zip(clips.split(split), references.split(split), strict=True)])
    assert torch.equal(whole, parts)
    order = torch.tensor([3, 0, 4, 1, 2])
    assert torch.equal(whole[order], one.measure(clips[order], references[order]))
    strided = clips.transpose(3, 4).contiguous().transpose(3, 4)
    assert torch.equal(whole, one.measure(strided, references))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert torch.equal(whole, one.measure(clips.clone(), references.clone()))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("metric_id", IDS)
def test_mirrored_frames_score_the_same(metric_id):
    clips, references = random_clips(1, (1, 2, 3, 20, 24)), random_clips(2, (1, 2, 3, 20, 24))
    one = metric(metric_id)
    assert torch.allclose(one.measure(clips, references), one.measure(clips.flip(-1), references.flip(-1)), rtol=1e-12)


def test_one_level_of_one_value_is_95_decibels_and_identical_frames_are_100():
    clip = random_clips(0, (1, 1, 3, 128, 128)) // 2
    other = clip.clone()
    other[0, 0, 0, 0, 0] += 1
    assert psnr_frame().measure(clip, other).item() == pytest.approx(95.05, abs=0.01)
    assert psnr_frame().measure(clip, clip.clone()).item() == 100


def test_the_orders_of_pooling_by_hand():
    """Two clips of two frames with errors 0.01, 0.0001 and 1, 1 in mean square."""
    values = np.array([[0.01, 0.0001], [1.0, 1.0]])
    video, dataset = psnr_video(), psnr_dataset()
    assert decibels(values, data_range=1).mean() == pytest.approx((20 + 40 + 0 + 0) / 4)
    assert video.pool(video.per_clip(values)) == pytest.approx(-10 * np.log10(0.00505) / 2)
    assert dataset.pool(dataset.per_clip(values)) == pytest.approx(-10 * np.log10((0.01 + 0.0001 + 2) / 4))


@given(st.lists(st.floats(1e-9, 1), min_size=4, max_size=4))
def test_psnr_falls_with_every_step_of_pooling(errors):
    values = np.array(errors).reshape(2, 2)
    video, dataset = psnr_video(), psnr_dataset()
    by_frame = decibels(values, data_range=1).mean()
    by_video = video.pool(video.per_clip(values))
    assert by_frame >= by_video - 1e-9
    assert by_video >= dataset.pool(dataset.per_clip(values)) - 1e-9


def test_what_is_not_finite_is_not_averaged_away():
    for metric_id in IDS:
        one = metric(metric_id)
        assert np.isnan(one.pool(one.per_clip(np.array([[0.1, np.nan], [0.1, 0.1]]))))


@pytest.mark.parametrize(
    ("metric_id", "clips", "references", "message"),
    [
        (
            "psnr",
            (1, 2, 3, 8, 8),
            (1, 2, 3, 8, 9),
            "psnr@frame compares clips (B, T, C, H, W) of one shape; the generated ones are 1×2×3×8×8",
        ),
        ("mse", (1, 2, 2, 8, 8), (1, 2, 2, 8, 8), "mse@mean takes frames with 1 channel (grey) or 3 (RGB); these clips 1×2×2×8×8 have 2."),
        ("ssim", (1, 2, 3, 10, 40), (1, 2, 3, 10, 40), "window over frames of at least 11×11 pixels; these are 10×40."),
        ("ssim@skimage", (1, 2, 3, 6, 6), (1, 2, 3, 6, 6), "ssim@skimage slides a 7×7 uniform window over frames of at least 7×7 pixels"),
        ("ssim@torchmetrics", (1, 2, 3, 5, 6), (1, 2, 3, 5, 6), "over frames of at least 6×6 pixels; these are 5×6."),
    ],
)
def test_clips_that_a_metric_cannot_take_are_refused_with_their_sizes(metric_id, clips, references, message):
    with pytest.raises(MetricError) as caught:
        metric(metric_id).measure(random_clips(0, clips), random_clips(1, references))
    assert message in str(caught.value)


@pytest.mark.parametrize("metric_id", [spec.id for spec in metric_specs() if spec.kind == "paired" and "weights" not in spec.card])
def test_floats_are_refused_under_the_metrics_own_id(metric_id):
    clips = random_clips(0, (1, 2, 3, 16, 16))
    with pytest.raises(MetricError, match=f"^{metric_id} compares uint8 clips; the generated ones are float32"):
        metric(metric_id).measure(clips.float(), clips)


@pytest.mark.parametrize("spec", [spec for spec in metric_specs() if spec.variant], ids=lambda spec: spec.id)
def test_a_variants_factory_is_called_as_its_id(spec):
    assert spec.target.rpartition(":")[2] == spec.id.replace("@", "_").replace("-", "_")
    assert callable(load_registry().metrics.get(spec.id).load())


def test_a_change_in_place_is_noticed_between_two_metrics():
    clips, references = random_clips(0, (1, 2, 3, 8, 8)).clone(), random_clips(1, (1, 2, 3, 8, 8)).clone()
    before = error_sums(clips, references)
    assert error_sums(clips, references) is before
    clips[0, 0, 0, 0, 0] = 255 - clips[0, 0, 0, 0, 0]
    assert not torch.equal(error_sums(clips, references).squared, before.squared)


def test_a_peers_metrics_are_known_and_an_unknown_peer_is_not():
    for peer in BUNDLES:
        assert choose_metrics(peer_metrics(peer))
    assert peer_metrics("skimage") == ["mse@mean", "psnr@frame", "ssim@skimage"]
    with pytest.raises(UnknownName, match="Unknown peer 'openslt'. Did you mean openstl?"):
        peer_metrics("openslt")


def test_an_unknown_variant_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Unknown metric 'ssim@wnag'. Did you mean ssim@wang?"):
        choose_metrics(["mse", "ssim@wnag"])


def test_a_metric_asked_for_twice_is_scored_once():
    assert [entry.short_name for entry in choose_metrics(["psnr", "psnr@frame", "mse"])] == ["psnr@frame", "mse@mean"]


def test_the_scorer_counts_frames_that_equal_the_reference():
    clips = random_clips(0, (2, 3, 1, 8, 8))
    other = clips.clone()
    other[1, 2, 0, 0, 0] = 255 - other[1, 2, 0, 0, 0]
    measured = Scorer(choose_metrics(["mse"])).measure(clips, other)
    assert measured.perfect == [3, 2]
    assert measured.scores[0] == {"mse@mean": [0.0, 0.0, 0.0]}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize(("metric_id", "size"), [*((one, 40) for one in [*IDS, "motion-ratio", "drift-ratio"]), ("ms-ssim", 176)])
def test_a_gpu_gives_the_same_values(metric_id, size):
    clips, references = random_clips(1, (2, 3, 3, size, size + 4)), random_clips(2, (2, 3, 3, size, size + 4))
    one = metric(metric_id)
    torch.testing.assert_close(one.measure(clips.cuda(), references.cuda()).cpu(), one.measure(clips, references), rtol=1e-5, atol=1e-8)
