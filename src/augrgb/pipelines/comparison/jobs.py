"""The work behind one cell of a comparison, as functions that cross a process border; what fails in one stays in it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused
from augrgb.core.opening import is_file, sha256_file
from augrgb.core.plain_data import read_json
from augrgb.core.progress import Progress
from augrgb.core.sealed import read_note, unsealed, write_sealed
from augrgb.encoders.files import load_encoder
from augrgb.features.frames import OWN_FILES
from augrgb.metrics.evaluation import MetricResult
from augrgb.pipelines.comparison.row_result import Column, RowResult
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe
from augrgb.recipe.build import recipe_to_json
from augrgb.training.interrupts import Interrupted
from augrgb.training.run.folder import RunFolder, differences
from augrgb.workflows.evaluate import evaluate_runs
from augrgb.workflows.extract import extract
from augrgb.workflows.train_encoder import train_encoder
from augrgb.workflows.train_stream import train_stream

DIVERGED = "E-RUN-004"
INPUTS = "augrgb.inputs/1"
EVALUATION = "augrgb.evaluation/1"
FAILURE = "augrgb.failure/1"


@dataclass(frozen=True)
class Run:
    """A training cell.

    Args:
        folder: Its run folder.
        recipe: Its resolved recipe.
        inputs: Files that it is made from: the models of encoders and teachers, and the annotations.
    """

    folder: Path
    recipe: EncoderRecipe | StreamRecipe
    inputs: tuple[Path, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do, and nothing of it is damaged."""
        run = RunFolder(self.folder)
        try:
            done = run.finished()
        except InputRefused:
            return False
        return done is not None and not run.damage(done)

    def changes(self) -> list[str]:
        """In what it differs from what lies in its folder: recipe, or files that it was made from."""
        if not (self.folder / "run.json").is_file():
            return []
        try:
            changed = differences(RunFolder(self.folder).identity["recipe"], recipe_to_json(self.recipe))
        except (InputRefused, KeyError):  # damaged: `begin` writes it again, or refuses it
            changed = []
        made_from = self.folder / "inputs.json"
        known = _inputs(made_from) if is_file(made_from) else {}
        now = fingerprints(self.inputs)
        return changed + [
            f"{name} is another one since" for name in sorted(now) if known.get(name, now[name]) != now[name]
        ]


@dataclass(frozen=True)
class Failure:
    """A cell that could not be finished: its job's name, why, the cell where it went wrong (often itself), the code."""

    cell: str
    reason: str
    origin: str
    code: str = ""


@dataclass(frozen=True)
class FeatureVideos:
    """Videos that need features: all roles of `trained` splits, one role of `tested` ones, `val` of `searched` ones."""

    dataset: Path
    trained: tuple[str, ...]
    tested: tuple[str, ...]
    role: str
    searched: tuple[str, ...] = ()

    def ids(self) -> list[str]:
        """Each video once."""
        dataset = load_dataset(self.dataset)
        roles = [(split, name) for split in self.trained for name in ("train", "unlabelled", "val")]
        wanted = [video for split, name in roles for video in role(dataset, split, name, allow_empty=True)]
        wanted += [video for split in self.tested for video in role(dataset, split, self.role)]
        wanted += [video for split in self.searched for video in role(dataset, split, "val")]
        return list(dict.fromkeys(wanted))


def attempt(
    cell: str,
    work: Callable[..., None],
    arguments: Mapping[str, Any],
    failures: Path,
    needs: Sequence[str],
    progress: Progress,
) -> Failure | None:
    """Do one cell's work; what goes wrong in it is noted and returned, so that the other cells go on.

    Raises:
        Interrupted, EnvironmentFault: What concerns all cells: a signal, a full disk (but not a model too large).
    """
    own = failures / f"{cell}.json"
    own.unlink(missing_ok=True)
    for need in needs:
        cause = read_note(failures / f"{need}.json", FAILURE, "failure")
        if cause is not None:
            return _note(
                own, Failure(cell, f"not done, because {cause['origin']} failed", cause["origin"], cause["code"])
            )
    try:
        work(**arguments, progress=progress)
    except Interrupted:
        raise
    except EnvironmentFault as fault:
        if fault.code != "E-ENV-004":
            raise
        return _note(own, Failure(cell, str(fault), cell, fault.code))
    except AugrgbError as fault:
        return _note(own, Failure(cell, str(fault), cell, fault.code))
    except Exception as error:  # noqa: BLE001 - a bug in one method must not cost the other methods their night
        reason = f"E-BUG-001 {cell}: {type(error).__name__}: {error}"
        return _note(own, Failure(cell, reason, cell, "E-BUG-001"), traceback.format_exc())
    return None


def encoder_job(run: Run, progress: Progress) -> None:
    """Train one snippet encoder."""
    _note_inputs(run)
    train_encoder(check_recipe(recipe_to_json(run.recipe), EncoderRecipe), run.folder, workers=0, progress=progress)


def features_job(videos: FeatureVideos, encoder: Path, folder: Path, frames: Path | None, progress: Progress) -> None:
    """Extract what streams are trained and tested on."""
    cached = frames if frames is not None and frames.is_dir() else None
    dataset, modality = load_dataset(videos.dataset), load_encoder(encoder).encoder.modality
    ids = videos.ids()
    if modality in OWN_FILES:  # some videos may have none; who may lack it is checked where features are read
        ids = [name for name in ids if dataset.videos[name].source(modality) is not None]
    extract(dataset, encoder, folder, video_ids=ids, frames_folder=cached, workers=0, progress=progress)


def stream_job(run: Run, progress: Progress) -> None:
    """Train one stream."""
    _note_inputs(run)
    train_stream(check_recipe(recipe_to_json(run.recipe), StreamRecipe), run.folder, progress=progress)


def evaluate_job(runs: list[Path], request: dict[str, Any], inputs: list[Path], path: Path, progress: Progress) -> None:
    """Evaluate one stream or fusion on every test."""
    results: dict[Column, MetricResult] = {}
    for number, split in enumerate(request["splits"]):
        names, allowed = request["protocols"], request["allow_missing"]
        evaluation = evaluate_runs(runs, split=split, role=request["role"], protocols=names, allow_missing=allowed)
        results |= {Column(split, name): result for name, result in zip(names, evaluation.results, strict=True)}
        progress(number + 1, len(request["splits"]))
    asked = {**request, "inputs": fingerprints(inputs)}
    write_sealed(path, EVALUATION, {"request": asked, "results": RowResult(results).to_json()})


def _note_inputs(run: Run) -> None:
    if not (run.folder / "run.json").is_file():  # from the first step on the inputs are settled
        write_sealed(run.folder / "inputs.json", INPUTS, {"files": fingerprints(run.inputs)})


@dataclass(frozen=True)
class _Inputs:
    files: dict[str, str]


def _inputs(path: Path) -> dict[str, str]:
    raw = read_json(path, "inputs")
    if isinstance(raw, dict) and "schema" not in raw:  # of a version before schemas
        raw = {"schema": INPUTS, "files": raw}
    remedy = "Remove the run folder."
    found: _Inputs = unsealed(raw, path, INPUTS, _Inputs, code="E-FILE-018", remedy=remedy)
    return found.files


def fingerprints(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file that exists, by its last folders, such as `streams/pose-0/model.safetensors`."""
    return {"/".join(path.parts[-3:]): sha256_file(path) for path in files if path.is_file()}


def _note(path: Path, failure: Failure, trace: str = "") -> Failure:
    write_sealed(path, FAILURE, {**asdict(failure), "traceback": trace})
    return failure
