"""What a file or folder of augrgb is, whether it is sound, and what to type next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.dataset_file import check_dataset
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.opening import is_file, is_folder
from augrgb.core.plain_data import read_json, read_yaml
from augrgb.detection.readers import read_activitynet, read_csv
from augrgb.encoders.files import load_encoder
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.store import open_features
from augrgb.inference.bundle import has_encoder
from augrgb.inference.export.folder import EXPORT_FILE, ExportedModel
from augrgb.inference.thresholds import read_thresholds
from augrgb.inference.training_facts import read_training_facts
from augrgb.pipelines.fitting.project import PROJECT_FILE, load_project
from augrgb.poses.files import read_poses
from augrgb.report.numbers import counted, duration, percent
from augrgb.sensors.files import MODALITIES as SENSORS
from augrgb.sensors.files import read_sensor
from augrgb.streams.files import load_stream
from augrgb.training.run.folder import RunFolder
from augrgb.video.folder import find_videos
from augrgb.video.probe import probe


@dataclass(frozen=True)
class Info:
    """What something is.

    Args:
        kind: In a few words.
        facts: (name, value), in order.
        faults: What is wrong with it, as messages with codes.
        next: What to type next, most useful first.
    """

    kind: str
    facts: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()
    next: tuple[str, ...] = field(default=())


def describe_path(path: Path | str) -> Info:
    """Recognize a file or folder by what it holds, and look into it; nothing is changed.

    Raises:
        InputRefused: E-FILE-001, it does not exist; E-FILE-006, it is nothing that augrgb writes or reads.
    """
    path = Path(path)
    if not path.exists():
        raise InputRefused("E-FILE-001", path, "no such file or folder", "Check the path.")
    found = _folder(path) if is_folder(path) else _file(path)
    if found is None:
        what = "folder" if is_folder(path) else "file"
        problem = f"this {what} is nothing that augrgb writes or reads"
        remedy = (
            "Known are projects, datasets, runs, bundles, features, frames, recipes, annotations, detections, poses, "
        )
        remedy += "sensors and videos (docs/index.md)."
        raise InputRefused("E-FILE-006", path, problem, remedy)
    return found


def _folder(path: Path) -> Info | None:
    """The first kind whose mark is there."""
    marks: list[tuple[str, Callable[[Path], Info]]] = [
        (EXPORT_FILE, _export),
        ("run.json", _run),
        ("model.json", _model),
        ("frames.json", _frames),
        ("settings.json", _fit),
        (PROJECT_FILE, _project),
        ("dataset.json", _dataset),
        ("costs.json", _comparison),
        ("results.json", _comparison),
        ("detections.json", lambda folder: _detections(folder / "detections.json")),
    ]
    for mark, describe in marks:
        if is_file(path / mark):
            return _guarded(path, describe)
    for kind in (_features, _npy_features, _videos):
        try:
            found = kind(path)
        except AugrgbError:
            continue
        if found is not None:
            return found
    return None


def _file(path: Path) -> Info | None:
    suffix = path.suffix.lower()
    named: dict[str, Callable[[Path], Info]] = {
        "dataset.json": lambda file: _dataset(file.parent),
        "run.json": lambda file: _run(file.parent),
        "model.json": lambda file: _model(file.parent),
        "thresholds.json": lambda file: _model(file.parent),
        "training.json": lambda file: _model(file.parent),
        EXPORT_FILE: lambda file: _export(file.parent),
        "detections.json": _detections,
        "detections.csv": _detections,
    }
    if path.name in named:
        return _guarded(path, named[path.name])
    if suffix in (".yaml", ".yml"):
        return _guarded(path, _yaml)
    if suffix == ".npz":
        return _npz(path)
    if suffix == ".safetensors":
        return _guarded(path.parent, _model) if is_file(path.parent / "model.json") else None
    for kind in (_annotations, _video):
        try:
            return kind(path)
        except AugrgbError as fault:
            fault_of_video = fault
    return _broken_video(path, fault_of_video)


def _guarded(path: Path, describe: Callable[[Path], Info]) -> Info:
    """A description; what cannot be read is a fault of it, not of the question."""
    try:
        return describe(path)
    except AugrgbError as fault:
        return Info("damaged or unfinished", faults=tuple(str(fault).splitlines()), next=(_explain(fault),))


def _explain(fault: AugrgbError) -> str:
    return f"augrgb explain {fault.code}"


def _project(path: Path) -> Info:
    file = path / PROJECT_FILE if is_folder(path) else path
    project = load_project(file)
    clock = project.clock
    facts = [
        ("split", project.split),
        ("clock", f"a snippet every {clock.stride / clock.fps:.2f} s of {clock.window} frames at {clock.fps:g} fps"),
        ("filter", f"{project.layers} layers"),
        ("encoder", project.encoder),
        ("held out", f"{len(project.folds)} folds" if project.folds else "the split's validation and test videos"),
    ]
    dataset = _guarded(project.dataset, _dataset)
    fit = file.parent / "fit"
    steps = [f"augrgb fit {file}"]
    if is_file(fit / "summary.json"):
        facts.append(("fit", read_json(fit / "summary.json", "summary").get("verdict", "")))
        steps = [f"augrgb detect NEW_VIDEO.mp4 --model {fit / 'bundle'}", f"open {fit / 'report.html'}"]
    elif is_file(fit / "settings.json"):
        facts.append(("fit", "begun, not finished"))
    else:
        steps.insert(0, f"augrgb fit {file} --dry-run")
    return Info("project of augrgb fit", (*facts, *dataset.facts), dataset.faults, tuple(steps))


def _dataset(path: Path) -> Info:
    checked = check_dataset(path)
    dataset = checked.dataset
    videos = dataset.videos.values()
    labeled = [video for video in videos if video.events is not None]
    facts = [
        ("dataset", dataset.name),
        ("videos", f"{len(dataset.videos)}, {duration(sum(v.known_duration_s for v in videos))}"),
        ("labeled", f"{len(labeled)}, {counted(sum(len(v.events or ()) for v in labeled), 'event')}"),
        ("classes", f"{len(dataset.classes)}: {', '.join(dataset.classes[:12])}"),
    ]
    for name, key in (("poses", "poses"), ("signals", "signal"), ("grids", "grid")):
        count = sum(getattr(video, key) is not None for video in videos)
        facts += [(name, f"{count} of {len(dataset.videos)} videos")] if count else []
    unknown_s = sum(region.end_s - region.start_s for video in videos for region in video.ignored)
    facts += [("unknown stretches", duration(unknown_s))] if unknown_s else []
    for split, roles in dataset.splits.items():
        facts.append((f"split {split}", ", ".join(f"{len(ids)} {role}" for role, ids in roles.items() if ids)))
    gone = [video.video_id for video in videos if video.file is not None and not is_file(video.file)]
    faults = [f"{counted(len(gone), 'video file')} absent, such as {gone[0]}"] if gone else []
    faults += [f"{count} {what}" for what, count in checked.counts().items()]
    project = path / PROJECT_FILE
    steps = (
        (f"augrgb fit {project}",) if is_file(project) else (f"augrgb data stats {path}", f"augrgb data check {path}")
    )
    return Info("dataset", tuple(facts), tuple(faults), steps)


def _fit(path: Path) -> Info:
    asked = read_json(path / "settings.json", "settings")
    if not isinstance(asked, dict) or "project" not in asked:
        return Info("folder with settings of something else")
    dataset = str(asked["project"].get("dataset", ""))
    facts = [("dataset", dataset), ("budget", duration(asked["budget_s"]) if asked.get("budget_s") else "none")]
    if not is_file(path / "summary.json"):
        facts += list(_progress(path / "work"))
        return Info("fit, not finished", tuple(facts), next=("the `augrgb fit` that began it continues it",))
    summary = read_json(path / "summary.json", "summary")
    facts += [("result", summary["verdict"]), ("teachers", ", ".join(summary["teachers"]))]
    for part in ("held_out", "test"):
        for name, value in summary[part].get("frame_map", {}).items():
            facts.append((f"{name}, {part.replace('_', ' ')}", f"frame mAP {percent(value)} %"))
    faults = [f"left out: {line}" for line in summary.get("left_out", ())]
    faults += [f"not finished: {line}" for line in summary.get("failures", ())]
    steps = (f"augrgb detect NEW_VIDEO.mp4 --model {path / 'bundle'}", f"open {path / 'report.html'}")
    return Info("finished fit", tuple(facts), tuple(faults), steps)


def _progress(work: Path) -> Iterator[tuple[str, str]]:
    for part in ("encoders", "streams"):
        runs = sorted((work / part).glob("*/run.json"))
        if runs:
            done = sum(is_file(run.parent / "result.json") for run in runs)
            yield part, f"{done} of {len(runs)} begun ones finished"


def _run(path: Path) -> Info:
    folder = RunFolder(path)
    identity, result = folder.identity, folder.result()
    recipe = identity.get("recipe", {})
    kind = "run of an encoder" if "encoder" in recipe else "run of a stream"
    data: Mapping[str, Any] = recipe.get("data", {}) if isinstance(recipe.get("data"), dict) else {}
    facts = [
        ("dataset", str(data.get("dataset", ""))),
        ("split", str(data.get("split", ""))),
        ("seed", str(recipe.get("seed", ""))),
    ]
    steps = recipe.get("train", {}).get("steps", "?")
    command = "train-encoder" if "encoder" in recipe else "train"
    if result is None:
        facts.append(("trained", f"{max(folder.checkpoints.steps(), default=0)} of {steps} steps"))
        return Info(f"{kind}, not finished", tuple(facts), next=(f"the `augrgb {command}` that began it continues it",))
    numbers = ", ".join(f"{name} {percent(value)} %" for name, value in result["validation"].items())
    facts.append(
        ("trained", f"{result['steps']} steps; step {result['kept_step']} kept ({numbers or 'no validation'})")
    )
    model = _model(path)
    steps_next = (f"augrgb evaluate {path}", *model.next) if "encoder" not in recipe else model.next
    return Info(kind, (*facts, *model.facts), model.faults, steps_next)


def _model(path: Path) -> Info:
    values = read_json(path / "model.json", "model")
    if isinstance(values, dict) and values.get("kind") == "encoder":
        loaded = load_encoder(path)
        clock = loaded.settings.clock
        facts = [
            ("encoder", f"{loaded.encoder.name}: {loaded.encoder.modality} -> {loaded.encoder.dim} features"),
            ("clock", f"{clock.window} frames every {clock.stride} at {clock.fps:g} fps"),
            ("frames", f"{loaded.settings.size[0]}x{loaded.settings.size[1]}" if loaded.settings.size else "any"),
            ("checksum", loaded.checksum[:16]),
        ]
        return Info("encoder", tuple(facts), next=(f"augrgb extract DATASET {path} -o FEATURES",))
    stream = load_stream(path)
    settings = stream.settings
    facts = [
        ("stream", f"{settings.filter} on {settings.modality} features of {settings.dim_in} channels"),
        ("classes", f"{len(settings.classes)}: {', '.join(settings.classes[:12])}"),
        ("clock", f"a snippet every {settings.clock.stride / settings.clock.fps:.2f} s"),
    ]
    if not has_encoder(path):
        return Info("stream without its encoder: it scores features, not videos", tuple(facts), next=())
    thresholds, training = read_thresholds(path, settings.classes), read_training_facts(path)
    facts.append(("thresholds", str(thresholds.notes.get("chosen_on", "given")) if thresholds else "the default ones"))
    if training is not None:
        sizes = f"{training.widths[0]}-{training.widths[1]} x {training.heights[0]}-{training.heights[1]} pixels"
        facts.append(("trained on", f"{counted(training.videos, 'video')}, {training.hours:.2f} h, {sizes}"))
    steps = (
        f"augrgb detect VIDEO.mp4 --model {path}",
        f"augrgb watch VIDEO.mp4 --model {path}",
        f"augrgb export {path} -o EXPORTED",
    )
    return Info("bundle", tuple(facts), next=steps)


def _export(path: Path) -> Info:
    model = ExportedModel(path)
    return Info("exported model", model.facts(), next=(f"augrgb detect VIDEO.mp4 --model {path}",))


def _frames(path: Path) -> Info:
    folder = FrameFolder(path)
    kinds = [kind for kind in ("rgb", "flow", "pose", *SENSORS) if folder.ids(kind)]
    facts = (
        ("frames", f"{folder.settings.size[0]}x{folder.settings.size[1]} at {folder.settings.fps:g} fps"),
        *((kind, counted(len(folder.ids(kind)), "video")) for kind in kinds),
    )
    return Info("cached frames", facts, next=("nothing: training reads it. It may be deleted, and is then made again",))


def _features(path: Path) -> Info | None:
    store = open_features(path)
    ids = list(store.ids())
    if not ids:
        return None
    facts = [("features", f"{counted(len(ids), 'video')}, {store.dim} channels")]
    faults: list[str] = []
    if is_file(path / "report.json"):
        report = read_json(path / "report.json", "report")
        faults = [f"{one['video']}: {one['message']}" for one in report.get("refused", ())]
    return Info("features", tuple(facts), tuple(faults), (f"augrgb train RECIPE.yaml data.features.rgb={path}",))


def _npy_features(path: Path) -> Info | None:
    files = sorted(path.glob("*.npy"))
    if not files:
        return None
    return Info(
        "features of another program (.npy)",
        (("files", str(len(files))),),
        next=(f"in a recipe: data.features.rgb: {{folder: {path}, clock: {{fps: ..., window: ..., stride: ...}}}}",),
    )


def _videos(path: Path) -> Info | None:
    found = find_videos(path)
    if not found:
        return None
    faults, seconds = [], 0.0
    for name, file in list(found.items())[:200]:
        try:
            seconds += probe(file).duration_s
        except AugrgbError as fault:
            faults.append(f"{name}: {fault}")
    facts = (("videos", f"{len(found)}, {duration(seconds)}"),)
    return Info("folder of videos", facts, tuple(faults), (f"augrgb init {path} EVENTS.csv",))


def _comparison(path: Path) -> Info:
    facts: list[tuple[str, str]] = [*_progress(path)]
    if is_file(path / "results.json"):
        results = read_json(path / "results.json", "results")
        facts.append(("rows", ", ".join(results.get("rows", {}))))
    steps = (f"open {path / 'report.html'}",) if is_file(path / "report.html") else ()
    return Info("comparison", tuple(facts), next=steps)


def _yaml(path: Path) -> Info:
    from augrgb.pipelines.api import load_recipe

    values = read_yaml(path, "YAML file")
    if not isinstance(values, dict):
        return Info("YAML file that is no recipe")
    if "clock" in values and "dataset" in values and "split" in values:
        return _project(path)
    load_recipe(path)
    if "methods" in values:
        kind, command = "recipe of a comparison", "compare"
    elif "encoder" in values:
        kind, command = "recipe of an encoder", "train-encoder"
    else:
        kind, command = "recipe of a stream", "distill" if values.get("distill") else "train"
    return Info(kind, (("keys", ", ".join(map(str, values))),), next=(f"augrgb {command} {path} --dry-run",))


def _detections(path: Path) -> Info:
    found = read_csv(path) if path.suffix == ".csv" else read_activitynet(path)
    labels = sorted({one.label for one in found.detections})
    videos = sorted({one.video_id for one in found.detections})
    facts = (
        ("detections", str(len(found.detections))),
        ("videos", f"{len(videos)}: {', '.join(videos[:8])}"),
        ("classes", ", ".join(labels[:12])),
    )
    return Info("detections", facts, next=(f"augrgb evaluate --predictions {path} --dataset DATASET",))


def _npz(path: Path) -> Info | None:
    try:
        poses = read_poses(path)
        joints = len(poses.skeleton.names)
        facts = (("poses", f"{len(poses.joints)} rows, {joints} joints, {duration(poses.duration_s)}"),)
        return Info("poses of one video", facts, next=("augrgb init VIDEOS EVENTS --poses FOLDER",))
    except AugrgbError:  # a sensor file, perhaps
        pass
    faults = []
    for kind in SENSORS:
        try:
            found = read_sensor(path, kind)
        except AugrgbError as fault:
            faults.append(str(fault))
            continue
        seconds = len(found.values) / found.fps
        facts = (
            (
                kind,
                f"{len(found.values)} rows of {found.values.shape[1:]}, {found.fps:g} a second, {duration(seconds)}",
            ),
        )
        return Info(f"sensor file ({kind})", facts, next=(f"augrgb init VIDEOS EVENTS --{kind} FOLDER",))
    return Info("npz file that is no poses and no sensor", faults=tuple(faults))


def _annotations(path: Path) -> Info:
    name = detect_format(path)
    found = read_annotations(path, format_name=name)
    events = sum(len(video.events or ()) for video in found.videos.values())
    facts = (
        ("format", name),
        ("videos", str(len(found.videos))),
        ("events", str(events)),
        ("classes", f"{len(found.classes)}: {', '.join(found.classes[:12])}"),
    )
    faults = [str(finding.as_fault()) for finding in found.findings if finding.action == "refused"]
    steps = (f"augrgb data check {path} --videos VIDEOS", f"augrgb init VIDEOS {path}")
    return Info("annotations", facts, tuple(faults), steps)


def _video(path: Path) -> Info:
    info = probe(path)
    facts = (
        ("video", f"{info.width}x{info.height}, {info.fps:.3g} fps, {duration(info.duration_s)}"),
        ("coded", f"{info.codec} in {info.container}" + (", with sound" if info.has_audio else "")),
    )
    return Info("video", facts, next=(f"augrgb detect {path} --model BUNDLE",))


def _broken_video(path: Path, fault: AugrgbError) -> Info | None:
    """A file whose name says video but which cannot be read."""
    if path.suffix.lower() not in (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg"):
        return None
    return Info("video that cannot be read", faults=(str(fault),), next=(_explain(fault),))
