"""Natural order: numbers inside names count as numbers, so frame_2 comes before frame_10, and 0.08 before 0.1.

Digits count as whole numbers wherever they stand. Names that differ in one number alone, with the same text before and behind it, are
ordered by it as Python prints numbers: with sign, decimals and exponent (`-6`, `0.04`, `1e-05`). Three readings are possible of such names:

- a minus that follows text in every name is a hyphen (`take-1`, `take-2`), one at the very beginning a sign;
- decimals of unequal length, some with an idle 0 at the end, are two whole numbers, as in `1.9`, `1.10`: what prints 1.9 prints no 1.10;
- where two names are the same number (`1` and `01`), digits count as whole numbers again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

_DIGITS = re.compile(r"([0-9]+)")
_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-][0-9]+)?)((?:[^0-9].*)?)", re.DOTALL)
_BEGUN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?$")


def in_order(names: Iterable[str]) -> list[str]:
    """The names in natural order; see the module for what counts as a number.

    >>> in_order(["0.12", "0.1", "-0.02", "0.08"])
    ['-0.02', '0.08', '0.1', '0.12']
    """
    listed = list(names)
    numbers = _numbers(listed)
    return sorted(listed, key=natural_key) if numbers is None else sorted(listed, key=dict(zip(listed, numbers, strict=True)).__getitem__)


def natural_key(name: str) -> tuple[list[tuple[str, int]], str]:
    """A sort key; capitals do not count, and names that differ only in them or in leading zeros are ordered by their characters.

    >>> sorted(["frame_10", "frame_2", "Frame_1"], key=natural_key)
    ['Frame_1', 'frame_2', 'frame_10']
    """
    pieces = _DIGITS.split(name.casefold())
    texts, numbers = pieces[::2], [int(piece) for piece in pieces[1::2]]
    return list(zip(texts, [*numbers, -1], strict=True)), name


def _numbers(names: Sequence[str]) -> list[Decimal] | None:
    """The one number in which the names differ; None where there is no such number, or it says two things."""
    prefix = _BEGUN_NUMBER.sub("", _common_beginning(names))
    prefix = "" if prefix in ("+", "-") else prefix
    matches = [_NUMBER.fullmatch(name, len(prefix)) for name in names]
    texts = [match[1] for match in matches if match is not None]
    tails = {match[2] for match in matches if match is not None}
    numbers = [Decimal(text) for text in texts]
    if len(texts) < len(names) or len(tails) != 1 or len(set(numbers)) < len(names) or _are_parts(texts):
        return None
    return numbers


def _common_beginning(names: Sequence[str]) -> str:
    first, last = min(names, default=""), max(names, default="")
    shared = next((number for number, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:shared]


def _are_parts(texts: Sequence[str]) -> bool:
    """Whether what looks like decimals is two whole numbers: 1.9, 1.10."""
    decimals = [text.partition(".")[2] for text in texts if "e" not in text.lower()]
    return len({len(digits) for digits in decimals if digits}) > 1 and any(len(digits) > 1 and digits.endswith("0") for digits in decimals)
