"""Which way places may depend, read from their imports; a place is a module or a folder directly in `vgbench/`."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "vgbench"
DISTRIBUTIONS = ("plugins/mdgan/vgbench_mdgan", "plugins/baselines/vgbench_baselines", "plugins/skvideo/vgbench_skvideo")

LAYERS = """
    errors version
    specs config files devices stats
    interfaces video weights
    metrics runs learning
    plugins
    protocol scoring
    data leaderboard
    generation report
    training evaluation audit
    suite
    cli
    __init__ __main__
"""
"""A place imports only from lines above its own. Imports in functions and for type checkers count as well."""

HOMES = {
    "click": {"cli", "__main__"},
    "rich": {"cli"},
    "pluggy": {"plugins"},
    "sqlite3": {"scoring"},
    "lightning_fabric": {"training/host"},
    "numba": {"metrics"},
    "altair": {"audit/plot", "report"},
    "pandas": {"leaderboard", "report"},
    "ray": {"suite/on_ray"},
    "submitit": {"suite/on_slurm"},
}
"""Package → the only places that import it."""

PUBLIC = {"vgbench", "vgbench.video", "vgbench.metrics", "vgbench.learning"}
"""The modules whose names may be relied on from outside."""


def modules(folder: Path) -> dict[str, Path]:
    """Dotted name → file, of a package's folder and all below."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


CORE_MODULES = modules(CORE)


def imports_of(source: str) -> set[str]:
    """What a source text imports: modules of vgbench where a name is one, packages of others by their dotted names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in CORE_MODULES else node.module for name in inner}
    return found


def place_of(module: str) -> str:
    """The module's place in the table."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


LEVELS = {place: level for level, line in enumerate(LAYERS.strip().splitlines()) for place in line.split()}


def upward(module: str, source: str) -> list[str]:
    """The imports of a module of vgbench that do not point to a line above its own."""
    own = place_of(module)
    used = {name for name in imports_of(source) if name == "vgbench" or name.startswith("vgbench.")}
    return sorted(f"{module} imports {name}" for name in used if place_of(name) != own and LEVELS[place_of(name)] >= LEVELS[own])


def test_every_place_stands_in_the_table_and_every_line_of_it_exists():
    places = {path.stem for path in CORE.glob("*.py")} | {path.parent.name for path in CORE.glob("*/__init__.py")}
    assert places == set(LEVELS)


def test_every_folder_is_a_package_that_says_what_goes_in_and_what_comes_out():
    folders = {path.parent for path in CORE.rglob("*.py")}
    for folder in folders:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder


@pytest.mark.parametrize("module", sorted(CORE_MODULES))
def test_places_import_only_from_lines_above_their_own(module):
    assert upward(module, CORE_MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("vgbench.runs.run", "from vgbench.plugins.discovery import load_plugins"),
        ("vgbench.runs.run", "def f():\n    from vgbench.metrics import page"),
        ("vgbench.protocol", "import vgbench.scoring"),
        ("vgbench.training.train", "import vgbench"),
    ],
)
def test_a_planted_import_is_found(module, line):
    assert upward(module, line)


def test_no_folder_holds_a_circle():
    graph = {
        module: {name for name in imports_of(path.read_text()) if name in CORE_MODULES and name != module}
        for module, path in CORE_MODULES.items()
        if module != "vgbench"
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"circle: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("package", sorted(HOMES))
def test_a_package_has_one_home(package):
    for module, path in CORE_MODULES.items():
        if any(name == package or name.startswith(f"{package}.") for name in imports_of(path.read_text())):
            inner = module.removeprefix("vgbench.").replace(".", "/")
            assert any(inner == home or inner.startswith(f"{home}/") for home in HOMES[package]), f"{module} imports {package}"


def callers_of(*names: str) -> set[str]:
    """The modules that call a function or method of one of these names."""
    return {
        module
        for module, path in CORE_MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in names
    }


def test_files_are_renamed_and_flushed_in_one_place():
    assert callers_of("os.replace", "os.rename", "os.fsync") <= {"vgbench.files", "vgbench.data.packs"}


def test_hooks_are_called_by_the_observers_and_the_registry():
    assert callers_of("load_plugins().call", "plugins.call") <= {"vgbench.plugins.observers", "vgbench.plugins.registry"}


def test_a_table_of_results_needs_no_decoder():
    code = (
        "import sys, vgbench.leaderboard.ranking, vgbench.report.json, vgbench.report.markdown, vgbench.report.csv\n"
        "loaded = {name.split('.')[1] for name in sys.modules if name.startswith('vgbench.')}\n"
        "assert not loaded & {'data', 'video', 'generation'}, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    for place in ("leaderboard", "report", "stats"):
        for module, path in CORE_MODULES.items():
            if place_of(module) == place:
                assert not {place_of(name) for name in imports_of(path.read_text()) if name.startswith("vgbench.")} & {
                    "data",
                    "video",
                    "generation",
                }, module


@pytest.mark.parametrize("package", [*DISTRIBUTIONS, "datasets/vgbench_datasets"])
def test_distributions_import_only_public_names(package):
    for path in (ROOT / package).rglob("*.py"):
        used = {name for name in imports_of(path.read_text()) if name == "vgbench" or name.startswith("vgbench.")}
        assert used <= PUBLIC, f"{path} imports {used - PUBLIC}"


HEAVY = {"torch", "numpy", "pandas", "av", "scipy", "PIL", "cv2", "lightning_fabric", "safetensors", "altair", "numba", "ray", "submitit"}


def heavy_imports(source: str) -> set[str]:
    """The heavy packages that a source text imports at its top level."""
    tops = {
        name.split(".")[0]
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    return tops & HEAVY


def light_files() -> list[Path]:
    """The files that `--help`, `list` and `plugins` load: plugin modules, and the cards of metrics."""
    return [
        *ROOT.glob("*/*/*/plugin.py"),
        ROOT / "datasets/vgbench_datasets/plugin.py",
        *CORE.glob("metrics/**/cards.py"),
        CORE / "metrics/catalogue.py",
    ]


@pytest.mark.parametrize("path", light_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_light_files_import_nothing_heavy(path):
    assert not heavy_imports(path.read_text())
    assert heavy_imports("import torch\n" + path.read_text()) == {"torch"}
