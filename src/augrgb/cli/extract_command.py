"""`augrgb extract`: videos and poses to snippet features, here, on a cluster, or as tasks of an array job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from augrgb.cli.engine_options import AddressOption, EngineOption, engine_of
from augrgb.core.errors import UsageFault

if TYPE_CHECKING:
    from augrgb.features.status import ExtractStatus

_SHOWN = 10


def extract(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    encoder: Annotated[Path, typer.Argument(help="Encoder folder: of train-encoder, or of imported weights.")],
    out: Annotated[Path, typer.Argument(help="Feature folder to write.")],
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="ENCODER=FOLDER", help="Another encoder and its feature folder, in the same pass."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")] = None,
    allow_failures: Annotated[int, typer.Option(min=0, help="Bad videos that may be left out.")] = 0,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try videos again that an earlier run refused; changed ones always are.")
    ] = False,
    partial_video: Annotated[
        Literal["refuse", "keep-prefix"], typer.Option(help="What to do with a video that breaks off.")
    ] = "refuse",
    frames: Annotated[Path | None, typer.Option(help="Cached frames to use where they are at hand.")] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="N/M", help="Only this part of the videos, or `slurm` in an array job.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say what is done, refused and left.")] = False,
    engine: EngineOption = "local",
    address: AddressOption = None,
    device: Annotated[
        str,
        typer.Option(help="Where networks run: auto (GPUs if there are any), cpu, cuda (all of them), cuda:N."),
    ] = "auto",
    memory_mib: Annotated[int | None, typer.Option(min=256, help="Memory that one video may take.")] = None,
    time_factor: Annotated[
        float, typer.Option(min=0.01, help="Seconds that a second of video may take, plus two minutes.")
    ] = 10.0,
) -> None:
    """Videos or poses -> snippet features. Resumes; bad videos are listed and left out."""
    from augrgb.annotations.dataset_file import load_dataset
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import stdout
    from augrgb.parallel.shards import parse_shard
    from augrgb.workflows.extract import extract_together

    targets = [(encoder, out), *map(_pair, also or [])]
    part = parse_shard(shard) if shard is not None else None
    chosen = engine_of(engine, workers, address, device=device, memory_mib=memory_mib)
    if status:
        from augrgb.features.status import extraction_status

        for one in extraction_status(
            load_dataset(dataset), targets, shard=part, partial=partial_video, device=chosen.device
        ):
            stdout().print(_told(one), markup=False, highlight=False, soft_wrap=True)
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
    for report in reports:
        stdout().print(report.summary(), markup=False, highlight=False, soft_wrap=True)


def _pair(text: str) -> tuple[Path, Path]:
    encoder, sign, folder = text.rpartition("=")
    if not (encoder and sign and folder):
        raise UsageFault(
            "E-CFG-003", "--also", f"{text!r} is not ENCODER=FOLDER", "Such as --also runs/flow=feats/flow"
        )
    return Path(encoder), Path(folder)


def _told(status: ExtractStatus) -> str:
    lines = [
        f"{status.folder}: {len(status.done)} done, {len(status.refused)} refused, {len(status.left)} left"
        f" ({status.left_s / 3600:.2f} h of video)"
    ]
    lines += [f"  refused {video_id}: {fault}" for video_id, fault in status.refused]
    lines += [f"  left {video_id}" for video_id in status.left[:_SHOWN]]
    if len(status.left) > _SHOWN:
        lines.append(f"  left: and {len(status.left) - _SHOWN} more")
    return "\n".join(lines)
