"""A folder of videos and annotations of any format -> a dataset folder with first recipes, ready for training."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.annotations.findings import Finding
from augrgb.annotations.folds import RANDOM_SPLIT
from augrgb.annotations.formats import DatasetJson
from augrgb.annotations.read import Judged, Source, flat, read_and_judge
from augrgb.annotations.repair_log import write_repairs
from augrgb.annotations.shared_units import hold_out, shared_units, with_scenes
from augrgb.annotations.splits import splits_of
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.opening import is_file, resolved
from augrgb.core.progress import Progress
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.report.numbers import counted
from augrgb.sensors.files import MODALITIES
from augrgb.workflows.init_recipe import write_recipes
from augrgb.workflows.own_files import check_places, with_own_files
from augrgb.workflows.sensors_beside import with_fitting

_DRAWN = ("train", "val", "test")


class _Drawn(NamedTuple):
    """Kept and held-out videos; what these share with no other: `scene`, `person`, `camera` or only `video`; and why.

    `why` says what kept something better from being held out, ending in `; `; empty if nothing is known of that.
    """

    kept: list[str]
    held: list[str]
    by: str
    why: str


@dataclass(frozen=True)
class InitReport:
    """The dataset, everything that was found, the videos that were refused, and what was written."""

    dataset: Dataset
    findings: tuple[Finding, ...]
    faults: tuple[AugrgbError, ...]
    files: tuple[Path, ...]
    reasons: tuple[str, ...]
    repairs: Path | None

    @property
    def refused(self) -> tuple[str, ...]:
        """The messages about the videos that were refused."""
        return tuple(map(str, self.faults))

    @property
    def clipped(self) -> int:
        """Events that were cut to their video."""
        return sum(finding.action == "clipped" for finding in self.findings)

    @property
    def dropped(self) -> int:
        """Events that were left out."""
        return sum(finding.action == "dropped" for finding in self.findings)


def init_dataset(
    videos: Path,
    annotations: Path | Source,
    out: Path,
    *,
    val_share: float = 0.15,
    test_share: float = 0.15,
    seed: int = 0,
    poses: Path | None = None,
    signal: Path | None = None,
    grid: Path | None = None,
    only_if_fit: Collection[str] = (),
    role_of: Mapping[str, str] | None = None,
    scene: str | None = None,
    new_split: bool = False,
    background: Path | None = None,
    allow_missing: int = 0,
    progress: Progress | None = None,
) -> InitReport:
    """Write `out/dataset.json`, `recipe.yaml`, `encoder.yaml`, and `repairs.jsonl` when an event had to be changed.

    Videos that the annotations never name become unlabelled ones. Official splits and subsets of the annotations are
    kept; where they have no validation videos, some training videos become them. Without any split, labelled videos are
    split at random. Whole scenes, people or cameras are held out where they are known. Originals are not copied or
    changed: `out` must be `videos` or a folder above it.

    Args:
        annotations: A path, or a `Source` with format, options, class map and subset.
        role_of: Roles of subsets with unusual names, such as `{"fold1": "train"}`.
        poses, signal, grid: Folders of pose and sensor files named like the videos; some videos may have none.
        only_if_fit: Which of these three are left out, with a sentence, if a file does not fit its video.
        scene: A regular expression that finds the scene in a video's name, such as `_(\\d+)_`.
        background: Folder, among the videos, of videos in which nothing happens: reviewed as empty, not unlabelled.
        new_split: Draw splits again, although an earlier `init` of this folder drew them.
        allow_missing: Annotated videos that may be absent from the folder.

    Raises:
        InputRefused, FaultList: Everything that `data check` refuses, together.
        UsageFault: Shares or folders that make no sense.
    """
    if not 0 < val_share < 1 or not 0 < test_share < 1 or val_share + test_share >= 1:
        raise UsageFault("E-CFG-003", "--val / --test", "shares must be above 0 and leave something to train on")
    places = {"poses": poses, "signal": signal, "grid": grid}
    check_places(places)
    root = resolved(out)
    if not resolved(videos).is_relative_to(root):
        raise UsageFault("E-CFG-042", out, f"the dataset folder must be {videos} or a folder above it")
    for key, place in places.items():
        if place is not None and not resolved(place).is_relative_to(root):
            problem = f"the {key} files lie outside the dataset folder {out}"
            raise UsageFault("E-CFG-042", place, problem, "Name a folder above them and the videos: -o FOLDER.")
    if background is not None and not resolved(background).is_relative_to(resolved(videos)):
        problem = f"the background videos lie outside the folder of videos {videos}"
        raise UsageFault("E-CFG-042", background, problem, "Move them there, or name a folder above both.")
    source = annotations if isinstance(annotations, Source) else Source(annotations)
    source = replace(source, videos=videos, sensors=tuple(place for place in places.values() if place is not None))
    judged = _accepted(read_and_judge(source, progress), allow_missing)
    records = _records(judged, {key: place for key, place in places.items() if key not in only_if_fit})
    records, unused = with_fitting(records, {key: places[key] for key in only_if_fit})
    if scene is not None:
        records = with_scenes(records, scene)
    records, empty, said = _with_background(records, background)
    splits, drawn = _splits(judged.annotations, records, role_of, val_share, test_share, seed, empty=empty)
    splits, kept = (splits, []) if new_split else _as_before(splits, records, root)
    used = {event.label for record in records.values() for event in record.events or ()}
    classes = tuple(c for c in judged.annotations.classes if c in used or judged.annotations.closed)
    dataset = Dataset(os.path.basename(root) or "dataset", classes, records, splits)
    path = save_dataset(dataset, out)
    recipes, reasons = write_recipes(dataset, next(iter(splits)), out)
    reasons = [*unused, *said, *(kept or drawn), *reasons]
    faults = tuple(judged.videos.refused.values()) if judged.videos is not None else ()
    log = write_repairs(judged.findings, out)
    return InitReport(dataset, judged.findings, faults, (path, *recipes), tuple(reasons), log)


def _accepted(judged: Judged, allow_missing: int) -> Judged:
    """The judged annotations, when the only refused findings are bad videos (left out) and allowed missing ones."""
    missing = [finding for finding in judged.findings if finding.code == "E-ID-004" and finding.action == "refused"]
    excused = set(map(id, missing)) if len(missing) <= allow_missing else set()
    left = tuple(f for f in judged.findings if id(f) not in excused and f.kind != "video cannot be used")
    replace(judged, findings=left).refuse()
    return judged


def _records(judged: Judged, own_files: Mapping[str, Path | None]) -> dict[str, VideoRecord]:
    records: dict[str, VideoRecord] = {}
    folder = judged.videos
    if folder is None:
        raise UsageFault("E-CFG-014", "videos", "a folder of videos is needed")
    for video_id, info in folder.infos.items():
        video = judged.annotations.videos.get(video_id, VideoRecord(video_id))
        records[video_id] = replace(
            video,
            duration_s=info.duration_s,
            file=resolved(folder.files[video_id]),
            events=None if video.events is None else tuple(sorted(video.events, key=_by_time)),
            fps=info.fps or None,
        )
    records, faults = with_own_files(records, own_files)
    raise_together(faults)
    return records


def _with_background(
    records: dict[str, VideoRecord], folder: Path | None
) -> tuple[dict[str, VideoRecord], tuple[str, ...], list[str]]:
    """The records with unnamed videos of a folder as empty ones, their ids, and a sentence."""
    if folder is None:
        return records, (), []
    place = resolved(folder)
    inside = [name for name, one in records.items() if one.file is not None and one.file.is_relative_to(place)]
    empty = tuple(name for name in inside if records[name].events is None)
    hours = sum(records[name].duration_s or 0.0 for name in empty) / 3600
    said = f"Background: nothing happens in {counted(len(empty), 'video')} ({hours:.2g} h)"
    if len(empty) < len(inside):
        said += f"; {len(inside) - len(empty)} others in {folder} are annotated, and that counts"
    return {**records, **{name: replace(records[name], events=()) for name in empty}}, empty, [f"{said}."]


def why_unfit(judged: Judged, role_of: Mapping[str, str] | None = None) -> tuple[AugrgbError, ...]:
    """What keeps annotations that can be read from becoming a dataset, or a dataset from being trained on."""
    annotations = judged.annotations
    if judged.format_name == DatasetJson.name:
        labelled = {video_id for video_id, video in annotations.videos.items() if video.events is not None}
        ready = [
            s for s, r in annotations.splits.items() if all(labelled & set(r.get(k, ())) for k in ("train", "val"))
        ]
        problem = f"none of its {len(annotations.splits)} splits has labelled videos to train on and to validate with"
        return () if ready else (InputRefused("E-SPL-010", "splits", problem, "Add roles `train` and `val`."),)
    records = annotations.videos if judged.videos is None else _records(judged, {})
    try:
        _splits(annotations, records, role_of, 0.15, 0.15, 0)
    except AugrgbError as fault:
        return tuple(flat(fault))
    return ()


def _by_time(event: Event) -> tuple[float, float, str]:
    return event.start_s, event.end_s, event.label


def _splits(
    annotations: AnnotationSet,
    records: Mapping[str, VideoRecord],
    role_of: Mapping[str, str] | None,
    val_share: float,
    test_share: float,
    seed: int,
    empty: Sequence[str] = (),
) -> tuple[dict[str, dict[str, tuple[str, ...]]], list[str]]:
    """Splits, and a sentence for every role that had to be drawn; `empty` videos that no role names are trained on."""
    labelled = [name for name in records if records[name].events is not None]
    unlabelled = [name for name in records if records[name].events is None]
    if len(labelled) < 3:
        problem = f"{len(labelled)} labelled videos; at least 3 are needed"
        raise InputRefused("E-SPL-010", "annotations", problem, "One each for training, validation and test.")
    given = splits_of(annotations, role_of=role_of) or {RANDOM_SPLIT: {"train": tuple(labelled)}}
    splits: dict[str, dict[str, tuple[str, ...]]] = {}
    said: list[str] = []
    for split, roles in given.items():
        members = {
            role: [i for i in ids if i in records and records[i].events is not None] for role, ids in roles.items()
        }
        placed = {name for ids in members.values() for name in ids}
        train = sorted([*members.get("train", []), *(name for name in empty if name not in placed)])
        val, test = sorted(members.get("val", [])), sorted(members.get("test", []))
        first = {"cross_subject": "person", "cross_view": "camera"}.get(split, "scene")
        drawn: dict[str, _Drawn] = {}
        if not test:
            drawn["test"] = _held_out(train, records, test_share, rng_place=(seed, "split", split), first=first)
            train, test = drawn["test"].kept, drawn["test"].held
        if not val:
            place = (seed, "val", split)
            drawn["val"] = _held_out(train, records, val_share, rng_place=place, first=first, with_sensors=True)
            train, val = drawn["val"].kept, drawn["val"].held
        said += _drawn_by(split, drawn)
        if not train or not val or not test:
            counts = {"train": len(train), "val": len(val), "test": len(test)}
            raise InputRefused("E-SPL-010", f"split {split}", f"a role is empty: {counts}", "Annotate more videos.")
        spare = tuple(i for i in unlabelled if i not in set(roles.get("test", ())))  # withheld labels: not looked at
        splits[split] = {
            "train": tuple(train),
            "val": tuple(val),
            "test": tuple(test),
            "unlabelled": spare,
            "encoder": tuple(train),
            "encoder_unlabelled": spare,
        }
    return splits, said


def _as_before(
    splits: dict[str, dict[str, tuple[str, ...]]], records: Mapping[str, VideoRecord], root: Path
) -> tuple[dict[str, dict[str, tuple[str, ...]]], list[str]]:
    """The splits with known videos in the roles that an earlier `init` gave them; a sentence for each that changed.

    Otherwise a corrected label could move a test video into training, and results before and after not be compared. New
    videos are trained on, unless the annotations make them test videos.
    """
    if not is_file(root / "dataset.json"):
        return splits, []
    try:
        before = load_dataset(root).splits
    except AugrgbError:  # of another program, or damaged: replaced
        return splits, []
    found, sentences = dict(splits), []
    for split, roles in splits.items():
        known = {name: part for part in _DRAWN for name in before.get(split, {}).get(part, ())}
        official = split != RANDOM_SPLIT
        places: dict[str, list[str]] = {part: [] for part in _DRAWN}
        new = 0
        for part in _DRAWN:
            for name in roles[part]:
                fixed = official and "test" in (part, known.get(name))
                place = part if fixed else known.get(name, "train")
                places[place].append(name)
                new += name not in known
        drawn = {part: tuple(sorted(ids)) for part, ids in places.items()}
        if not known or not all(drawn.values()):
            continue
        found[split] = {**roles, **drawn, "encoder": drawn["train"]}
        count = sum(name in records for name in known)
        sentences.append(f"Split {split}: {count} videos keep their roles, {new} new ones are trained on.")
        if not official:
            sentences += _shared_by(found[split], records)
    return found, sentences


def _shared_by(roles: Mapping[str, Sequence[str]], records: Mapping[str, VideoRecord]) -> list[str]:
    """What a split that was drawn before keeps on both sides, although it is known now and could be held out."""
    units = shared_units(records, [name for part in _DRAWN for name in roles[part]])
    if units.by == "video":
        return []
    groups = [frozenset(group) for group in units.groups]
    both = sum(bool(group & {*roles["train"]}) and bool(group & {*roles["val"], *roles["test"]}) for group in groups)
    if not both:
        return []
    said = f"{both} of {len(groups)} {units.many} are in training and held out: this split was drawn before they were"
    return [f"{said} stated. `--new-split` draws it again; results before and after cannot be compared."]


def _held_out(
    names: Sequence[str],
    records: Mapping[str, VideoRecord],
    share: float,
    *,
    rng_place: tuple[int, str, str],
    first: str,
    with_sensors: bool = False,
) -> _Drawn:
    """Kept and held-out videos: whole scenes, people or cameras where they are known, else single videos.

    With `with_sensors`, the first that is drawn is one of those with the most sensors: what teaches must be validated.
    """
    units = shared_units(records, names, first=first)
    why = units.scarce
    if units.by != "video":
        whole = hold_out(units, records, share, _order(units.groups, records, rng_place, with_sensors))
        if whole is not None:
            return _Drawn(sorted(set(names) - set(whole)), list(whole), units.by, why)
        why = f"every {units.by} has the only videos of a class, or too many videos; "
    wanted, held = max(1, round(share * len(names))), list[str]()
    for position in _order([(name,) for name in names], records, rng_place, with_sensors):
        if len(held) < min(wanted, len(names) - 1):
            held.append(names[position])
    return _Drawn(sorted(set(names) - set(held)), sorted(held), "video", why)


def _order(
    groups: Sequence[Sequence[str]],
    records: Mapping[str, VideoRecord],
    rng_place: tuple[int, str, str],
    with_sensors: bool,
) -> list[int]:
    seed, *place = rng_place
    order = [int(position) for position in rng_at(seed, *place).permutation(len(groups))]
    if with_sensors:
        order.insert(0, order.pop(max(range(len(order)), key=lambda place: _sensors(groups[order[place]], records))))
    return order


def _drawn_by(split: str, drawn: Mapping[str, _Drawn]) -> list[str]:
    """What was held out together, and what that means where it was single videos."""
    sentences = []
    for part, found in drawn.items():
        what = {"val": "validation", "test": "test"}[part]
        if found.by != "video":
            sentences.append(f"Split {split}: no {found.by} of its {what} videos is in training.")
            continue
        said = f"Split {split}: its {what} videos may show places and people of training ones, so scores there say "
        said += "little about other places"
        if found.why:
            sentences.append(f"{said} ({found.why.removesuffix('; ')}).")
        else:
            remedy = "State scenes (a column `scene`, or --scene PATTERN) or a column `subject`."
            sentences.append(f"{said}. {remedy}")
    return sentences


def _sensors(group: Sequence[str], records: Mapping[str, VideoRecord]) -> int:
    """How many kinds of sensors some video of a group has."""
    return sum(any(records[name].source(kind) is not None for name in group) for kind in ("pose", *MODALITIES))
