"""`augrgb evaluate`: runs, or predictions of anybody, by named protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.option_values import clock_of
from augrgb.core.errors import UsageFault


def evaluate(
    runs: Annotated[list[Path] | None, typer.Argument(help="One run, or several whose scores are fused.")] = None,
    split: Annotated[str | None, typer.Option(help="Split; default: the one it was trained on.")] = None,
    role: Annotated[str, typer.Option(help="Role of the split.")] = "test",
    allow_missing: Annotated[int, typer.Option(min=0, help="Videos that may lack features or predictions.")] = 0,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Protocol (`augrgb list`); may be repeated. Default: the usual ones.")
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Also write the results to this file.")] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", "-p", help="Instead of runs: predictions of any program.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", "-a", help="Their truth: any annotation format, or a dataset.")
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", "-f", help="Format of the annotations; default: look at them.")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Option of that format, such as fps=25 or classes=classes.txt.")
    ] = None,
    subset: Annotated[str | None, typer.Option(help="Only this subset of the annotations, such as test.")] = None,
    clock: Annotated[
        str | None, typer.Option(help="FPS,WINDOW,STRIDE of score arrays; default: spread evenly over each video.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=1e-3, help="Frame rate of PKU-MMD result files; default: the annotations'.")
    ] = None,
    first_class: Annotated[
        int | None, typer.Option(min=0, help="Number of the first class in PKU-MMD result files; default: 1.")
    ] = None,
) -> None:
    """Scores by named protocols, with coverage: of a run, of several fused late, or of prediction files.

    Prediction files: ActivityNet JSON, CSV, a folder of PKU-MMD text; scores (T, K) as a folder of .npy or .npz, one
    .npz with an array per video, or .safetensors of a run.
    """
    from augrgb.cli.tables import evaluation_table, stderr, stdout
    from augrgb.core.files import write_json
    from augrgb.metrics.protocols import find_protocol
    from augrgb.workflows.evaluate import DEFAULT_PROTOCOLS, evaluate_runs, result_to_json

    for name in protocol or []:
        find_protocol(name)
    if bool(runs) == (predictions is not None) or (predictions is None) != (annotations is None):
        problem = "name runs, or --predictions with --annotations"
        raise UsageFault("E-CFG-003", "augrgb evaluate", problem, "augrgb evaluate --help")
    if predictions is not None and annotations is not None:
        from augrgb.annotations.read import parse_options
        from augrgb.workflows.evaluate_files import evaluate_files

        found = evaluate_files(
            predictions,
            annotations,
            format_name=format_name,
            options=parse_options(options or []),
            subset=subset,
            split=split,
            role=role,
            protocols=protocol or (),
            clock=clock_of(clock),
            fps=fps,
            first_class=1 if first_class is None else first_class,
            allow_missing=allow_missing,
        )
        evaluation = found.evaluation
        for note in found.notes:
            stderr().print(note, markup=False, highlight=False, soft_wrap=True)
    else:
        foreign = {
            "--format": format_name,
            "--set": options,
            "--subset": subset,
            "--clock": clock,
            "--fps": fps,
            "--first-class": first_class,
        }
        for option, value in foreign.items():
            if value is not None:
                raise UsageFault("E-CFG-003", option, "belongs to --predictions", "augrgb evaluate --help")
        evaluation = evaluate_runs(
            runs or [], split=split, role=role, protocols=protocol or DEFAULT_PROTOCOLS, allow_missing=allow_missing
        )
    stdout().print(evaluation_table(evaluation))
    if json_out is not None:
        values = {
            "evaluated": list(evaluation.members),
            "on": [evaluation.split, evaluation.role],
            "results": [result_to_json(result) for result in evaluation.results],
        }
        write_json(json_out, values)
        stdout().print(f"Written: {json_out}", markup=False, highlight=False, soft_wrap=True)
