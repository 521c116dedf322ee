"""vgbench suite."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vgbench.cli import options
from vgbench.cli.ending import BY_SIGNAL
from vgbench.config import CHECKPOINT_EVERY, parse_settings

if TYPE_CHECKING:
    from vgbench.suite.planning import Setup, Standing, SuitePlan
    from vgbench.suite.worker import Outcome


@click.group("suite")
def command() -> None:
    """Train and score the generators of a suite's file alike, over seeds."""


_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.toml")
_SELECT = click.option("--select", metavar="NAME,…|i/n", help="Members or jobs (NAME/SEED) by name, or the i-th of n parts.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


def _setup_options(function: options.Command) -> options.Command:
    for option in (options.device_option, options.runs_option, options.data_option):
        function = option(function)
    return function


@command.command("plan")
@_FILE
@_SELECT
@_JSON
@_setup_options
def plan(file: Path, select: str | None, as_json: bool, **setup: Any) -> int:
    """Show what of FILE is done, what would run, and how long that takes."""
    return _show(file, select, as_json, setup)


@command.command("status")
@_FILE
@_SELECT
@_JSON
@_setup_options
def status(file: Path, select: str | None, as_json: bool, **setup: Any) -> int:
    """Show how far each job of FILE is, and why one failed."""
    return _show(file, select, as_json, setup, is_status=True)


def _show(file: Path, select: str | None, as_json: bool, setup: dict[str, Any], *, is_status: bool = False) -> int:
    from vgbench.suite.jobs import selected
    from vgbench.suite.planning import plan_suite

    plan = plan_suite(file, _setup(setup))
    standings = plan.standings(selected(plan.jobs, select))
    if as_json:
        click.echo(json.dumps(plan.record(standings), indent=1, ensure_ascii=False))
    else:
        _print(plan, standings, is_status)
    return 1 if any(standing.state in ("failed", "impossible") for standing in standings) else 0


def _setup(given: dict[str, Any]) -> Setup:
    from vgbench.suite.planning import Setup

    return Setup(runs=given["runs"], data=given["data"], device=given["device"])


def _print(plan: SuitePlan, standings: Sequence[Standing], is_status: bool) -> None:
    """A line for each job, then how many are how far, and why some failed."""
    from vgbench.cli.plain_table import aligned
    from vgbench.suite.planning import STATES
    from vgbench.suite.progress import progress_text

    rows = []
    for standing in standings:
        job, budget = standing.job, plan.loaded.budgets[standing.job.member.name]
        of_training = "not trained" if job.seed is None else str(budget or "as its preset says")
        rows.append(
            {
                "job": job.name,
                "generator": job.member.generator + (f", {job.member.preset}" if job.member.preset else ""),
                "training": of_training,
                "state": STATES[standing.state],
                **({"how far": progress_text(standing)} if is_status else {"time": _time(standing)}),
            }
        )
    click.echo(aligned(rows))
    click.echo(_summary(standings))
    for standing in standings:
        if standing.reason:
            click.echo(f"Error: {standing.job.name}: {standing.reason}", err=True)


def _time(standing: Standing) -> str:
    """How long a training takes from here on."""
    if standing.state not in ("train", "resume"):
        return ""
    return "unknown" if standing.seconds is None else _duration(standing.seconds)


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 7200 else f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"


def _summary(standings: Sequence[Standing]) -> str:
    from vgbench.suite.planning import STATES, expected

    counts = {text: sum(standing.state == state for standing in standings) for state, text in STATES.items()}
    parts = [f"{count} {text}" for text, count in counts.items() if count]
    seconds, unknown = expected(standings)
    times = [f"about {_duration(seconds)} of training, one after the other"] if seconds else []
    times += [f"{unknown} of unknown length"] if unknown else []
    return f"{len(standings)} jobs: {', '.join(parts)}." + (f" To do: {'; '.join(times)}." if times else "")


def _number(name: str, least: int, default: int, text: str) -> Callable[[options.Command], options.Command]:
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, metavar="N", help=text)


@command.command("run")
@_FILE
@_SELECT
@click.option("--jobs", "n_jobs", type=click.IntRange(min=1), metavar="N", help="Jobs at a time. Default: here 1, with Slurm all.")
@click.option("--on", "engine", default="local", show_default=True, metavar="local|ray[=HOST:PORT]|slurm", help="Where.")
@_number("--cpus", 1, 1, "On a cluster: CPUs, and threads, of a job.")
@click.option(
    "--gpus", type=click.FloatRange(min=0), default=0, show_default=True, metavar="N", help="On a cluster: GPUs of a job, or 0.5."
)
@click.option("--slurm", multiple=True, metavar="KEY=VALUE", help="With --on slurm: partition, time (minutes), account, …")
@click.option("--retry-failed", is_flag=True, help="Try what failed again; a training goes on from its checkpoint.")
@_number("--checkpoint-every", 0, CHECKPOINT_EVERY, "Training steps; 0: by time.")
@click.option("--format", "format_name", metavar="FORMAT", help="terminal, markdown, csv or json. Default: the one of --out's suffix.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Write a file instead.")
@_setup_options
def run(
    file: Path,
    select: str | None,
    n_jobs: int | None,
    engine: str,
    retry_failed: bool,
    checkpoint_every: int,
    cpus: int,
    gpus: float,
    slurm: tuple[str, ...],
    format_name: str | None,
    as_json: bool,
    out: Path | None,
    **setup: Any,
) -> int:
    """Train and evaluate what of FILE is not done, and print one table over seeds.

    \b
    vgbench suite run baselines.toml
    vgbench suite run baselines.toml --jobs 4 --select mdgan
    vgbench suite run baselines.toml --select 1/2        # the other half elsewhere, on the same --runs
    vgbench suite run baselines.toml --retry-failed -o table.md
    vgbench suite run baselines.toml --on ray=10.0.0.1:6379 --cpus 4 --runs /shared/runs
    """
    from vgbench.cli.suite_table import show_table, suite_form
    from vgbench.suite.jobs import selected
    from vgbench.suite.planning import plan_suite
    from vgbench.suite.running import Request, run_suite
    from vgbench.suite.sending import Resources
    from vgbench.suite.table import build_table

    form = suite_form(format_name, as_json, out)
    plan = plan_suite(file, _setup(setup))
    asked = selected(plan.jobs, select)
    request = Request(
        jobs=asked,
        engine=engine,
        n_jobs=n_jobs,
        retry_failed=retry_failed,
        checkpoint_every=checkpoint_every,
        resources=Resources(cpus=cpus, gpus=gpus),
        slurm=parse_settings(slurm).values,
    )
    try:
        outcomes = run_suite(plan, request, _say)
    except KeyboardInterrupt:
        click.echo("Interrupted. The same command goes on.", err=True)
        return BY_SIGNAL + signal.SIGINT
    table = build_table(plan, plan.standings())
    show_table(table, form)
    return _say_what_is_missing(outcomes, {job.name for job in asked}, table.missing, table.refused)


def _say(text: str) -> None:
    from vgbench.cli.verbosity import say

    say(text)


def _say_what_is_missing(outcomes: Sequence[Outcome], asked: set[str], missing: Mapping[str, str], refused: Mapping[str, str]) -> int:
    """The exit status: 1 where something of what was asked for is missing."""
    reasons = {outcome.job: outcome.reason for outcome in outcomes if outcome.status != "done"}
    reasons |= {job: reason for job, reason in missing.items() if job in asked and job not in reasons}
    submitted = [outcome.job for outcome in outcomes if outcome.status == "submitted"]
    if submitted:
        _say(f"{len(submitted)} jobs were submitted and are not in the table yet; see `vgbench suite status`, and run again for the table.")
        reasons = {job: reason for job, reason in reasons.items() if job not in submitted}
    for job, reason in reasons.items():
        click.echo(f"Error: {job} is not in the table: {reason}", err=True)
    for job in sorted(set(missing) - set(reasons) - set(submitted)):
        _say(f"{job} was not asked for, and is not in the table: {missing[job]}")
    for metric, reason in refused.items():
        click.echo(f"Error: {metric} has no column: {reason}", err=True)
    return 1 if reasons or refused else 0
