"""What `vgbench explain` says of these generators: method, source, cost, and what a row of it tells."""

from __future__ import annotations

from collections.abc import Mapping

_NO_COST = "none: no parameters, and no arithmetic but copies"
COPY_FIRST: Mapping[str, str] = {
    "method": "the first context frame, wherever the target starts",
    "source": "the ordinary definition",
    "cost": _NO_COST,
    "what it tells": "what standing still scores. On slow videos that is hard to beat by PSNR and SSIM, and it moves nothing",
}

COPY_LAST: Mapping[str, str] = {
    "method": "the last context frame, also where the target covers the context; after one context frame the same clips as copy-first's",
    "source": "the ordinary definition; the persistence forecast of meteorology",
    "cost": _NO_COST,
    "what it tells": "what standing still scores when it begins as late as it can",
}

LINEAR: Mapping[str, str] = {
    "method": "for each pixel the line through its last two context values, read at the target's frame indices, clamped to [0, 1]",
    "source": "the ordinary definition",
    "cost": "one multiply-add a value; no parameters",
    "what it tells": "what a change of brightness that goes on explains; it moves no edge",
}

TRAIN_MEAN: Mapping[str, str] = {
    "method": "the mean of the training clips, frame index by frame index, in float64; of all constant answers the one with the smallest "
    "squared error on them",
    "source": "the ordinary definition",
    "cost": "one pass through the training clips, which is kept; then copies",
    "what it tells": "what the data set's average scores, whatever it is given",
}

NOISE: Mapping[str, str] = {
    "method": "every value uniform in [0, 1), from the clip's own seed",
    "source": "the ordinary definition",
    "cost": "one random number a value; no parameters",
    "what it tells": "what a clip scores that has nothing to do with the reference: the far end of every column",
}

NEAREST: Mapping[str, str] = {
    "method": "the training clip with the smallest squared distance, over all context frames and in 8-bit levels, between its context and "
    "the one given; the first of equal ones. Its frames are shown as they are, from target_start on; the distance is exact",
    "source": "nearest-neighbour regression, without features or alignment",
    "cost": "all training clips in a temporary file: 8 bits a value, 52 GiB for 35,383 clips of 32×128×128 RGB (TMPDIR says where, and "
    "half of what is free there is taken at most); their "
    "contexts in memory: 1.6 GiB of one frame each. Each batch is compared with all of them, which took 2 s "
    "for 10,000 contexts of 10×64×64 on two cores",
    "what it tells": "what remembering alone gives. A trained generator that is not ahead of it may have learned the training clips and "
    "nothing else",
}

FLOW_WARP: Mapping[str, str] = {
    "method": "the flow between the last two context frames, followed back from each pixel of the frame to make, one step a frame; where "
    "that ends the last context frame is read, once and bilinearly, and beyond its border as on it. At the context's own indices its very "
    "frames. After a single context frame: the mean over the training clips of the flow between their first two frames",
    "source": "G. Farnebäck, Two-frame motion estimation based on polynomial expansion, SCIA 2003, as in OpenCV, with the parameters of "
    "flow-epe; backward semi-Lagrangian advection, as nowcasting of rain radars has it",
    "cost": "7 to 10 ms a clip of 64×64 on two cores, and next to no memory; after a single context frame also one flow a training clip",
    "what it tells": "what motion that goes on as it was explains. What leaves the frame, changes its course, appears or fades is beyond "
    "it. The mean flow of clips that move in all directions is next to none: after one context frame it may be little more than copy-first",
}

REAL: Mapping[str, str] = {
    "method": "real: the reference itself, the same for each sample. real:other: for each test clip a training clip, drawn by its seed, "
    "each equally likely and some more than once; never a test clip, since the test clips in another order have a set distance "
    "of exactly 0",
    "source": "the protocol's data",
    "cost": "real: none. real:other: all training clips in a temporary file, 8 bits a value (TMPDIR says where)",
    "what it tells": "real: the perfect value of a metric that has one, and what it gives to real clips if not. real:other: the floor of "
    "distances between sets, and what a paired metric gives to a clip that is real and another one",
    "beware": "distances with the context in front (fvd@i3d-context) see a cut in real:other, between the frames given and another clip's",
}
