"""Datasets, and what lies beside or comes out of them: annotations, detections, cached frames, features."""

from __future__ import annotations

from pathlib import Path

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.dataset_file import check_dataset
from augrgb.core.opening import is_file, is_folder
from augrgb.core.searching import files_in
from augrgb.detection.readers import read_activitynet, read_csv
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.store import open_features
from augrgb.pipelines.fitting.project import PROJECT_FILE
from augrgb.pipelines.info.description import Info, json_object, listed, typed
from augrgb.report.numbers import counted, duration
from augrgb.sensors.files import MODALITIES as SENSORS

DETECTIONS_FILE = "detections.json"


def dataset(path: Path) -> Info:
    """A dataset folder."""
    checked = check_dataset(path)
    known = checked.dataset
    videos = known.videos.values()
    labeled = [video for video in videos if video.events is not None]
    facts = [
        ("dataset", known.name),
        ("videos", f"{len(known.videos)}, {duration(sum(v.known_duration_s for v in videos))}"),
        ("labeled", f"{len(labeled)}, {counted(sum(len(v.events or ()) for v in labeled), 'event')}"),
        ("classes", listed(known.classes)),
    ]
    for name, key in (("poses", "poses"), ("signals", "signal"), ("grids", "grid")):
        count = sum(getattr(video, key) is not None for video in videos)
        facts += [(name, f"{count} of {len(known.videos)} videos")] if count else []
    unknown_s = sum(region.end_s - region.start_s for video in videos for region in video.ignored)
    facts += [("unknown stretches", duration(unknown_s))] if unknown_s else []
    for split, roles in known.splits.items():
        facts.append((f"split {split}", ", ".join(f"{len(ids)} {role}" for role, ids in roles.items() if ids)))
    gone = [video.video_id for video in videos if video.file is not None and not is_file(video.file)]
    faults = [f"{counted(len(gone), 'video file')} absent, such as {gone[0]}"] if gone else []
    faults += [f"{count} {what}" for what, count in checked.counts().items()]
    project = path / PROJECT_FILE
    steps = (
        (f"augrgb fit {typed(project)}",)
        if is_file(project)
        else (f"augrgb data stats {typed(path)}", f"augrgb data check {typed(path)}")
    )
    return Info("dataset", tuple(facts), tuple(faults), steps)


def event_file(path: Path) -> Info:
    """A file of events in any format."""
    name = detect_format(path)
    found = read_annotations(path, format_name=name)
    events = sum(len(video.events or ()) for video in found.videos.values())
    facts = (
        ("format", name),
        ("videos", str(len(found.videos))),
        ("events", str(events)),
        ("classes", listed(found.classes)),
    )
    faults = [str(finding.as_fault()) for finding in found.findings if finding.action == "refused"]
    steps = (f"augrgb data check {typed(path)} --videos VIDEOS", f"augrgb init VIDEOS {typed(path)}")
    return Info("annotations", facts, tuple(faults), steps)


def detections(path: Path) -> Info:
    """A file of detections, or the folder of one."""
    path = path / DETECTIONS_FILE if is_folder(path) else path
    found = read_csv(path) if path.suffix == ".csv" else read_activitynet(path)
    labels = sorted({one.label for one in found.detections})
    videos = sorted({one.video_id for one in found.detections})
    facts = (
        ("detections", str(len(found.detections))),
        ("videos", listed(videos)),
        ("classes", listed(labels)),
    )
    return Info("detections", facts, next=(f"augrgb evaluate --predictions {typed(path)} --dataset DATASET",))


def frames(path: Path) -> Info:
    """A folder of decoded frames, flow, poses and sensors."""
    folder = FrameFolder(path)
    kinds = [kind for kind in ("rgb", "flow", "pose", *SENSORS) if folder.ids(kind)]
    facts = (
        ("frames", f"{folder.settings.size[0]}x{folder.settings.size[1]} at {folder.settings.fps:g} fps"),
        *((kind, counted(len(folder.ids(kind)), "video")) for kind in kinds),
    )
    return Info("cached frames", facts, next=("nothing: training reads it. It may be deleted, and is then made again",))


def features(path: Path) -> Info | None:
    """A folder of `augrgb extract`."""
    store = open_features(path)
    ids = list(store.ids())
    if not ids:
        return None
    facts = [("features", f"{counted(len(ids), 'video')}, {store.dim} channels")]
    faults: list[str] = []
    if is_file(path / "report.json"):
        refused = json_object(path / "report.json", "report").get("refused", ())
        faults = [f"{one['video']}: {one['message']}" for one in refused]
    return Info("features", tuple(facts), tuple(faults), (f"augrgb train RECIPE.yaml data.features.rgb={typed(path)}",))


def npy_features(path: Path) -> Info | None:
    """A folder of features that another program made."""
    files = files_in(path, ".npy")
    if not files:
        return None
    return Info(
        "features of another program (.npy)",
        (("files", str(len(files))),),
        next=(f"in a recipe: data.features.rgb: {{folder: {path}, clock: {{fps: ..., window: ..., stride: ...}}}}",),
    )
