"""What `vgbench explain` says of these generators: method, source, cost, and what a row of it tells."""

from __future__ import annotations

from collections.abc import Mapping

NEAREST: Mapping[str, str] = {
    "method": "the training clip with the smallest squared distance, over all context frames and in 8-bit levels, between its context and "
    "the one given; the first of equal ones. Its frames are shown as they are, from target_start on; the distance is exact",
    "source": "nearest-neighbour regression, without features or alignment",
    "cost": "all training clips in a temporary file: 8 bits a value, 52 GiB for 35,383 clips of 32×128×128 RGB (TMPDIR says where); their "
    "contexts in memory: 1.6 GiB of one frame each. Each batch is compared with all of them, which took 2 s "
    "for 10,000 contexts of 10×64×64 on two cores",
    "what it tells": "what remembering alone gives. A trained generator that is not ahead of it may have learned the training clips and "
    "nothing else",
}
