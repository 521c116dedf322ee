"""Configurations: defaults < preset < file < options, every value checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given, strategies as st

from vgbench.config import Layer, parse_settings, parse_value, plain, preset_layer, read_toml, resolve, without_none
from vgbench.errors import ConfigError, UnknownName


@dataclass(frozen=True, kw_only=True)
class Options:
    width: int = 32
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    mode: Literal["sum", "mean"] = "sum"
    verbose: bool = False
    note: str | None = None
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {"small": {"width": 16}}

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width is {self.width}, it must be at least 1")


def resolved(*layers: Layer) -> Options:
    return resolve(Options, layers, owner="test").config


def test_later_layers_win_and_say_so():
    layers = [preset_layer(Options, "small", owner="test"), Layer("file.toml", {"lr": 1e-3}), parse_settings(["width=8"])]
    config, origins = resolve(Options, layers, owner="test")
    assert (config.width, config.lr, config.mode) == (8, 1e-3, "sum")
    assert origins == {"width": "--set", "lr": "file.toml", "betas": "default", "mode": "default", "verbose": "default", "note": "default"}


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(ConfigError) as caught:
        resolved(parse_settings(["widht=8"]))
    assert str(caught.value).splitlines()[0] == "Unknown key 'widht' in --set for test. Did you mean width?"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("width=wide", "test: width from --set: 'wide' is not a whole number."),
        ("width=1.5", "test: width from --set: 1.5 is not a whole number."),
        ("width=true", "test: width from --set: True is not a whole number."),
        ("mode=median", "test: mode from --set: 'median' is not one of 'sum', 'mean'."),
        ("betas=[0.5]", "test: betas from --set: [0.5] is not a list [a number, a number]."),
        ("verbose=1", "test: verbose from --set: 1 is not true or false."),
        ("width=0", "test: width is 0, it must be at least 1"),
        ("width", "--set width: write it as key=value, such as --set lr=0.0001."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_value(setting, message):
    with pytest.raises(ConfigError) as caught:
        resolved(parse_settings([setting]))
    assert str(caught.value) == message


def test_values_are_taken_as_their_types_want_them():
    config = resolved(parse_settings(["betas=[0, 1]", "lr=1", "note=two words", "verbose=true"]))
    assert config == Options(betas=(0.0, 1.0), lr=1.0, note="two words", verbose=True)
    assert isinstance(config.lr, float)


def test_an_unknown_preset_names_the_known():
    with pytest.raises(UnknownName, match="Unknown preset of test 'smal'. Did you mean small?"):
        preset_layer(Options, "smal", owner="test")


def test_a_file_that_is_no_toml_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "broken.toml"
    path.write_text("a = 1\nb = = 2\n")
    with pytest.raises(ConfigError, match=r"broken.toml is not valid TOML: .*line 2"):
        read_toml(path)
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "absent.toml")


@given(
    st.builds(
        Options,
        width=st.integers(1, 10**6),
        lr=st.floats(allow_nan=False, allow_infinity=False),
        betas=st.tuples(st.floats(0, 1), st.floats(0, 1)),
        mode=st.sampled_from(["sum", "mean"]),
        verbose=st.booleans(),
        note=st.none() | st.text(st.characters(blacklist_categories=["Cs"])),
    )
)
def test_a_configuration_survives_toml(config):
    import tomllib

    import tomli_w

    table = tomllib.loads(tomli_w.dumps(without_none(plain(config))))
    assert resolved(Layer("file", table)) == config


@given(st.text(st.characters(codec="ascii"), max_size=20))
def test_any_text_is_a_value(text):
    value = parse_value(text)
    assert not isinstance(value, str) or value == text or text.strip()[0] in "\"'"


def test_values_nested_without_end_are_refused(tmp_path):
    (tmp_path / "deep.toml").write_text("summary = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(ConfigError, match=r"deep.toml cannot be read: its values are nested too deep"):
        read_toml(tmp_path / "deep.toml")
    assert parse_value("[" * 5000 + "]" * 5000).startswith("[[[")


def test_a_number_of_too_many_digits_is_refused(tmp_path):
    (tmp_path / "long.toml").write_text("steps = " + "9" * 5000)
    with pytest.raises(ConfigError, match=r"long.toml is not valid TOML: Exceeds the limit"):
        read_toml(tmp_path / "long.toml")
