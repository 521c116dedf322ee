"""What the tests of the core share: a clean folder, the command line in this process, plugins from static metadata."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from vgbench.__main__ import main
from vgbench.plugins.registry import forget_plugins
from vgbench.runs.records import EvalRecord, RowRecord
from vgbench.runs.run import EvalRun, create_run
from vgbench.runs.scores import ClipScores, ScoreWriter

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"


class Ran(NamedTuple):
    """A command that ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]
InstallPlugin = Callable[..., None]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept between runs is each test's own, not the user's."""
    monkeypatch.setenv("VGBENCH_CACHE", str(tmp_path / "own-cache"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and the current one."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    monkeypatch.delenv("VGBENCH_DATA", raising=False)
    return path


@pytest.fixture
def vgbench(folder: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command line, in an empty folder."""

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        return Ran(status, *capfd.readouterr())

    return run


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstallPlugin]:
    """Put a distribution with a plugin on the path, as an installer would leave it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules_before = set(sys.modules)

    def install(name: str, source: str, *, distribution: str | None = None, module: str | None = None) -> None:
        distribution = distribution or f"vgbench-{name}"
        module = module or f"{distribution.replace('-', '_')}_module"
        (site / f"{module}.py").write_text(source)
        info = site / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[vgbench]\n{name} = {module}\n")
        forget_plugins()

    forget_plugins()
    yield install
    for name in set(sys.modules) - modules_before:
        if name.endswith("_module"):
            del sys.modules[name]
    forget_plugins()


TINY_PROTOCOL = """
summary = "8 frames of 32×32, for tests"

[data]
dataset = "synthetic-sky"
config = { train_sources = 6, validation_sources = 2, test_sources = 5, frames = 16 }

[train]
split = "train"
length = 8
stride = 8

[validation]
split = "validation"
length = 8
stride = 8

[test]
split = "test"
length = 8
stride = 8

[video]
size = [32, 32]

[task]
frames = 8
score_from = 1
"""


@pytest.fixture
def tiny(folder: Path) -> Path:
    """A protocol that trains and scores within a second: 12 training clips, 10 test clips of 5 videos."""
    path = folder / "tiny.toml"
    path.write_text(TINY_PROTOCOL)
    return path


MadeRun = Callable[..., EvalRun]


@pytest.fixture
def made_run(folder: Path) -> MadeRun:
    """A finished evaluation as any program might have written it: for each row, each source's clips, each clip's values by metric.

    Instead of a clip's values there may be a list of them, one for each of its samples."""

    def make(rows: dict[str, list[list[Any]]], **record: Any) -> EvalRun:
        sampled = {
            label: [[clip if isinstance(clip, list) else [clip] for clip in clips] for clips in sources] for label, sources in rows.items()
        }
        metrics = tuple(next(iter(sampled.values()))[0][0][0])
        counts = {label: sum(len(clip) for clips in sources for clip in clips) for label, sources in sampled.items()}
        made = tuple(RowRecord(label=label, generator=f"x/{label}", n_lines=count, parameters=7) for label, count in counts.items())
        whole = {"protocol": {"id": "1", "name": "made", "task.score_from": 1}, "metrics": metrics, "rows": made, "status": "done"}
        run = create_run(EvalRun, folder / "runs", "made", EvalRecord(**whole | record))
        with ScoreWriter(run.path) as writer:
            for label, sources in sampled.items():
                for source, clip in ((source, clip) for source, clips in enumerate(sources) for clip in enumerate(clips)):
                    number, samples = clip
                    for sample, scores in enumerate(samples):
                        name, frames = f"s{source}/{number}", max(map(len, scores.values()))
                        line = ClipScores(name, f"s{source}", sample, label, None, scores, frames, int(number == 0), 0.5 + number)
                        writer.write([line])
        return run

    return make
