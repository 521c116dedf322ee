"""The hooks a plugin may implement; a plural noun asks what a plugin offers, a past participle says what happened.

A hook that returns records collects them: its annotation is the only place that says which. One that returns nothing observes.

Each hook is called for each plugin alone, so that one that raises costs only itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pluggy

from vgbench.specs import DatasetSpec, GeneratorSpec, MetricSpec, ProtocolSpec, ReportSpec, Spec

if TYPE_CHECKING:
    from vgbench.runs.run import Run

hookspec = pluggy.HookspecMarker("vgbench")
hookimpl = pluggy.HookimplMarker("vgbench")


@hookspec
def vgbench_generators() -> Iterable[GeneratorSpec]:  # type: ignore[empty-body]
    """The generators this plugin offers."""


@hookspec
def vgbench_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """The data sets this plugin offers."""


@hookspec
def vgbench_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """The metrics this plugin offers; of several variants of one name the first is what the bare name means."""


@hookspec
def vgbench_reports() -> Iterable[ReportSpec]:  # type: ignore[empty-body]
    """The report formats this plugin offers."""


@hookspec
def vgbench_protocols() -> Iterable[ProtocolSpec]:  # type: ignore[empty-body]
    """The protocols this plugin ships."""


@hookspec
def vgbench_run_started(run: Run) -> None:
    """A run folder was opened, and what it will do is written in `run.path / "run.json"`."""


@hookspec
def vgbench_progressed(run: Run, progress: Mapping[str, Any]) -> None:
    """A step of training or a batch of an evaluation is done; progress holds plain numbers and strings.

    Training: stage, step, steps (of the stage; None where only time limits it), losses (name → float), clips_per_second; at each step
    that the log has, diagnostics (name → float) and lr (a list) as well.  Evaluation: clips, n_clips.
    """


@hookspec
def vgbench_run_finished(run: Run, outcome: str) -> None:
    """The run ended; outcome is "done", "interrupted" or "failed"."""


def _records(hook: Any) -> type[Spec] | None:
    if hook.__annotations__["return"] == "None":
        return None
    (record,) = get_args(get_type_hints(hook)["return"])
    return record  # type: ignore[no-any-return]


HOOKS = {name: _records(value) for name, value in list(globals().items()) if hasattr(value, "vgbench_spec")}
"""Every hook with the class of the records that it collects; None: it observes."""
