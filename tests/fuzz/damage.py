"""What can happen to a file: it is cut, bits turn over, stretches are lost, doubled or overwritten, words are exchanged."""

from __future__ import annotations

import random
from typing import NamedTuple

KINDS = ("cut", "bits", "zeros", "noise", "lost", "doubled", "word")
WORDS = (
    *(b"-1", b"0", b"1e999", b"NaN", b"999999999999999999999", b"null", b"true", b'""', b"[" * 300, b"{}", b"=", b"\n", b"\x00", b"\xff"),
    *(b"../../x", b"__class__", b"\xf0\x9f\x8e\xac", b"\x1b[2J", b"inf", b'"a" = 1', b"[[x]]"),
)


class Damage(NamedTuple):
    """One damage, as plain numbers, so that it can be written down and done again."""

    kind: str
    place: float
    """Where, as a share of the file; from 0 to below 1."""
    length: int
    """How many bytes or bits."""
    seed: int

    def done_to(self, data: bytes) -> bytes:
        """The bytes of a file after it."""
        start = int(self.place * len(data))
        rng = random.Random(self.seed)
        before, hit, after = data[:start], data[start : start + self.length], data[start + self.length :]
        if self.kind == "cut":
            return before
        if self.kind == "bits":
            changed = bytearray(data)
            for _ in range(min(self.length, 16)):
                changed[min(len(data) - 1, start + rng.randrange(64))] ^= 1 << rng.randrange(8)
            return bytes(changed)
        if self.kind == "word":
            end = start + rng.randrange(12)
            return before + rng.choice(WORDS) + data[end:]
        replaced = {"zeros": bytes(len(hit)), "noise": rng.randbytes(len(hit)), "lost": b"", "doubled": hit + hit}[self.kind]
        return before + replaced + after


def drawn(rng: random.Random) -> Damage:
    """A damage at random: heads and tails of files, where their tables are, are hit more often."""
    place = rng.random()
    if rng.random() < 0.5:
        place = place**4 if rng.random() < 0.7 else 1 - place**4
    return Damage(rng.choice(KINDS), min(place, 1 - 2**-53), rng.choice((1, 2, 4, 16, 64, 1024)), rng.randrange(2**32))
