"""vgbench plugins."""

from __future__ import annotations

import json

import click


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Show each plugin, what it offers, and what is wrong with those that were dropped."""
    from vgbench.plugins.registry import load_registry

    registry = load_registry()
    catalogues = (registry.generators, registry.datasets, registry.metrics, registry.reports, registry.protocols)
    offers = {
        plugin.name: {catalogue.kind: [entry.short_name for entry in catalogue if entry.plugin == plugin] for catalogue in catalogues}
        for plugin in registry.plugins.loaded
    }
    if as_json:
        loaded = [vars(plugin) | {"offers": offers[plugin.name]} for plugin in registry.plugins.loaded]
        problems = [vars(problem.plugin) | {"problem": problem.message} for problem in registry.plugins.problems]
        click.echo(json.dumps({"plugins": loaded, "problems": problems}, indent=1, ensure_ascii=False))
        return 0
    for plugin in registry.plugins.loaded:
        click.echo(f"{plugin.name}  {plugin.distribution} {plugin.version}")
        for kind, names in offers[plugin.name].items():
            if names:
                click.echo(f"  {kind}: {', '.join(names)}")
    for problem in registry.plugins.problems:
        click.echo(f"Problem: {problem}")
    return 0
