"""What a program that is no plugin needs to make clips for a protocol: each test clip's context frames, and a list of what is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vgbench.config import DEFAULT_PROTOCOL, DEFAULT_WORKERS
from vgbench.data.loader import read_ahead
from vgbench.data.protocol_data import ProtocolData
from vgbench.files import OUT_ADVICE, write_text
from vgbench.generation.boundary import clip_seed
from vgbench.generation.generate import DEFAULT_FPS, check_empty
from vgbench.plugins.observers import Observer
from vgbench.plugins.telling import Telling
from vgbench.protocol import Protocol, as_protocol

LIST = "contexts.json"
FORMAT = 1


def write_contexts(
    out: Path,
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    data: Mapping[str, Path] | None = None,
    limit: int | None = None,
    workers: int = DEFAULT_WORKERS,
    observer: Observer | None = None,
) -> int:
    """Write each test clip's context frames as `<out>/<clip id>/0000.png`, …, and `<out>/contexts.json`; returns how many clips there are.

    The list has for all clips: `context`, the number of frames given; `frames`, how many to make; `target_start`, the frame of the clip,
    from 0, that the first of them stands for; `score_from`, the first of them that counts; `samples`, how many clips to make for each;
    `size`, height and width; `channels`. And for each clip: `id`, `source`, `fps`, and `seeds`, one a sample, for programs that draw.

    DataError: the folder holds something already, or the protocol's data cannot be read.
    """
    from vgbench.video.encode import write_pictures

    observer = observer or Telling()
    chosen, out = as_protocol(protocol).limited(limit), Path(out)
    check_empty(out)
    opened = ProtocolData(chosen, data or {})
    clips, task = opened.clips("test"), chosen.task
    fps = opened.rates("test")
    read = read_ahead(clips, opened.read, workers=workers, ahead=2 * workers)
    for done, (clip, frames) in enumerate(zip(clips, read, strict=True), start=1):
        write_pictures(out / clip.clip_id, frames[: task.context])
        observer.advanced("clips", done, len(clips))
    table: dict[str, Any] = {
        "format": FORMAT,
        "protocol": opened.identity,
        "context": task.context,
        "frames": task.frames,
        "target_start": task.target_start,
        "score_from": task.score_from,
        "samples": task.samples,
        "size": list(chosen.video.size),
        "channels": chosen.video.channels,
        "clips": [
            {
                "id": clip.clip_id,
                "source": clip.source_id,
                "fps": fps[clip.source_id] or DEFAULT_FPS,
                "seeds": [clip_seed(task.seed, clip.clip_id, sample) for sample in range(task.samples)],
            }
            for clip in clips
        ],
    }
    write_text(out / LIST, json.dumps(table, indent=1, ensure_ascii=False) + "\n", advice=OUT_ADVICE)
    return len(clips)
