"""Which pixels count as moving; apart from the code, so that cards say it without torch."""

from __future__ import annotations

CHANGE = 16
"""8-bit levels: a pixel moves where some channel of it takes values further apart than this during the clip."""
RULE = (
    f"pixels whose reference takes values more than {CHANGE} of 255 levels apart in some channel, over the frames that count; all pixels "
    "where there are none"
)
BEWARE = "the region is the reference's: what a generated clip moves elsewhere does not count; a clip that nowhere moves counts as a whole"
SOURCE = "the region is ours: what stands still is easy, and most of a frame"
