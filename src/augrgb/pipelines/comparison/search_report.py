"""What a search tried and chose, as JSON and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.comparison.search import MethodSearch
from augrgb.pipelines.comparison.search_space import SearchSection
from augrgb.report.data import PlainTable
from augrgb.report.numbers import DASH, percent


def search_json(search: SearchSection, found: Sequence[MethodSearch]) -> dict[str, Any]:
    """Every trial of every method with its scores (fractions; None: it diverged), and what was chosen."""
    return {
        "seeds": search.seeds,
        "protocol": search.protocol,
        "role": search.role,
        "split": search.split,
        "budget": search.budget,
        "methods": {
            one.method: {
                "settings": one.settings,
                "score": one.trials[one.chosen].score if one.chosen is not None else None,
                "grid": one.grid,
                "trials": [
                    {
                        "settings": trial.settings,
                        "score": trial.score,
                        "seeds": {str(seed): value for seed, value in zip(search.seeds, trial.seeds, strict=True)},
                    }
                    for trial in one.trials
                ],
            }
            for one in found
        },
    }


def search_sentence(search: SearchSection) -> str:
    """How settings were chosen."""
    seeds = ", ".join(map(str, search.seeds))
    where = f" of {search.split}" if search.split is not None else ""
    return (
        f"Settings of each method are the best of {search.budget} trials, each with the seeds {seeds} (none of the "
        f"tests), by mean {search.protocol} on the validation videos{where}; teachers are searched before students."
        f"{_climb_sentence(search)}"
    )


def _climb_sentence(search: SearchSection) -> str:
    if search.climb is None:
        return ""
    steps, points = ", ".join(f"{scale:g}" for scale in search.climb.scales), 100 * search.climb.step
    return (
        f" Beyond that budget, the weights of losses are scaled ({steps}) until that costs more than {points:g} points."
    )


def search_tables(recipe: ComparisonRecipe, found: Sequence[MethodSearch]) -> tuple[PlainTable, ...]:
    """What was chosen for each method, and every trial; nothing without a search."""
    if recipe.search is None:
        return ()
    chosen, trials = [], []
    for one in found:
        name = recipe.methods[one.method].name or one.method
        best = one.trials[one.chosen] if one.chosen is not None else None
        said = settings_text(one.settings) if best is not None else "every trial diverged"
        score = percent(best.score) if best is not None and best.score is not None else DASH
        chosen.append((name, said, f"{len(one.trials)} of {one.grid}", score))
        for place, trial in enumerate(one.trials):
            each = ", ".join("diverged" if value is None else percent(value) for value in trial.seeds)
            mean = percent(trial.score) if trial.score is not None else "diverged"
            trials.append((name, settings_text(trial.settings), each, mean, "chosen" if place == one.chosen else ""))
    note = search_sentence(recipe.search)
    return (
        PlainTable("Search: what was chosen", ("Method", "settings", "trials", "validation, %"), tuple(chosen), note),
        PlainTable("Search: every trial", ("Method", "settings", "each seed, %", "validation, %", ""), tuple(trials)),
    )


def settings_text(settings: Mapping[str, Any]) -> str:
    """`train.learning_rate=0.001, scale=3`; the settings as they stand, if none were searched."""
    values = {key: f"{value:g}" if isinstance(value, float) else str(value) for key, value in settings.items()}
    return ", ".join(f"{key}={value}" for key, value in values.items()) or "as they stand"
