"""Who must be finished before whom: teachers of streams, their encoders, and what teaches these encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from augrgb.pipelines.comparison.recipe import ComparisonRecipe


def graph_of(recipe: ComparisonRecipe) -> dict[str, list[str]]:
    """`methods.<key>` and `encoders.<key>` -> those directly needed, whichever trial of a search wins."""
    graph: dict[str, list[str]] = {}
    for key, entry in recipe.encoders.items():
        streams = entry.distill.streams.values() if entry.distill is not None else ()
        graph[f"encoders.{key}"] = [f"encoders.{name}" for name in entry.needs] + [
            f"methods.{name}" for name in streams
        ]
    for key, method in recipe.methods.items():
        encoders = [method.encoder, *recipe.grid(key).get("encoder", [])]
        graph[f"methods.{key}"] = [f"methods.{name}" for name in recipe.teaching(key)]
        graph[f"methods.{key}"] += [f"encoders.{name}" for name in dict.fromkeys(encoders) if name is not None]
    return graph


def reachable(graph: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """All that `start` needs, directly or not; itself only if it stands in a circle."""
    found: set[str] = set()
    open_ends = list(graph.get(start, ()))
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends += graph.get(name, ())
    return found


def ancestors(recipe: ComparisonRecipe, key: str) -> set[str]:
    """Methods that must be finished before a method."""
    return _methods(reachable(graph_of(recipe), f"methods.{key}"))


def rounds(recipe: ComparisonRecipe) -> list[list[str]]:
    """The methods in rounds: each needs only methods of earlier rounds. The recipe has no circles."""
    needs = {key: ancestors(recipe, key) for key in recipe.methods}
    found: list[list[str]] = []
    done: set[str] = set()
    while len(done) < len(needs):
        found.append([key for key, before in needs.items() if key not in done and before <= done])
        done.update(found[-1])
    return found


def _methods(names: set[str]) -> set[str]:
    return {name.removeprefix("methods.") for name in names if name.startswith("methods.")}
