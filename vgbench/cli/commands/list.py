"""vgbench list."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vgbench.cli import options
from vgbench.cli.plain_table import aligned

Table = list[dict[str, str]]

if TYPE_CHECKING:
    from vgbench.runs.run import Run


@click.command("list")
@click.argument("kind", type=click.Choice(["generators", "datasets", "metrics", "reports", "protocols", "runs"], case_sensitive=False))
@options.runs_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(kind: str, runs: Path, as_json: bool) -> int:
    """List what is installed, or the runs in a folder."""
    makers: dict[str, Callable[[], Table]] = {
        "generators": _generators,
        "datasets": _datasets,
        "metrics": _metrics,
        "reports": _reports,
        "protocols": _protocols,
        "runs": lambda: _runs(runs),
    }
    rows = makers[kind]()
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    if not rows:
        click.echo(f"No {kind}.", err=True)
        return 0
    click.echo(aligned(rows))
    return 0


def _generators() -> Table:
    from vgbench.plugins.registry import load_registry

    generators = load_registry().generators
    return [
        {
            "name": generators.display_name(entry),
            "variants": ", ".join(entry.spec.variants) or "–",
            "trained": "yes" if entry.spec.trainable else "no",
            "context": f"≥ {entry.spec.min_context}",
            "plugin": entry.plugin.name,
            "summary": entry.spec.summary,
        }
        for entry in generators
    ]


def _datasets() -> Table:
    from vgbench.plugins.registry import load_registry

    datasets = load_registry().datasets
    return [
        {
            "name": datasets.display_name(entry),
            "splits": ", ".join(entry.spec.splits) or "as the folder has them",
            "licence": entry.spec.licence or "–",
            "plugin": entry.plugin.name,
            "summary": entry.spec.summary,
        }
        for entry in datasets
    ]


def _metrics() -> Table:
    from vgbench.plugins.registry import load_registry

    metrics = load_registry().metrics
    seen: set[str] = set()
    rows = []
    for entry in metrics:
        is_default = entry.spec.name not in seen
        seen.add(entry.spec.name)
        rows.append(
            {
                "id": metrics.display_name(entry),
                "means": entry.spec.name if is_default else "–",
                "better": entry.spec.better,
                "perfect": "–" if entry.spec.perfect is None else f"{entry.spec.perfect:g}",
                "unit": entry.spec.unit or "–",
                "summary": entry.spec.summary,
            }
        )
    return rows


def _reports() -> Table:
    from vgbench.plugins.registry import load_registry

    reports = load_registry().reports
    return [
        {
            "name": reports.display_name(entry),
            "suffix": entry.spec.suffix,
            "plugin": entry.plugin.name,
            "summary": entry.spec.summary,
        }
        for entry in reports
    ]


def _protocols() -> Table:
    from vgbench.plugins.registry import load_registry

    protocols = load_registry().protocols
    return [{"name": protocols.display_name(entry), "plugin": entry.plugin.name, "summary": entry.spec.summary} for entry in protocols]


def _runs(folder: Path) -> Table:
    from vgbench.runs.run import Run, find_runs

    return [
        {
            "name": run.name,
            "verb": run.record.verb,
            "status": run.record.status,
            "protocol": str(run.record.protocol.get("name", "–")),
            **_facts(run),
        }
        for run in find_runs(folder, Run)
    ]


def _facts(run: Run) -> dict[str, str]:
    """What tells one run from another: of a training its seed, preset and changed options, of an evaluation its
    rows and metrics; and the best score of either."""
    from vgbench.runs.run import EvalRun, TrainRun

    steps = seconds = score = "–"
    what = ""
    if isinstance(run, TrainRun):
        record = run.record
        steps = str(record.step or "–")
        seconds = f"{sum(map(float, record.elapsed.values())):.0f}" if record.elapsed else "–"
        config = record.config or {}
        changed = [f"{key}={config.get(key)}" for key, origin in record.config_origins.items() if _is_users(str(origin))]
        if record.best:
            stage, best = list(record.best.items())[-1]
            score = f"{stage} {record.select_by} {best.value:.4g} (validation)"
        what = ", ".join([f"seed {record.seed}", *([record.preset] if record.preset else []), *changed])
    elif isinstance(run, EvalRun):
        score = run.record.headline or "–"
        what = f"{', '.join(row.label for row in run.record.rows) or 'no row'}: {', '.join(run.record.metrics)}"
    return {"steps": steps, "seconds": seconds, "best": score, "what": what}


def _is_users(origin: str) -> bool:
    """Whether a configuration value came from the user, and not from a default, a preset or the protocol."""
    return origin != "default" and not origin.startswith(("preset ", "protocol "))
