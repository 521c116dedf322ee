"""LPIPS against a plain computation of its equation on random weights, and on the published ones where they are."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from vgbench.errors import MetricError, WeightsError
from vgbench.metrics.perceptual.lpips import ALEX, SQUEEZE, VGG, Network, Perception, lpips, lpips_alex
from vgbench.plugins.registry import load_registry
from vgbench.weights.shapes import LINEAR_CHANNELS, backbone_shapes, linear_shapes
from vgbench.weights.store import is_here, load_weights

SHIFT, SCALE = (torch.tensor(values).view(1, 3, 1, 1) for values in ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)))
NETWORKS = pytest.mark.parametrize("network", [ALEX, VGG, SQUEEZE], ids=lambda network: network.weights)
PUBLISHED = pytest.mark.skipif(not is_here("lpips-alex"), reason="weights lpips-alex are not here: vgbench weights get lpips-alex")


def random_tensors(network: Network) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(1)
    shapes = backbone_shapes(network.weights) | linear_shapes(network.weights)
    scales = {name: (2 / max(1, torch.Size(shape[1:]).numel())) ** 0.5 for name, shape in shapes.items()}
    tensors = {name: torch.randn(shape, generator=rng) * scales[name] for name, shape in shapes.items()}
    return {name: tensor.abs() if name.startswith("lin") else tensor for name, tensor in tensors.items()}


def clips(seed: int, channels: int = 3, size: int = 40, frames: int = 3) -> Tensor:
    return torch.randint(0, 256, (2, frames, channels, size, size + 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def layers_of(name: str, tensors: dict[str, Tensor], image: Tensor) -> list[Tensor]:
    """Every tapped layer, written out with plain functions from the papers' tables."""

    def conv(image: Tensor, path: str, **options: int) -> Tensor:
        return functional.conv2d(image, tensors[f"features.{path}.weight"], tensors[f"features.{path}.bias"], **options).relu()

    if name == "lpips-alex":
        first = conv(image, "0", stride=4, padding=2)
        second = conv(functional.max_pool2d(first, 3, 2), "3", padding=2)
        third = conv(functional.max_pool2d(second, 3, 2), "6", padding=1)
        fourth = conv(third, "8", padding=1)
        return [first, second, third, fourth, conv(fourth, "10", padding=1)]
    found = []
    if name == "lpips-vgg":
        for block in (("0", "2"), ("5", "7"), ("10", "12", "14"), ("17", "19", "21"), ("24", "26", "28")):
            image = functional.max_pool2d(found[-1], 2) if found else image
            for place in block:
                image = conv(image, place, padding=1)
            found.append(image)
        return found

    def fire(image: Tensor, place: int) -> Tensor:
        small = conv(image, f"{place}.squeeze")
        return torch.cat([conv(small, f"{place}.expand1x1"), conv(small, f"{place}.expand3x3", padding=1)], dim=1)

    found.append(conv(image, "0", stride=2))
    for places in ((3, 4), (6, 7), (9,), (10,), (11,), (12,)):
        image = found[-1] if places in ((10,), (11,), (12,)) else functional.max_pool2d(found[-1], 3, 2, ceil_mode=True)
        for place in places:
            image = fire(image, place)
        found.append(image)
    return found


def plain_lpips(name: str, tensors: dict[str, Tensor], frame: Tensor, reference: Tensor) -> float:
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    sides = []
    for one in (frame, reference):
        image = one.expand(3, -1, -1).double() / 255 * 2 - 1
        image = (image - shift.double().view(3, 1, 1)) / scale.double().view(3, 1, 1)
        sides.append(layers_of(name, tensors, image[None]))
    total = 0.0
    for index, layers in enumerate(zip(*sides, strict=True)):
        x, y = (layer / (layer.norm(dim=1, keepdim=True) + 1e-10) for layer in layers)
        total += float((tensors[f"lin{index}.weight"] * (x - y) ** 2).sum(dim=1).mean())
    return total


@NETWORKS
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_papers_equation(network, channels):
    tensors = random_tensors(network)
    first, second = clips(1, channels), clips(2, channels)
    values = lpips(first, second, Perception(network, tensors, torch.device("cpu")), network)
    assert values.shape == (2, 3)
    exact = {name: tensor.double() for name, tensor in tensors.items()}
    expected = [plain_lpips(network.weights, exact, x, y) for x, y in zip(first.flatten(0, 1), second.flatten(0, 1), strict=True)]
    assert values.flatten().tolist() == pytest.approx(expected, rel=2e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@NETWORKS
def test_a_gpu_gives_the_same_distances(network):
    tensors, pair = random_tensors(network), (clips(1), clips(2))
    there = lpips(*(one.cuda() for one in pair), Perception(network, tensors, torch.device("cuda")), network)
    here = lpips(*pair, Perception(network, tensors, torch.device("cpu")), network)
    torch.testing.assert_close(there.cpu(), here, rtol=1e-5, atol=1e-8)


@NETWORKS
def test_it_is_zero_of_itself_symmetric_and_the_same_bits_in_any_batch(network):
    perception = Perception(network, random_tensors(network), torch.device("cpu"))
    first, second = clips(1, frames=2, size=72), clips(2, frames=2, size=72)
    both = lpips(first, second, perception, network)
    assert lpips(first, first.clone(), perception, network).abs().max() == 0
    assert torch.equal(lpips(second, first, perception, network), both)
    assert torch.equal(lpips(first[1:], second[1:], perception, network), both[1:])


@NETWORKS
def test_the_least_size_is_the_least_that_the_network_takes(network):
    perception = Perception(network, random_tensors(network), torch.device("cpu"))
    least = network.least_size
    frames = torch.zeros(1, 1, 3, least, least, dtype=torch.uint8)
    assert torch.isfinite(lpips(frames, frames, perception, network)).all()
    with pytest.raises(RuntimeError):
        perception.distances(frames[0, ..., 1:], frames[0, ..., 1:])
    with pytest.raises(
        MetricError, match=rf"lpips needs frames of at least {least}×{least} pixels for its network; these are {least - 1}×40"
    ):
        lpips(
            frames[..., 1:, :].expand(-1, -1, -1, -1, least).repeat(1, 1, 1, 1, 3)[..., :40],
            torch.zeros(1, 1, 3, least - 1, 40).byte(),
            perception,
            network,
        )


def test_without_weights_the_error_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="vgbench weights get lpips-alex"):
        lpips_alex().prepare()


@PUBLISHED
@pytest.mark.skipif(find_spec("lpips") is None, reason="the package lpips is not installed")
@pytest.mark.parametrize("name", ["lpips-alex", "lpips-vgg"])
def test_the_linear_layers_are_those_of_the_lpips_package(name):
    if not is_here(name):
        pytest.skip(f"weights {name} are not here")
    folder = Path(find_spec("lpips").origin).parent / "weights" / "v0.1"
    published = torch.load(folder / f"{name.removeprefix('lpips-')}.pth", weights_only=True, map_location="cpu")
    ours = load_weights(name).tensors
    for index in range(len(LINEAR_CHANNELS[name])):
        assert torch.equal(ours[f"lin{index}.weight"], published[f"lin{index}.model.1.weight"])


@PUBLISHED
def test_on_the_published_weights_blur_and_noise_cost_more_the_stronger_they_are():
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    picture = (127 + 60 * (rows / 5).sin() + 60 * (columns / 9).cos()).clamp(0, 255)
    frames = picture.round().to(torch.uint8).expand(1, 1, 3, 64, 64)
    metric = load_registry().metrics.get("lpips").load()()
    metric.prepare()
    assert metric.weights()["lpips-alex"].startswith("443c5bc3")
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
    values = [metric.measure((frames + level * noise).clamp(0, 255).to(torch.uint8), frames).item() for level in (0, 4, 12, 36)]
    assert values[0] == 0
    assert values == sorted(values)
    assert 0.3 < values[-1] < 1.5


def test_of_the_moving_region_a_layers_positions_count_by_the_share_of_their_pixels():
    tensors = random_tensors(ALEX)
    perception = Perception(ALEX, tensors, torch.device("cpu"))
    made, real = clips(1), clips(2)
    real[:, :, :, :, :20] = real[:, :1, :, :, :20]  # the left stands still
    found = lpips(made, real, perception, ALEX, is_of_region=True)
    region = (real.amax(1).int() - real.amin(1) > 16).any(1)
    assert not region[:, :, :20].any()
    for b in range(2):
        for t in range(3):
            expected = 0.0
            images = [(side[b, t : t + 1].float() / 127.5 - 1 - SHIFT) / SCALE for side in (made, real)]
            for index, pair in enumerate(zip(*(layers_of("lpips-alex", tensors, image) for image in images), strict=True)):
                one, other = (layer / (layer.square().sum(1, keepdim=True).sqrt() + 1e-10) for layer in pair)
                layer = ((one - other) ** 2 * tensors[f"lin{index}.weight"].view(1, -1, 1, 1)).sum(1)[0].double()
                shares = functional.adaptive_avg_pool2d(region[b][None, None].double(), layer.shape)[0, 0]
                expected += float((layer * shares).sum() / shares.sum())
            assert float(found[b, t]) == pytest.approx(expected, rel=1e-5)


def test_where_every_pixel_moves_the_region_is_the_frame():
    perception = Perception(ALEX, random_tensors(ALEX), torch.device("cpu"))
    made, real = clips(1), clips(2)
    real[:, 0], real[:, 1] = 0, 255
    whole = lpips(made, real, perception, ALEX)
    torch.testing.assert_close(lpips(made, real, perception, ALEX, is_of_region=True), whole, rtol=1e-9, atol=0)
