"""`augrgb compare`: methods x teachers x filters x seeds as one resumable job."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augrgb.cli.engine import AddressOption, EngineOption, engine_of
from augrgb.cli.options import JsonOption, Overrides, RecipeArgument, WorkersOption

if TYPE_CHECKING:
    from augrgb.pipelines.compare import ComparisonOutcome, ComparisonPlan, VariedOutcome


def compare(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write. Default: runs/compare/<name of the recipe>.")
    ] = None,
    shared: Annotated[
        Path | None,
        typer.Option(help="Folder of encoders, features, streams and scores to share between comparisons."),
    ] = None,
    workers: WorkersOption = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and report what is left to do.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train, evaluate and compare methods over several seeds, with paired statistics. Resumes where it stopped."""
    from augrgb.cli.progress import StageBars
    from augrgb.pipelines.compare import compare as run_comparison
    from augrgb.pipelines.compare import compare_varied, plan_comparison
    from augrgb.pipelines.comparison.load import load_comparison
    from augrgb.pipelines.comparison.variance import is_varied, variants

    loaded = load_comparison(recipe, overrides or [])
    folder = out or Path("runs") / "compare" / recipe.stem
    if is_varied(loaded):
        if shared is not None:
            raise typer.BadParameter("worlds and draws of labels share no cells", param_hint="--shared")
        if dry_run:
            first = next(variants(loaded, folder))
            _show_plan(plan_comparison(first.recipe, first.folder), first.folder, as_json=as_json)
            return
        with StageBars() as bars:
            varied = compare_varied(loaded, folder, engine=engine_of(engine, workers, address), on_progress=bars.update)
        _show_varied(varied, as_json=as_json)
        if varied.failures:
            raise typer.Exit(4)
        return
    if dry_run:
        _show_plan(plan_comparison(loaded, folder, shared=shared), folder, as_json=as_json)
        return
    chosen = engine_of(engine, workers, address)
    with StageBars() as bars:
        outcome = run_comparison(loaded, folder, shared=shared, engine=chosen, on_progress=bars.update)
    _show(outcome, as_json=as_json)
    if outcome.failures:
        raise typer.Exit(4)


def _show_varied(outcome: VariedOutcome, *, as_json: bool) -> None:
    from augrgb.cli.output import print_json, say, warn
    from augrgb.pipelines.comparison.variance import varied_json, varied_markdown

    if as_json:
        failures = [f"{one.cell}: {one.reason}" for one in outcome.failures]
        print_json({"folder": outcome.folder, **varied_json(outcome.recipe, outcome.rows), "failures": failures})
        return
    say(varied_markdown(outcome.recipe, outcome.rows).rstrip())
    say(f"Written to {outcome.folder}: variance.json, variance.md, and a comparison in each world-N/labels-N")
    for one in outcome.failures:
        if one.origin == one.cell:
            warn(f"not finished: {one.cell}: {one.reason}")


def _show_plan(plan: ComparisonPlan, folder: Path, *, as_json: bool) -> None:
    from augrgb.cli.output import print_json, say

    counts = {
        "trials": plan.trials,
        "encoders": plan.encoders,
        "streams": plan.streams,
        "evaluations": plan.evaluations,
    }
    if as_json:
        print_json({"folder": folder, **counts, "left": plan.stages()})
        return
    left = ", ".join(f"{count} {stage}" for stage, count in plan.stages().items() if count) or "nothing"
    cells = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name != "trials")
    say(f"{folder}: {cells}; to do: {left}.")


def _show(outcome: ComparisonOutcome, *, as_json: bool) -> None:
    from augrgb.cli.output import print_json, say, stdout, warn
    from augrgb.pipelines.compare import FILES
    from augrgb.report.terminal import comparison_table

    significant: dict[str, list[str]] = {}
    for one in outcome.statistics:
        names = significant.setdefault(f"{one.protocol}, {one.split}", [])
        if one.significant:
            names.append(one.row)
    lost = _failures(outcome)
    if as_json:
        print_json(
            {
                "folder": outcome.folder,
                "files": list(FILES),
                "statistics": [asdict(one) for one in outcome.statistics],
                "significant": significant,
                "failures": lost,
            }
        )
    else:
        stdout().print(comparison_table(outcome.table))
        say("Significantly different from the baseline (5 %, Holm-corrected):")
        for column, rows in significant.items():
            say(f"  {column}: {', '.join(rows) or 'none'}")
        say(f"Written to {outcome.folder}: {', '.join(FILES)}")
    for line in lost:
        warn(line)


def _failures(outcome: ComparisonOutcome) -> list[str]:
    lines = []
    for failure in outcome.failures:
        if failure.origin == failure.cell:
            also = [one.cell for one in outcome.failures if one.origin == failure.cell and one is not failure]
            skipped = f" Skipped because of that: {', '.join(also)}." if also else ""
            lines.append(f"not finished: {failure.cell}: {failure.reason}{skipped}")
    return lines
