"""`augrgb extract`: videos and poses to snippet features, on this machine, a cluster, or as an array job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from augrgb.cli.engine import AddressOption, EngineOption, engine_of
from augrgb.cli.options import DeviceOption, FailuresOption, JsonOption, PartialOption, WorkersOption
from augrgb.core.errors import UsageFault
from augrgb.core.fault_lines import fault_lines

if TYPE_CHECKING:
    from augrgb.features.status import ExtractStatus

_SHOWN = 10


def extract(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    encoder: Annotated[Path, typer.Argument(help="Encoder folder (of `train-encoder` or `import-weights`).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Feature folder to write.")],
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="ENCODER=FOLDER", help="Another encoder and its feature folder, filled in the same pass."),
    ] = None,
    workers: WorkersOption = None,
    allow_failures: FailuresOption = 0,
    retry: Annotated[
        bool, typer.Option("--retry", help="Retry videos that an earlier run refused. Changed ones are always retried.")
    ] = False,
    partial_video: PartialOption = "refuse",
    frames: Annotated[Path | None, typer.Option(help="Folder of cached decoded frames to reuse.")] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="N/M", help="Extract only this part of the videos (`slurm` in an array job).")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Report what is done, refused and left, and stop.")] = False,
    engine: EngineOption = "local",
    address: AddressOption = None,
    device: DeviceOption = "auto",
    memory_mib: Annotated[int | None, typer.Option(min=256, help="Memory limit per video in MiB.")] = None,
    time_factor: Annotated[
        float, typer.Option(min=0.01, help="Time limit per video: 120 s plus this many seconds per second of video.")
    ] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Extract snippet features from videos or poses. Resumes where it stopped; bad videos are listed and left out."""
    from augrgb.annotations.dataset_file import load_dataset
    from augrgb.cli.output import print_json, say
    from augrgb.cli.progress import StageBars
    from augrgb.parallel.shards import parse_shard
    from augrgb.workflows.extract import extract_together

    targets = [(encoder, out), *map(_pair, also or [])]
    part = parse_shard(shard) if shard is not None else None
    chosen = engine_of(engine, workers, address, device=device, memory_mib=memory_mib)
    if status:
        from augrgb.features.status import extraction_status

        found = extraction_status(
            load_dataset(dataset), targets, shard=part, partial=partial_video, device=chosen.device
        )
        if as_json:
            print_json([_status_json(one) for one in found])
            return
        for one in found:
            say(_status_text(one))
        return
    with StageBars() as bars:
        reports = extract_together(
            load_dataset(dataset),
            targets,
            frames_folder=frames,
            engine=chosen,
            shard=part,
            retry=retry,
            partial=partial_video,
            time_factor=time_factor,
            progress=bars.counter("extract"),
            allow_failures=allow_failures,
        )
    if as_json:
        print_json([report.to_json() | {"folder": report.folder} for report in reports])
        return
    for report in reports:
        say(report.summary())


def _pair(text: str) -> tuple[Path, Path]:
    encoder, sign, folder = text.rpartition("=")
    if not (encoder and sign and folder):
        raise UsageFault(
            "E-CFG-004", "--also", f"{text!r} is not ENCODER=FOLDER", "Such as --also runs/flow=feats/flow"
        )
    return Path(encoder), Path(folder)


def _status_text(status: ExtractStatus) -> str:
    lines = [
        f"{status.folder}: {len(status.done)} done, {len(status.refused)} refused, {len(status.left)} left"
        f" ({status.left_s / 3600:.2f} h of video)"
    ]
    refused = fault_lines([fault for _, fault in status.refused], [video_id for video_id, _ in status.refused])
    lines += [f"  refused {line}" for line in refused]
    lines += [f"  left {video_id}" for video_id in status.left[:_SHOWN]]
    if len(status.left) > _SHOWN:
        lines.append(f"  left: and {len(status.left) - _SHOWN} more")
    return "\n".join(lines)


def _status_json(status: ExtractStatus) -> dict[str, Any]:
    return {
        "folder": status.folder,
        "done": list(status.done),
        "refused": {video_id: str(fault) for video_id, fault in status.refused},
        "left": list(status.left),
        "left_s": status.left_s,
    }
