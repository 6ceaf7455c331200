"""`augrgb train --dry-run` and `augrgb distil --dry-run`: a stream's recipe against everything it names."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset
from augrgb.features.stream_data import StreamData
from augrgb.features.video_features import FeatureFolder
from augrgb.recipe.build import build_features
from augrgb.recipe.schema import StreamRecipe
from augrgb.streams.ensemble import load_ensemble
from augrgb.streams.files import LoadedStream
from augrgb.workflows.dry_run import DryRun, check_annotations, check_disk, check_memory, measured
from augrgb.workflows.train_stream import train_stream

_KEPT_BYTES = 2**31  # what StreamData keeps in memory


@dataclass(frozen=True)
class _Lengths:
    """Snippets of each video on the student's grid, and bytes of all features by modality."""

    counts: Mapping[str, int]
    size: int


def dry_run_stream(recipe: StreamRecipe, run: Path, *, progress: Progress | None = None) -> DryRun:
    """Look at every annotation, every feature file and every teacher, and make one step on the largest batch.

    Nothing is written but a temporary folder. Parts that need what is missing are left out; the rest is looked at
    anyway, so that one call tells everything.

    Args:
        run: Where the run would be written.
        progress: Called with (feature files read, all).
    """
    report = DryRun()
    data = recipe.data
    needed = ("train", "test")
    dataset = check_annotations(report, data.dataset, data.split, needed, data.published)
    teachers = _teachers(report, recipe, dataset)
    modality = recipe.student.modality
    wanted = {modality} | {teacher.settings.modality for teacher in teachers.values()}
    features: dict[str, FeatureFolder] = {}
    for name in sorted(wanted):
        if name not in data.features:
            fault = UsageFault("E-CFG-003", "data.features", f"no folder for {name}", did_you_mean(name, data.features))
            report.refuse(f"{name} features", [fault])
            continue
        with report.guarded(f"{name} features"):
            features |= build_features(data, {name})
            report.ok(f"{name} features", f"{len(features[name].ids()):,} files, {features[name].dim} channels")
    for key, teacher in teachers.items():
        _check_fit(report, key, teacher, features)
    if dataset is None or modality not in features or data.split not in dataset.splits:
        report.note("one step", "left out: needs the annotations, the split and the student's features")
        return report
    lengths = _check_features(report, dataset, recipe, features, progress)
    if lengths.counts and not report.faults:
        _one_step(report, recipe, run, dataset, teachers, lengths)
    else:
        report.note("one step", "left out because of the faults above")
    return report


def _teachers(report: DryRun, recipe: StreamRecipe, dataset: Dataset | None) -> dict[str, LoadedStream]:
    teachers: dict[str, LoadedStream] = {}
    for name, folder in (recipe.distill.teachers if recipe.distill is not None else {}).items():
        with report.guarded(f"teacher {name}"):
            folders = folder if isinstance(folder, list) else [folder]
            teachers[name] = load_ensemble(folders, classes=dataset.classes if dataset is not None else None)
            settings = teachers[name].settings
            report.ok(f"teacher {name}", f"{', '.join(map(str, folders))}: {settings.filter} on {settings.modality}")
    return teachers


def _check_fit(report: DryRun, name: str, teacher: LoadedStream, features: Mapping[str, FeatureFolder]) -> None:
    """A teacher must be fed with features of the width it was trained on."""
    folder = features.get(teacher.settings.modality)
    if folder is not None and folder.dim != teacher.settings.dim_in:
        problem = f"was trained on {teacher.settings.dim_in} channels, {folder.folder} has {folder.dim}"
        fault = InputRefused("E-FEA-003", f"teacher {name}", problem, "Give the features it was trained on.")
        report.refuse(f"teacher {name}", [fault], str(folder.dim), f"{teacher.settings.dim_in} channels")


def _check_features(
    report: DryRun,
    dataset: Dataset,
    recipe: StreamRecipe,
    features: Mapping[str, FeatureFolder],
    progress: Progress | None,
) -> _Lengths:
    """Read every file that training or evaluation will read: there, right width, right length, finite, in step."""
    grid, roles = recipe.student.modality, dataset.splits[recipe.data.split]
    taught = ("train", "unlabelled") if _unlabelled_share(recipe) else ("train",)
    wanted = dict.fromkeys(features, taught) | {grid: (*taught, "val", "test")}
    ids = {name: list(dict.fromkeys(i for r in chosen for i in roles.get(r, ()))) for name, chosen in wanted.items()}
    counts: dict[str, int] = {}
    size = done = 0
    total = sum(map(len, ids.values()))
    for name in sorted(features, key=lambda key: key != grid):  # the grid first: the others are compared with it
        folder = features[name]
        lacking = [video_id for video_id in ids[name] if not folder.has(video_id)]
        _check_missing(report, dataset.name, name, ids[name], lacking, recipe.data.allow_missing)
        present = [video_id for video_id in ids[name] if folder.has(video_id)]
        sources = {name: folder} if name == grid else {grid: features[grid], name: folder}
        faults: list[AugrgbError] = []
        constant = snippets = 0
        for video_id in present:
            done += 1
            if progress is not None:
                progress(done, total)
            if name != grid and video_id not in counts:
                continue  # its grid is missing or faulty, which is told there
            try:
                one = StreamData(dataset, [video_id], sources, grid=grid, labelled=(), memory_bytes=0)
                track = one.track(0, name)
            except AugrgbError as fault:
                faults.append(fault)
                continue
            assert track is not None
            snippets += len(track.values)
            size += track.values.nbytes
            constant += len(track.values) > 1 and not track.values.std(axis=0).any()
            if name == grid:
                counts[video_id] = len(track.values)
        if faults:
            report.refuse(f"{name} features", faults, f"{len(faults)} of {len(present)} files cannot be used")
        else:
            told = f"{len(present):,} of {len(ids[name]):,} videos, {snippets:,} snippets, on {folder.clock}"
            report.ok(f"{name} features", told, "width, length, clock, finite")
        if constant:
            report.note(f"{name} features", f"{constant} videos whose snippets are all the same")
        strangers = sum(video_id not in dataset.videos for video_id in folder.ids())
        if strangers:
            report.note(f"{name} features", f"{strangers} files of videos that the dataset does not have")
    return _Lengths(counts, size)


def _check_missing(
    report: DryRun, dataset: str, name: str, ids: Sequence[str], lacking: Sequence[str], allowed: int
) -> None:
    if len(lacking) > allowed or (ids and len(lacking) == len(ids)):
        told = ", ".join(lacking[:20]) + (f" and {len(lacking) - 20} more" if len(lacking) > 20 else "")
        remedy = "Extract or download them, or set data.allow_missing to the number of videos that may be missing."
        fault = InputRefused(
            "E-FEA-002", dataset, f"{len(lacking)} of {len(ids)} videos have no {name}: {told}", remedy
        )
        report.refuse(f"{name} features", [fault], f"{len(lacking):,} of {len(ids):,} missing", "none missing")
    elif lacking:
        report.note(f"{name} features", f"{len(lacking)} missing, as allowed", f"at most {allowed}")


def _one_step(
    report: DryRun,
    recipe: StreamRecipe,
    run: Path,
    dataset: Dataset,
    teachers: Mapping[str, LoadedStream],
    lengths: _Lengths,
) -> None:
    """Train one step, by the ordinary workflow, on the longest videos that can meet in a batch."""
    roles, share = dataset.splits[recipe.data.split], _unlabelled_share(recipe)
    longest = {
        name: sorted((i for i in roles.get(name, ()) if i in lengths.counts), key=lambda i: (-lengths.counts[i], i))
        for name in (("train", "unlabelled") if share else ("train",))
    }
    size = recipe.train.batch_size
    second = min(max(1, round(size * share)), size - 1) if longest.get("unlabelled") else 0
    chosen = {"train": longest["train"][: size - second], "unlabelled": longest.get("unlabelled", [])[:second]}
    ids = [*chosen["train"], *chosen["unlabelled"]]
    with tempfile.TemporaryDirectory() as temporary, report.guarded("one step"):
        place = Path(temporary)
        videos = {i: replace(dataset.videos[i], file=None, poses=None) for i in ids}
        roles_of_it = {name: tuple(members) for name, members in chosen.items()}
        save_dataset(Dataset(dataset.name, dataset.classes, videos, {recipe.data.split: roles_of_it}), place)
        train = recipe.train.model_copy(update={"steps": 1, "tensorboard": False, "keep": "last"})
        data = recipe.data.model_copy(update={"dataset": place})
        with measured() as spent:
            result = train_stream(recipe.model_copy(update={"data": data, "train": train}), place / "run")
        if result.skipped_steps:
            problem = "the loss of the first step is not finite"
            raise InputRefused("E-DRY-002", recipe.data.dataset, problem, "Lower the weights of the losses.")
        written = sum(path.stat().st_size for path in (place / "run").rglob("*") if path.is_file())
        most = max(lengths.counts[i] for i in ids)
        told = f"forward and back on {len(ids)} videos of up to {most:,} snippets, {spent[0]:.1f} s with reading"
        report.ok("one step", told, "finite")
        everything = sum(lengths.counts[i] for members in longest.values() for i in members)
        numbers = sum(teacher.stream.filter.width + len(dataset.classes) for teacher in teachers.values())
        kept, cached = min(_KEPT_BYTES, lengths.size), 4 * everything * numbers
        parts = " + ".join(f"{part / 2**30:.2f} {name}" for name, part in _named(kept, cached, spent[1]))
        check_memory(report, kept + cached + spent[1], parts)
        check_disk(report, run, written, "checkpoints and weights")


def _named(features: float, teachers: float, step: float) -> list[tuple[str, float]]:
    return [("features", features), ("teachers", teachers), ("largest step", step)]


def _unlabelled_share(recipe: StreamRecipe) -> float:
    """The part of each batch that is unlabelled; 0 where nothing learns from unlabelled videos."""
    section = recipe.distill or getattr(recipe, "semi_supervised", None)
    return float(section.unlabelled_share) if section is not None else 0.0
