"""`augrgb compare`: methods x teachers x filters x seeds as one resumable job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augrgb.cli.engine_options import AddressOption, EngineOption, engine_of

if TYPE_CHECKING:
    from augrgb.pipelines.compare import ComparisonOutcome, ComparisonPlan


def compare(
    recipe: Annotated[
        Path,
        typer.Argument(help="A file, or a built-in comparison such as ablation (`augrgb recipes list`)."),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Overrides such as seeds=5 or methods.three.losses.hint.weight=1.", metavar="[KEY=VALUE]..."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Its folder; default: runs/compare/<name of the recipe>.")
    ] = None,
    shared: Annotated[
        Path | None,
        typer.Option(help="Folder of encoders, features, streams and scores that comparisons share; default: its own."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")] = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and say what is left to do.")] = False,
) -> None:
    """Train, evaluate and compare methods over seeds. Finished cells are never redone; a killed job goes on."""
    from augrgb.cli.progress import StageBars
    from augrgb.pipelines.compare import compare as run_comparison
    from augrgb.pipelines.compare import plan_comparison
    from augrgb.pipelines.comparison.load import load_comparison

    loaded = load_comparison(recipe, overrides or [])
    folder = out or Path("runs") / "compare" / recipe.stem
    if dry_run:
        _show_plan(plan_comparison(loaded, folder, shared=shared), folder)
        return
    chosen = engine_of(engine, workers, address)
    with StageBars() as bars:
        outcome = run_comparison(loaded, folder, shared=shared, engine=chosen, on_progress=bars.update)
    _show(outcome)
    if outcome.failures:
        raise typer.Exit(4)


def _show_plan(plan: ComparisonPlan, folder: Path) -> None:
    from augrgb.cli.tables import stdout

    left = ", ".join(f"{count} {stage}" for stage, count in plan.stages().items() if count) or "nothing"
    trials = f"{plan.trials} trials, " if plan.trials else ""
    cells = f"{trials}{plan.encoders} encoders, {plan.streams} streams, {plan.evaluations} evaluations"
    stdout().print(
        f"{folder}: {cells}; to do: {left}.",
        highlight=False,
        soft_wrap=True,
    )


def _show(outcome: ComparisonOutcome) -> None:
    from augrgb.cli.tables import stderr, stdout
    from augrgb.pipelines.compare import FILES
    from augrgb.report.terminal import comparison_table

    stdout().print(comparison_table(outcome.table))
    decided: dict[str, list[str]] = {}
    for one in outcome.statistics:
        names = decided.setdefault(f"{one.protocol}, {one.split}", [])
        if one.decided:
            names.append(one.row)
    stdout().print("Told from zero at 5 % after Holm's correction:", markup=False, highlight=False)
    for column, rows in decided.items():
        stdout().print(f"  {column}: {', '.join(rows) or 'none'}", markup=False, highlight=False, soft_wrap=True)
    stdout().print(f"Written to {outcome.folder}: {', '.join(FILES)}", markup=False, highlight=False, soft_wrap=True)
    for failure in outcome.failures:
        if failure.origin == failure.cell:
            lost = [one.cell for one in outcome.failures if one.origin == failure.cell and one is not failure]
            told = f"not finished: {failure.cell}: {failure.reason}"
            told += f" So neither: {', '.join(lost)}." if lost else ""
            stderr().print(told, markup=False, highlight=False, soft_wrap=True)
