"""`augrgb evaluate`: runs, or the predictions of any program, by named protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import FormatOption, JsonOption, OnlyOption, SetOption, clock_of
from augrgb.core.errors import UsageFault


def evaluate(
    runs: Annotated[list[Path] | None, typer.Argument(help="A run folder, or several whose scores are fused.")] = None,
    split: Annotated[str | None, typer.Option(help="Split. Default: the one it was trained on.")] = None,
    role: Annotated[str, typer.Option(help="Role of the split.")] = "test",
    allow_missing: Annotated[int, typer.Option(min=0, help="How many videos may lack features or predictions.")] = 0,
    allow_unknown: Annotated[
        int | None, typer.Option(min=0, help="How many detections of unknown videos or classes to leave aside.")
    ] = None,
    allow_outside: Annotated[
        int | None, typer.Option(min=0, help="How many detections may start before or end past their video.")
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="Protocol (`augrgb list protocols`). May be repeated. Default: the usual ones."),
    ] = None,
    events: Annotated[
        bool,
        typer.Option("--events", help="Also count events per class: false alarms, misses, delays. Of one run."),
    ] = False,
    thresholds: Annotated[
        Path | None,
        typer.Option(help="Bundle whose event rules --events uses. Default: the run's own, else the default rule."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the results to this JSON file.")] = None,
    as_json: JsonOption = False,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", "-p", help="Evaluate the predictions of any program instead of runs."),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            "--annotations", "-a", help="Ground truth for --predictions: any annotation format, or a dataset."
        ),
    ] = None,
    format_name: FormatOption = None,
    options: SetOption = None,
    only: OnlyOption = None,
    clock: Annotated[
        str | None,
        typer.Option(help="Clock of score arrays as FPS,WINDOW,STRIDE. Default: spread evenly over each video."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=1e-3, help="Frame rate of PKU-MMD result files. Default: the annotations'.")
    ] = None,
    first_class: Annotated[
        int | None, typer.Option(min=0, help="Number of the first class in PKU-MMD result files. Default: 1.")
    ] = None,
) -> None:
    """Evaluate runs (several are fused late) or prediction files by named protocols, with coverage.

    Prediction files: ActivityNet JSON, CSV, a folder of PKU-MMD text; scores (T, K) as a folder of .npy or .npz, one
    .npz with an array per video, or .safetensors of a run.
    """
    from augrgb.cli.output import print_json, say, stdout, warn
    from augrgb.cli.tables import evaluation_table, event_table
    from augrgb.core.files import write_json
    from augrgb.metrics.protocols import find_protocol
    from augrgb.workflows.evaluate import DEFAULT_PROTOCOLS, evaluate_runs, result_to_json

    for name in protocol or []:
        find_protocol(name)
    if bool(runs) == (predictions is not None) or (predictions is None) != (annotations is None):
        problem = "name runs, or --predictions with --annotations"
        raise UsageFault("E-CFG-014", "augrgb evaluate", problem, "augrgb evaluate --help")
    if events and (runs is None or len(runs) != 1):
        raise UsageFault("E-CFG-015", "--events", "requires exactly one run", "augrgb evaluate --help")
    if thresholds is not None and not events:
        raise UsageFault("E-CFG-015", "--thresholds", "has no effect without --events")
    if predictions is not None and annotations is not None:
        from augrgb.annotations.format_options import parse_options
        from augrgb.workflows.evaluate_files import evaluate_files

        found = evaluate_files(
            predictions,
            annotations,
            format_name=format_name,
            options=parse_options(options or []),
            only=only,
            split=split,
            role=role,
            protocols=protocol or (),
            clock=clock_of(clock),
            fps=fps,
            first_class=1 if first_class is None else first_class,
            allow_missing=allow_missing,
            allow_unknown=allow_unknown or 0,
            allow_outside=allow_outside or 0,
        )
        evaluation = found.evaluation
        for note in found.notes:
            warn(note)
    else:
        only_files = {
            "--format": format_name,
            "--set": options,
            "--only": only,
            "--clock": clock,
            "--fps": fps,
            "--first-class": first_class,
            "--allow-unknown": allow_unknown,
            "--allow-outside": allow_outside,
        }
        for option, value in only_files.items():
            if value is not None:
                raise UsageFault("E-CFG-015", option, "requires --predictions", "augrgb evaluate --help")
        evaluation = evaluate_runs(
            runs or [], split=split, role=role, protocols=protocol or DEFAULT_PROTOCOLS, allow_missing=allow_missing
        )
    counted = None
    if events and runs:
        from augrgb.workflows.evaluate_events import evaluate_events, event_row

        counted = evaluate_events(runs[0], split=split, role=role, thresholds=thresholds, allow_missing=allow_missing)
    values: dict[str, object] = {
        "evaluated": list(evaluation.members),
        "on": [evaluation.split, evaluation.role],
        "results": [result_to_json(result) for result in evaluation.results],
    }
    if counted is not None:
        rows = [event_row(label, one, counted.rules[label]) for label, one in counted.counts.items()]
        values["events"] = {"rules": counted.rules_of, "classes": rows}
    if out is not None:
        write_json(out, values)
    if as_json:
        print_json(values)
        return
    stdout().print(evaluation_table(evaluation))
    if counted is not None:
        stdout().print(event_table(counted))
    for result in evaluation.results:  # again below the long table, where the eye is
        covered = f"{result.videos_scored} of {result.videos_total} videos scored"
        say(f"{' + '.join(evaluation.members)}: {result.protocol} {100 * result.value:.1f} ({covered})")
    if out is not None:
        say(f"Written: {out}")
