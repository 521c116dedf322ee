"""Published numbers beside a leaderboard, as formats that people read write them: a table of their own, and what to know of it."""

from __future__ import annotations

from collections.abc import Sequence

from vgbench.leaderboard.published import PublishedNumber
from vgbench.leaderboard.table import Leaderboard

TITLE = "Published, not run here: no intervals, not ranked, and compared with no row."


def published_metrics(leaderboard: Leaderboard) -> list[str]:
    """The metrics that there are numbers of, those of the table's own columns first."""
    known = dict.fromkeys(number.metric for number in leaderboard.published)
    own = [spec.id for spec in leaderboard.metrics if spec.id in known]
    return [*own, *(metric for metric in known if metric not in own)]


def published_headings(leaderboard: Leaderboard) -> list[str]:
    """Of the first column, of one for each metric, and of the last two."""
    return ["method", *published_metrics(leaderboard), "epochs", "source"]


def published_rows(leaderboard: Leaderboard) -> list[list[str]]:
    """One for each method, length of training and source; a source is written as its number in `published_lines`."""
    sources = _sources(leaderboard)
    rows: dict[tuple[str, int | None, str], dict[str, str]] = {}
    for number in leaderboard.published:
        rows.setdefault((number.method, number.epochs, number.source), {})[number.metric] = str(number.value)
    return [
        [method, *(values.get(metric, "–") for metric in published_metrics(leaderboard)), _count(epochs), f"[{sources.index(source) + 1}]"]
        for (method, epochs, source), values in rows.items()
    ]


def published_lines(leaderboard: Leaderboard) -> list[str]:
    """What else to know of the numbers, and where they come from."""
    lines = []
    metrics = published_metrics(leaderboard)
    if not {spec.id for spec in leaderboard.metrics} & set(metrics):
        lines.append(_nothing_shared(metrics))
    if _is_over_others(leaderboard):
        lines.append(f"They are over {_clips_text(leaderboard)}, and the table is over {_clips_of(leaderboard):,}.")
    of_source = {number.source: number for number in leaderboard.published}
    for place, source in enumerate(_sources(leaderboard), start=1):
        state = "" if of_source[source].is_checked else "not checked against the source"
        lines.append(f"[{place}] {'; '.join(filter(None, [source, of_source[source].note, state]))}.")
    return lines


def _nothing_shared(metrics: Sequence[str]) -> str:
    known = [metric for metric in metrics if not metric.endswith("@unknown")]
    if known:
        return f"No column of the table is a metric that they are of; --metrics {','.join(known)} evaluates by those."
    names = ", ".join(metric.partition("@")[0] for metric in metrics)
    return f"By which definitions of {names} they were computed is not known, so no column compares with them."


def _is_over_others(leaderboard: Leaderboard) -> bool:
    """Whether the numbers are over another number of test clips than the table."""
    clips = leaderboard.published[0].clips
    samples = int(leaderboard.protocol.get("task.samples", 1))
    return leaderboard.protocol.get("limit") is not None or (clips is not None and _clips_of(leaderboard) not in (clips, clips * samples))


def _clips_of(leaderboard: Leaderboard) -> int:
    return min(score.n_clips for row in leaderboard.rows for score in row.scores.values())


def _clips_text(leaderboard: Leaderboard) -> str:
    clips = leaderboard.published[0].clips
    return "all test clips" if clips is None else f"{clips:,} test clips"


def _sources(leaderboard: Leaderboard) -> list[str]:
    return list(dict.fromkeys(number.source for number in leaderboard.published))


def _count(epochs: int | None) -> str:
    return "not stated" if epochs is None else f"{epochs:,}"


def published_records(numbers: Sequence[PublishedNumber]) -> list[dict[str, object]]:
    """The numbers for a file that holds measured rows too: every name says that they are published."""
    return [{f"published_{key}": value for key, value in number.record().items()} for number in numbers]
