"""`--dry-run` of `augrgb train` and `augrgb distill`: check a stream's recipe against everything it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset
from augrgb.features.stream_data import StreamData
from augrgb.features.video_features import FeatureFolder
from augrgb.recipe.assembly import with_device
from augrgb.recipe.build import unlabelled_share
from augrgb.recipe.schema import StreamRecipe
from augrgb.recipe.stream_assembly import (
    StreamInputs,
    StreamVideos,
    assemble_stream_task,
    open_stream_inputs,
    stream_videos,
)
from augrgb.streams.files import LoadedStream
from augrgb.workflows.dry_run import DryRun, check_annotations, check_disk, check_memory, train_one_step

_KEPT_BYTES = 2**31  # what StreamData keeps in memory


@dataclass(frozen=True)
class _Lengths:
    """Snippets of each video on the student's grid, and bytes of all features together."""

    counts: Mapping[str, int]
    size: int


def dry_run_stream(
    recipe: StreamRecipe, run: Path, *, device: str | None = None, progress: Progress | None = None
) -> DryRun:
    """Check all annotations, feature files and teachers, and train one step on the largest batch.

    Assembles the run as training does, part by part. Parts that need what is missing are skipped; the rest is checked
    anyway, so that one call reports every fault. Only a temporary folder is written.

    Args:
        recipe: What would be trained on what.
        run: Where the run would be written.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; None = the recipe's `train.accelerator`.
        progress: Called with (feature files read, all).
    """
    report = DryRun()
    gpu: int | None = None
    with report.guarded("device"):
        recipe, gpu = with_device(recipe, device)
    data, modality = recipe.data, recipe.student.modality
    dataset = check_annotations(report, data.dataset, data.split, ("train",), data.published)
    inputs = open_stream_inputs(recipe, dataset, report.guarded)
    for name, teacher in inputs.teachers.items():
        settings, runs = teacher.settings, recipe.distill.teachers[name] if recipe.distill is not None else ()
        folders = ", ".join(map(str, runs if isinstance(runs, list) else [runs]))
        report.ok(f"teacher {name}", f"{folders}: {settings.filter} on {settings.modality}")
        _check_fit(report, name, teacher, inputs.features)
    for name, folder in inputs.features.items():
        report.ok(f"{name} features", f"{len(folder.ids()):,} files, {folder.dim} channels")
    if dataset is None or modality not in inputs.features or data.split not in dataset.splits:
        report.note("one step", "skipped: needs the annotations, the split and the student's features")
        return report
    videos = stream_videos(recipe, dataset, allow_empty=True)  # empty roles are reported above
    lengths = _check_features(report, dataset, recipe, inputs.features, videos, progress)
    if lengths.counts and not report.faults:
        _one_step(report, recipe, run, dataset, inputs, videos, lengths, gpu)
    else:
        report.note("one step", "skipped because of the faults above")
    return report


def _check_fit(report: DryRun, name: str, teacher: LoadedStream, features: Mapping[str, FeatureFolder]) -> None:
    """A teacher must be fed with features of the width it was trained on."""
    folder = features.get(teacher.settings.modality)
    if folder is not None and folder.dim != teacher.settings.dim_in:
        problem = f"was trained on {teacher.settings.dim_in} channels, {folder.folder} has {folder.dim}"
        fault = InputRefused("E-FEA-017", f"teacher {name}", problem, "Give the features it was trained on.")
        report.refuse(f"teacher {name}", [fault], str(folder.dim), f"{teacher.settings.dim_in} channels")


def _check_features(
    report: DryRun,
    dataset: Dataset,
    recipe: StreamRecipe,
    features: Mapping[str, FeatureFolder],
    videos: StreamVideos,
    progress: Progress | None,
) -> _Lengths:
    """Read every file that training or evaluation will read: there, right width, right length, finite, in step."""
    grid, test = recipe.student.modality, dataset.splits[recipe.data.split].get("test", ())
    trained = (*videos.labelled, *videos.unlabelled)
    wanted = dict.fromkeys(features, trained) | {grid: (*trained, *videos.val, *test)}
    ids = {name: list(dict.fromkeys(chosen)) for name, chosen in wanted.items()}
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
                continue  # its grid is missing or faulty, which is reported there
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
            message = f"{len(present):,} of {len(ids[name]):,} videos, {snippets:,} snippets, on {folder.clock}"
            report.ok(f"{name} features", message, "width, length, clock, finite")
        if constant:
            report.note(f"{name} features", f"{constant} videos whose snippets are all the same")
        strangers = sum(video_id not in dataset.videos for video_id in folder.ids())
        if strangers:
            report.note(f"{name} features", f"{strangers} files of videos that are not in the dataset")
    return _Lengths(counts, size)


def _check_missing(
    report: DryRun, dataset: str, name: str, ids: Sequence[str], lacking: Sequence[str], allowed: int
) -> None:
    if len(lacking) > allowed or (ids and len(lacking) == len(ids)):
        listed = ", ".join(lacking[:20]) + (f" and {len(lacking) - 20} more" if len(lacking) > 20 else "")
        remedy = "Extract or download them, or set data.allow_missing to the number of videos that may be missing."
        fault = InputRefused(
            "E-FEA-002", dataset, f"{len(lacking)} of {len(ids)} videos have no {name}: {listed}", remedy
        )
        report.refuse(f"{name} features", [fault], f"{len(lacking):,} of {len(ids):,} missing", "none missing")
    elif lacking:
        report.note(f"{name} features", f"{len(lacking)} missing, as allowed", f"at most {allowed}")


def _one_step(
    report: DryRun,
    recipe: StreamRecipe,
    run: Path,
    dataset: Dataset,
    inputs: StreamInputs,
    videos: StreamVideos,
    lengths: _Lengths,
    gpu: int | None,
) -> None:
    """Train one step on the longest videos that can meet in a batch."""

    def longest(ids: Sequence[str]) -> list[str]:
        return sorted((i for i in ids if i in lengths.counts), key=lambda i: (-lengths.counts[i], i))

    labelled, unlabelled = longest(videos.labelled), longest(videos.unlabelled)
    size, share = recipe.train.batch_size, unlabelled_share(recipe)
    second = min(max(1, round(size * share)), size - 1) if unlabelled and share else 0
    largest = StreamVideos(labelled[: size - second], unlabelled[:second])
    with report.guarded("one step"):
        step = train_one_step(assemble_stream_task(recipe, dataset, inputs, largest), recipe.data.dataset, gpu)
        ids = (*largest.labelled, *largest.unlabelled)
        most = max(lengths.counts[i] for i in ids)
        message = f"forward and backward on {len(ids)} videos of up to {most:,} snippets, {step.seconds:.1f} s"
        report.ok("one step", message, "finite")
        everything = sum(lengths.counts[i] for i in (*labelled, *unlabelled))
        numbers = sum(teacher.stream.filter.width + len(dataset.classes) for teacher in inputs.teachers.values())
        kept, cached = min(_KEPT_BYTES, lengths.size), 4 * everything * numbers
        parts = {"features": kept, "teachers": cached, "largest step": step.memory}
        described = " + ".join(f"{part / 2**30:.2f} {name}" for name, part in parts.items())
        check_memory(report, sum(parts.values()), described)
        check_disk(report, run, step.written, "checkpoints and weights")
