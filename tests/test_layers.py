"""Which way modules may depend, read from their imports."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "vgbench"


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def users_of(package: str) -> set[str]:
    return {
        path.relative_to(CORE).parts[0]
        for path in CORE.rglob("*.py")
        if any(name == package or name.startswith(f"{package}.") for name in imports_of(path))
    }


def test_click_and_rich_live_in_the_command_line_alone():
    assert users_of("click") == {"cli", "__main__.py"}
    assert users_of("rich") == {"cli"}


def test_pandas_lives_where_tables_are_made():
    assert users_of("pandas") <= {"store.py", "leaderboard.py", "report"}


def test_only_the_command_line_knows_the_command_line():
    assert users_of("vgbench.cli") <= {"cli", "__main__.py"}


def test_the_lowest_modules_know_nothing_above_them():
    allowed = {
        "errors.py": set(),
        "specs.py": set(),
        "interfaces.py": {"vgbench.errors"},
        "hookspecs.py": {"vgbench.specs", "vgbench.runs"},
        "config.py": {"vgbench.errors"},
        "record.py": {"vgbench.errors", "vgbench.config"},
        "guard.py": {"vgbench.errors"},
    }
    for name, modules in allowed.items():
        used = {".".join(imported.split(".")[:2]) for imported in imports_of(CORE / name) if imported.startswith("vgbench.")}
        assert used <= modules, f"{name} imports {used - modules}"


def test_video_weights_and_metrics_know_only_errors_interfaces_and_specs_and_metrics_the_weights():
    for folder, below in (("video", set()), ("weights", set()), ("metrics", {"vgbench.weights"})):
        for path in (CORE / folder).glob("*.py"):
            used = {".".join(name.split(".")[:2]) for name in imports_of(path) if name.startswith("vgbench.")}
            assert used <= {f"vgbench.{folder}", "vgbench.errors", "vgbench.interfaces", "vgbench.specs", *below}, path


def test_plugins_import_only_public_names():
    for package in ("plugins/mdgan/vgbench_mdgan", "plugins/baselines/vgbench_baselines"):
        for path in (ROOT / package).glob("*.py"):
            inner = {name for name in imports_of(path) if name.startswith("vgbench.")}
            assert not any((CORE / name.split(".")[1]).with_suffix(".py").exists() for name in inner), f"{path}: {inner}"


def test_a_plugin_module_imports_nothing_heavy():
    for path in ROOT.glob("*/*/*/plugin.py"):
        assert not imports_of(path) & {"torch", "numpy", "av"}, path
