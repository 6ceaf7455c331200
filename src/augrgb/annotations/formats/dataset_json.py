"""Our own dataset folders (`dataset.json`) as annotations, so that they can be converted, checked and counted too."""

from __future__ import annotations

from pathlib import Path

from augrgb.annotations.annotation_format import Action, AnnotatedVideo, AnnotationFormat, AnnotationSet, Finding
from augrgb.annotations.dataset_file import check_dataset, save_dataset
from augrgb.annotations.splits import splits_of
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.types import Dataset, VideoRecord

_ACTIONS: dict[str, Action] = {"clipped": "clipped", "dropped": "dropped"}


class DatasetJson(AnnotationFormat):
    """augrgb dataset folder: `dataset.json` with classes, videos, events in seconds and splits. Written without loss.

    Args:
        name_as: Name of the dataset when writing; default: the name of the folder.
    """

    name = "augrgb"
    suffixes = (".json",)

    def __init__(self, *, name_as: str | None = None) -> None:
        self.name_as = name_as

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return (path / "dataset.json").is_file() or (path.name == "dataset.json" and path.is_file())

    def read(self, path: Path) -> AnnotationSet:
        checked = check_dataset(_folder(path))
        videos = {
            video_id: AnnotatedVideo(
                events=record.events,
                duration_s=record.duration_s,
                fps=record.fps,
                subject=record.subject,
                camera=record.camera,
            )
            for video_id, record in checked.dataset.videos.items()
        }
        findings = tuple(
            Finding("E-ANN-011", f"events {repair.kind}", _ACTIONS[repair.kind], repair.video_id, repair.reason)
            for repair in checked.repairs
        )
        return AnnotationSet(checked.dataset.classes, videos, checked.dataset.splits, findings, closed=True)

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        folder = _folder(path)
        faults: list[AugrgbError] = []
        records: dict[str, VideoRecord] = {}
        for video_id, video in annotations.videos.items():
            if video.duration_s is None:
                faults.append(InputRefused("E-ANN-024", video_id, "its duration is not known", "Give --videos."))
                continue
            records[video_id] = VideoRecord(
                video_id=video_id,
                duration_s=video.duration_s,
                events=video.events,
                fps=video.fps,
                subject=video.subject,
                camera=video.camera,
            )
        raise_together(faults)
        name = self.name_as or folder.resolve().name or "dataset"
        dataset = Dataset(name, annotations.classes, records, splits_of(annotations))
        return [save_dataset(dataset, folder)]


def _folder(path: Path) -> Path:
    return path.parent if path.name == "dataset.json" else path
