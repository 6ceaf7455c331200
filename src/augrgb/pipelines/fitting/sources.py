"""The first stage of a fit: decode every video once, and find those that cannot be used any more."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from augrgb.core.opening import is_file
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset
from augrgb.features.frame_cache import cache_frames
from augrgb.features.frame_folder import FrameFolder
from augrgb.pipelines.fitting.design import Design
from augrgb.pipelines.fitting.project import Project


@dataclass(frozen=True)
class Lost:
    """What cannot be used.

    Args:
        videos: Id -> why.
        sensors: Id -> modality -> why; the video itself is sound.
    """

    videos: Mapping[str, str] = field(default_factory=dict)
    sensors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def messages(self) -> list[str]:
        """One line for each."""
        lines = [f"{name}: {why}" for name, why in self.videos.items()]
        return lines + [f"{n}: {kind}: {why}" for n, kinds in self.sensors.items() for kind, why in kinds.items()]


def _without_other_rates(place: Path, fps: float) -> None:
    """Frames of an earlier clock are of no use any more."""
    if is_file(place / "frames.json") and FrameFolder(place).settings.fps != fps:
        shutil.rmtree(place)


def cache_sources(
    project: Project,
    dataset: Dataset,
    design: Design,
    sensors: Sequence[str],
    folder: Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Lost:
    """Cache frames, flow and sensors of every video of a design; what fails is left out, not raised.

    A video that lasts longer or shorter than the dataset says is left out too: it was replaced, so its events are of
    another video.

    Raises:
        EnvironmentFault: Disk or memory; what is finished is kept.
    """
    ids, fps = list(design.videos), project.clock.fps
    everything = len(dataset.videos) + 1
    bad: dict[str, str] = {}
    sizes = {project.size: ["rgb", "flow"]} if project.size == project.frames_size else {
        project.size: ["rgb"], project.frames_size: ["flow"],
    }  # fmt: skip
    for size, modalities in sizes.items():
        place = folder / f"{size[0]}x{size[1]}"
        _without_other_rates(place, fps)
        sound = [name for name in ids if name not in bad]
        report = cache_frames(
            dataset, sound, modalities, place, fps=fps, size=size, workers=workers, progress=progress,
            allow_failures=everything,
        )  # fmt: skip
        bad |= {name: str(fault) for name, fault in report.refused}
        frames = FrameFolder(place)
        for name in sound:
            note = frames.note(modalities[0], name) if name not in bad else None
            known_s = dataset.videos[name].known_duration_s
            if note is not None and abs(float(note["duration_s"]) - known_s) > max(0.5, 0.02 * known_s):
                bad[name] = f"lasts {float(note['duration_s']):.1f} s, but {known_s:.1f} s when the dataset was made"
    lost: dict[str, dict[str, str]] = {}
    for kind in sensors:
        having = [n for n in ids if n not in bad and dataset.videos[n].source(kind) is not None]
        place = folder / f"{project.size[0]}x{project.size[1]}"
        done = cache_frames(
            dataset, having, [kind], place, fps=fps, size=project.size, workers=workers, allow_failures=everything
        )
        for name, fault in done.refused:
            lost.setdefault(name, {})[kind] = str(fault)
    return Lost(dict(sorted(bad.items())), dict(sorted(lost.items())))
