"""Evaluating: every row of a table on every test clip of a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vgbench.config import DEFAULT_BATCH, DEFAULT_METRICS, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS, check_counts
from vgbench.data.clips import Clip, stacked
from vgbench.data.inspection.findings import known_findings
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import choose_device
from vgbench.errors import ConfigError
from vgbench.evaluation.evaluation import Evaluation, Part, real_frames
from vgbench.evaluation.opening import open_run
from vgbench.generation.given import GivenClips
from vgbench.generation.resized import Resizing
from vgbench.generation.rows import Row, null_rows, resolve_rows
from vgbench.leaderboard.headline import headline
from vgbench.plugins.isolation import changes_of
from vgbench.plugins.observers import Observer, closing_run
from vgbench.plugins.telling import with_hooks
from vgbench.protocol import Protocol, as_protocol
from vgbench.runs.checksums import seal
from vgbench.runs.records import EvalRecord
from vgbench.runs.run import EvalRun
from vgbench.scoring.kept import Kept
from vgbench.scoring.lookup import choose_metrics
from vgbench.scoring.scorer import make_scorers


def evaluate(
    generators: Sequence[str] | None = None,
    *,
    given: Mapping[str, str | Path] | None = None,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    metrics: Sequence[str] = DEFAULT_METRICS,
    data: Mapping[str, Path] | None = None,
    null: Sequence[str] = (),
    limit: int | None = None,
    runs: Path = DEFAULT_RUNS,
    device: str = "auto",
    batch_size: int = DEFAULT_BATCH,
    workers: int = DEFAULT_WORKERS,
    layout: str | None = None,
    resizing: Resizing | None = None,
    resume: str | None = None,
    fresh: bool = False,
    kept: Kept | None = None,
    part: Part | None = None,
    observer: Observer | None = None,
) -> EvalRun:
    """Score generators on a protocol's test clips; returns the run, whose leaderboard `build_leaderboard([run])` gives.

    generators: rows, `[label=]generator[:variant][@RUN-or-file]`; None: everything installed that fits.
    given: clips that any program made for the test clips, by the label of their row: a folder in which each has its test clip's id as its
    name (with several samples in sample-0, sample-1, …), or an array in the order of the test clips, whose axes `layout` names.
    resizing: how given clips of another size are brought to the protocol's; None: they are refused.
    null: labels of rows that are scored once more, drawn with other seeds: what differs between such two means nothing.
    limit: only the first so many clips, under another protocol id.  resume: an interrupted run to finish, or "latest".
    fresh: compute what earlier evaluations have kept as well (`vgbench.scoring.score_store`), and keep it anew.
    kept: where that is kept, and whether it is looked at; None: in the cache, as `fresh` says.
    part: score only some of the batches, so that others may score the rest; what is kept of all parts makes the whole, and the run that
    is returned is none to report.

    A generator that fails, or a named one that has no run, costs only its own row: the others are scored, and the failure stands in
    `run.record.failures`. A metric that cannot take the clips costs only its column; see `run.record.refused`.

    VgbenchError: a name, the data or the run folder; if every generator fails, the first failure.
    """
    observer = with_hooks(observer)
    entries = choose_metrics(metrics)
    chosen = as_protocol(protocol).limited(limit)
    check_counts(batch_size=batch_size)
    runs = Path(runs)
    resolution = resolve_rows(generators, chosen, runs)
    resolution.rows.extend(null_rows(null, resolution.rows))
    torch_device = choose_device(device)
    opened = ProtocolData(chosen, data or {})
    clips = opened.clips("test")
    first = real_frames(chosen.task, stacked(clips[:1], opened.read).to(torch_device))
    scorers, refused = make_scorers(entries).fitting(first, observer.note)
    entries = [entry for entry in entries if entry.short_name not in refused]
    sources = _given_sources(given or {}, clips, opened, resolution.rows, layout, resizing, workers)
    asked = [*(_identity(row) for row in resolution.rows), *({"label": one.label, **one.asked()} for one in sources)]
    names = tuple(entry.short_name for entry in entries)
    run = open_run(resume, runs, chosen.name, EvalRecord(protocol=opened.identity, metrics=names, asked=tuple(asked), rows=()))
    run.record = replace(run.record, device=str(torch_device), batch_size=batch_size, weights=scorers.clips.weights())
    run.record = replace(run.record, failures=resolution.failures, refused=refused)
    kept, is_named = kept or Kept(fresh=fresh), generators is not None
    evaluation = Evaluation(opened, clips, scorers, torch_device, batch_size, workers, run, observer, is_named, kept, part)
    with closing_run(run, observer):
        of_given = [note for source in sources for note in source.notes]
        for note in [*_subset_note(chosen), *resolution.notes, *of_given, *known_findings(opened)]:
            run.warn(note)
            observer.note(note)
        evaluation.score(resolution.rows, sources)
        plugins = [*(row.entry.plugin for row in resolution.rows), *(entry.plugin for entry in entries)]
        for text in changes_of(plugins):
            run.warn(text)
        if part is None:
            seal(run)
            run.record = replace(run.record, headline=headline(run))
    return run


def _subset_note(protocol: Protocol) -> list[str]:
    if protocol.limit is None:
        return []
    return [f"A trial on the first {protocol.limit} test clips: its id is its own, and its numbers do not compare with those of all clips."]


def _given_sources(
    given: Mapping[str, str | Path],
    clips: Sequence[Clip],
    data: ProtocolData,
    rows: Sequence[Row],
    layout: str | None,
    resizing: Resizing | None,
    workers: int,
) -> list[GivenClips]:
    """The rows of given clips.  ConfigError: two rows of one label.  PairingError: clips are missing or do not fit."""
    taken = {row.label for row in rows} & set(given)
    if taken:
        raise ConfigError(f"Two rows are called '{min(taken)}'; give one a label of its own: NAME={given[min(taken)]}.")
    return [
        GivenClips(label, path, clips, data.protocol, data.identity, layout=layout, resizing=resizing, workers=workers)
        for label, path in given.items()
    ]


def _identity(row: Row) -> dict[str, Any]:
    """What a resumed evaluation must have in common with the one it resumes."""
    return {"label": row.label, "row": str(row), "checkpoint": str(row.choice.checkpoint) if row.choice else None}
