"""The options of a generator or data set for people: each with its default, its choices and what it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from vgbench.config import choices_of, option_texts, presets


def options_of(config_class: type) -> Iterator[tuple[str, str]]:
    """For each option `name = default`, with its choices, and a sentence or more on what it does."""
    texts = option_texts(config_class)
    for field in dataclasses.fields(config_class):
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        shown = "(from the protocol)" if default is dataclasses.MISSING else repr(default)
        choices = choices_of(config_class, field.name)
        among = f" (or {', '.join(repr(choice) for choice in choices if choice != default)})" if choices else ""
        yield f"{field.name} = {shown}{among}", texts[field.name]


def preset_lines(config_class: type) -> Iterator[str]:
    """What each preset changes."""
    for name, values in presets(config_class).items():
        yield f"Preset {name}: " + (", ".join(f"{key} = {value!r}" for key, value in values.items()) or "the defaults")
