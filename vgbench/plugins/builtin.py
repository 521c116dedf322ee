"""What the core itself offers, through the same hooks as any plugin."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.plugins.hookspecs import hookimpl
from vgbench.specs import MetricSpec, ProtocolSpec, ReportSpec

if TYPE_CHECKING:
    from vgbench.runs.run import Run


@hookimpl
def vgbench_metrics() -> Iterable[MetricSpec]:
    from vgbench.metrics.catalogue import metric_specs

    return metric_specs()


@hookimpl
def vgbench_protocols() -> Iterable[ProtocolSpec]:
    for path in sorted((Path(__file__).parents[1] / "protocols").glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        yield ProtocolSpec(name=path.stem, summary=str(table["summary"]), path=path)


@hookimpl
def vgbench_reports() -> Iterable[ReportSpec]:
    return [
        ReportSpec(
            name="markdown", summary="A table for a README or a paper's draft", target="vgbench.report.markdown:render", suffix=".md"
        ),
        ReportSpec(
            name="csv", summary="One line per generator and metric, for a spreadsheet", target="vgbench.report.csv:render", suffix=".csv"
        ),
        ReportSpec(name="latex", summary="A booktabs table for a paper", target="vgbench.report.latex:render", suffix=".tex"),
        ReportSpec(name="html", summary="One page that opens from disk", target="vgbench.report.html.page:render", suffix=".html"),
        ReportSpec(name="json", summary="What `vgbench eval --json` prints", target="vgbench.report.json:render", suffix=".json"),
    ]


@hookimpl
def vgbench_progressed(run: Run, progress: Mapping[str, Any]) -> None:
    from vgbench.plugins.tensorboard import is_installed, write_scalars

    if is_installed():
        write_scalars(run, progress)


@hookimpl
def vgbench_run_finished(run: Run, outcome: str) -> None:
    from vgbench.plugins.tensorboard import close

    close(run)
