"""Does an encoder see what moves, or does it know the scene by heart: two probes on a dataset's videos."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from augrgb.annotations.roles import role
from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at
from augrgb.core.timeline import nearest_snippets
from augrgb.core.types import Dataset
from augrgb.encoders.files import LoadedEncoder
from augrgb.encoders.parts.foreground import merged, moving_part
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.features.encode import EncodedVideo, encode_record
from augrgb.features.frame_cache import cache_frames, flow_of
from augrgb.features.frame_folder import FrameFolder, FrameSettings
from augrgb.features.snippet_bank import SnippetBank
from augrgb.metrics.frame_map import frame_ap, mean_present_classes
from augrgb.metrics.linear_probe import fit_probe
from augrgb.training.encoder_snippets import labelled_snippets
from augrgb.training.teachers.snippet_classifier import SnippetClassifier, read_classifier

Floats = NDArray[np.float32]
ENOUGH_R2 = 0.3
"""Of a teacher's features on videos that neither learned from: below, the encoder cannot see what the teacher sees."""
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class ReadOff:
    """How much of the teacher's features a linear map reads off the student's on some videos."""

    role: str
    videos: int
    snippets: int
    r2: float


@dataclass(frozen=True, slots=True)
class StaticBias:
    """Frame mAP of the encoder's own classifier on the videos of a role, as they are and with the scene changed.

    Args:
        role: Of the videos.
        snippets: How many.
        as_filmed: Windows as they are.
        other_scene: What moves is in front of the still scene of another video: an encoder that sees actions loses
            little.
        still: Every frame is the first: an encoder that sees actions falls to chance.
        chance: Of a random order: the mean share of positives.
    """

    role: str
    snippets: int
    as_filmed: float
    other_scene: float
    still: float
    chance: float


@dataclass(frozen=True, slots=True)
class EncoderProbe:
    """What was found; `static` is empty for encoders that see no images or have no classifier of these classes."""

    read_off: tuple[ReadOff, ...]
    static: tuple[StaticBias, ...]


def probe_encoder(
    student: LoadedEncoder,
    dataset: Dataset,
    split: str,
    *,
    teacher: LoadedEncoder | None = None,
    frames: Path | None = None,
    workers: int = 0,
    seed: int = 0,
) -> EncoderProbe:
    """Probe an encoder on the training, validation and test videos of a split.

    Two numbers for the training videos: of the rows that the map was fitted on, and of videos held out of the fit (the
    encoder has learned from these too). Scenes are replaced after Li et al., "Mitigating and Evaluating Static Bias of
    Action Representations in the Background and the Foreground", ICCV 2023.
    Deviation: what moves is found from changes between frames, not from a person detector's mask.

    Args:
        student: Any encoder; the static-bias probe is for those that see RGB.
        dataset: Its videos.
        split: Its roles `encoder` (or `train`), `val` and `test` are used; empty ones are left out.
        teacher: Whose features are to be read off; None = only the static-bias probe.
        frames: Where decoded frames are kept; None = nowhere.
        workers: Child processes that decode; 0 = in this process.
        seed: Of which scene goes with which window.

    Raises:
        UsageFault: E-SPL-001, no such split; E-SPL-007, no training videos.
        InputRefused: Videos that cannot be read; E-MET-001, too few to fit on.
    """
    sets = _sets(dataset, split)
    every = [name for ids in sets.values() for name in ids]
    with tempfile.TemporaryDirectory() as temporary:
        place = frames or Path(temporary)
        own = _cached(student, dataset, every, place, workers)
        read_off: list[ReadOff] = []
        if teacher is not None:
            other = _cached(teacher, dataset, every, place, workers)
            read_off = list(_read_off(student, own, teacher, other, dataset, sets))
        classifier = read_classifier(student.folder)
        static: list[StaticBias] = []
        if student.encoder.modality == "rgb" and classifier is not None and student.settings.classes == dataset.classes:
            static = [_static_bias(student, classifier, dataset, own, name, ids, seed) for name, ids in sets.items()]
    return EncoderProbe(tuple(read_off), tuple(static))


def _sets(dataset: Dataset, split: str) -> dict[str, tuple[str, ...]]:
    trained = role(dataset, split, "encoder", allow_empty=True) or role(dataset, split, "train")
    sets = {"training": trained} | {name: role(dataset, split, name, allow_empty=True) for name in ("val", "test")}
    return {name: ids for name, ids in sets.items() if ids}


def _cached(loaded: LoadedEncoder, dataset: Dataset, ids: Sequence[str], place: Path, workers: int) -> Path:
    """A folder with the frames that an encoder sees; those of encoders with equal settings share one."""
    usual = FrameSettings()
    size, flow, fps = loaded.settings.size or usual.size, flow_of(loaded), loaded.settings.clock.fps
    folder = place / f"{size[0]}x{size[1]}-{fps:g}fps-{flow.method}-{flow.bound:g}px"
    cache_frames(dataset, ids, [loaded.encoder.modality], folder, fps=fps, size=size, flow=flow, workers=workers)
    return folder


def _read_off(
    student: LoadedEncoder,
    own: Path,
    teacher: LoadedEncoder,
    other: Path,
    dataset: Dataset,
    sets: dict[str, tuple[str, ...]],
) -> Iterator[ReadOff]:
    probe = None
    for name, ids in sets.items():
        mine = [encode_record(dataset.videos[i], student, frames=FrameFolder(own)) for i in ids]
        theirs = [encode_record(dataset.videos[i], teacher, frames=FrameFolder(other)) for i in ids]
        pairs = [_aligned(a, b) for a, b in zip(mine, theirs, strict=True)]
        x, y = (np.concatenate([pair[part] for pair in pairs]) for part in (0, 1))
        if probe is None:
            probe = fit_probe(x, y, [i for i, pair in zip(ids, pairs, strict=True) for _ in pair[0]])
            yield ReadOff("training, fitted on", len(ids), len(x), probe.r2(x, y))
            yield ReadOff("training, held out", len(ids), len(x), probe.held_out)
        else:
            yield ReadOff(name, len(ids), len(x), probe.r2(x, y))


def _aligned(mine: EncodedVideo, theirs: EncodedVideo) -> tuple[Floats, Floats]:
    """The student's snippets, and the teacher's at the same times."""
    rows, near = nearest_snippets(theirs.clock, len(theirs.values), mine.clock, len(mine.values))
    return mine.values[near], theirs.values[rows[near]]


def _static_bias(
    student: LoadedEncoder,
    classifier: SnippetClassifier,
    dataset: Dataset,
    frames: Path,
    name: str,
    ids: Sequence[str],
    seed: int,
) -> StaticBias:
    bank = SnippetBank(frames, ids, "rgb", student.settings.clock)
    known = labelled_snippets(student.encoder, bank, dataset, set(ids))
    videos, _ = bank.places(np.arange(len(bank)))
    others = _of_other_videos(videos, known.labels, rng_at(seed, "static bias", name))
    scores: dict[str, list[Floats]] = {"as_filmed": [], "other_scene": [], "still": []}
    for start in range(0, len(bank), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(bank)))
        filmed, scene = bank.windows(rows), bank.windows(others[rows])
        seen = {
            "as_filmed": filmed,
            "other_scene": _in_front_of(filmed, scene),
            "still": np.repeat(filmed[:, :1], filmed.shape[1], axis=1),
        }
        for key, windows in seen.items():
            scores[key].append(encode_windows(student.encoder, windows) @ classifier.weight.T + classifier.bias)
    labels = known.labels[known.labelled]
    if not labels.any():
        raise InputRefused("E-SPL-005", dataset.name, f"no event in the {name} videos", "Probe videos with events.")
    found = {
        key: float(mean_present_classes(frame_ap(np.concatenate(parts)[known.labelled], labels)))
        for key, parts in scores.items()
    }
    chance = float(labels.mean(axis=0)[labels.any(axis=0)].mean())
    return StaticBias(name, len(labels), found["as_filmed"], found["other_scene"], found["still"], chance)


def _of_other_videos(
    videos: NDArray[np.int64], labels: Floats, rng: np.random.Generator, tries: int = 20
) -> NDArray[np.int64]:
    """For each snippet one of another video, without a common label where a few tries find one."""
    chosen = rng.permutation(len(videos))
    for _ in range(tries):
        bad = (videos[chosen] == videos) | ((labels[chosen] * labels).sum(axis=1) > 0)
        if not bad.any():
            break
        chosen[bad] = rng.integers(0, len(videos), int(bad.sum()))
    return chosen


def _in_front_of(windows: NDArray[np.uint8], scenes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What moves in uint8 windows, in front of the first frame of others."""
    x, other = torch.from_numpy(windows).float(), torch.from_numpy(scenes).float()
    mixed: NDArray[np.uint8] = merged(x, other[:, :1].expand_as(x), moving_part(x)).round().to(torch.uint8).numpy()
    return mixed
