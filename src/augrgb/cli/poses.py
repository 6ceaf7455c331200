"""`augrgb data poses`: recorded skeletons, or videos and a pose network, to pose files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.engine import AddressOption, EngineOption, engine_of
from augrgb.cli.options import FailuresOption, JsonOption, WorkersOption, requires, size_of
from augrgb.core.errors import UsageFault

_BLAZEPOSE = Path("blazepose")


def data_poses(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", help="Skeleton files or videos, or folders.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of pose files to write, named like their sources.")],
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="kinect, utkinect-joints, ntu, lcrnet, lcrnet-npz, coco, mmpose, alphapose, openpose or bvh. "
            "Default: by the content.",
        ),
    ] = "auto",
    fps: Annotated[
        float | None,
        typer.Option(min=0.01, help="Frame rate of files that do not state one. With --model: poses per second."),
    ] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT of the frames behind 2D poses, in pixels.")] = None,
    dimensions: Annotated[int, typer.Option(min=2, max=3, help="2 or 3, for LCR-Net files, which have both.")] = 3,
    frame_ids: Annotated[
        str | None,
        typer.Option(
            help="Frame numbers that begin late or go in steps: video (they count its frames) or listed (the frames "
            "listed follow one another)."
        ),
    ] = None,
    bvh_units: Annotated[str, typer.Option(help="Unit of BVH files: m, cm, mm or inch.")] = "cm",
    person: Annotated[str, typer.Option(help="Main person: energy (moves most), largest or longest.")] = "energy",
    second: Annotated[bool, typer.Option("--second", help="Also write the second person, to OUT/second.")] = False,
    centers: Annotated[bool, typer.Option("--centers", help="Add mid_hip and neck to COCO-like joints.")] = False,
    model: Annotated[
        Path | None,
        typer.Option(help="blazepose, or RTMPose or RTMW3D .onnx, to estimate poses with. SRC are videos then."),
    ] = None,
    model_sha256: Annotated[str | None, typer.Option(help="SHA-256 that the model must have.")] = None,
    detector: Annotated[Path | None, typer.Option(help="YOLOX or RTMDet .onnx. Default: one person per video.")] = None,
    detector_kind: Annotated[str | None, typer.Option(help="yolox or rtmdet. Default: by the file's name.")] = None,
    free_limbs: Annotated[
        bool, typer.Option("--free-limbs", help="blazepose: limbs as the network sees them, not of fixed length.")
    ] = False,
    workers: WorkersOption = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    allow_failures: FailuresOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Make pose files from recorded skeletons, or from videos with a pose network. Resumes where it stopped."""
    from augrgb.cli.output import print_json, say
    from augrgb.cli.progress import StageBars
    from augrgb.poses.batch import PersonChoice
    from augrgb.poses.convert import convert_poses
    from augrgb.poses.estimate import estimate_poses
    from augrgb.poses.networks.blazepose import find_blazepose

    choice = PersonChoice(
        _one_of("--person", person, ("energy", "largest", "longest")),  # type: ignore[arg-type]
        second,
        centers,
    )
    chosen = engine_of(engine, workers, address)
    if model is None:
        networks = {"--model-sha256": model_sha256, "--detector": detector, "--detector-kind": detector_kind}
        for option, value in networks.items():
            requires(option, "--model", value, "Give the pose network's .onnx.")
    if free_limbs and model != _BLAZEPOSE:
        raise UsageFault("E-CFG-013", "--free-limbs", "goes with --model blazepose alone")
    with StageBars() as bars:
        if model is not None:
            if format_name != "auto" or size is not None or frame_ids is not None:
                raise UsageFault("E-CFG-013", "--model", "goes with videos, not with --format, --size or --frame-ids")
            kind = _one_of("--detector-kind", detector_kind, ("yolox", "rtmdet")) if detector_kind else None
            report = estimate_poses(
                sources,
                out,
                find_blazepose() if model == _BLAZEPOSE else model,
                detector=detector,
                detector_kind=kind,  # type: ignore[arg-type]
                model_sha256=model_sha256,
                fps=fps or 15.0,
                fixed_limbs=not free_limbs,
                people=choice,
                engine=chosen,
                progress=bars.counter("poses"),
                allow_failures=allow_failures,
            )
        else:
            report = convert_poses(
                sources,
                out,
                format_name=format_name,
                fps=fps,
                frame_size=size_of(size),
                dimensions=2 if dimensions == 2 else 3,
                frame_ids=_one_of("--frame-ids", frame_ids, ("video", "listed")) if frame_ids else "ask",  # type: ignore[arg-type]
                bvh_units=_one_of("--bvh-units", bvh_units, ("m", "cm", "mm", "inch")),  # type: ignore[arg-type]
                people=choice,
                engine=chosen,
                progress=bars.counter("poses"),
                allow_failures=allow_failures,
            )
    if as_json:
        print_json(report.to_json() | {"folder": report.folder})
    else:
        say(report.summary())


def _one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageFault("E-CFG-002", f"{option} {value}", f"expected one of {', '.join(known)}")
    return value
