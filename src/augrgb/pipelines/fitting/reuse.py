"""Which models of an earlier fit still hold: those that would be made from the same content again.

Every model has a key: its recipe, the content of the videos and labels that it is trained and chosen on, and the keys
of the models that teach it. After a change of labels, videos, sensors or settings the models whose key stayed are kept,
byte for byte what a new training would give; the others are deleted. `made_from.json` remembers the keys.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from augrgb.core.files import file_name_of, sha256_json
from augrgb.core.sealed import read_note, write_sealed
from augrgb.core.types import Dataset
from augrgb.features.frame_folder import FrameFolder
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.jobs import INPUTS, Run, fingerprints
from augrgb.recipe.build import recipe_to_json

FILE = "made_from.json"
SCHEMA = "augrgb.made-from/1"
_TRACKS = ("rgb", "flow", "pose", "signal", "grid")
_log = logging.getLogger(__name__)


def keep_what_holds(cells: Cells, dataset: Dataset, work: Path) -> list[str]:
    """Delete the models and features in `work` that are of other content; what is kept is made to belong to `dataset`.

    Killed anywhere, the same call does the rest: the new keys are written last.

    Args:
        cells: Of the fit as it is now.
        dataset: As it is trained on now; its file lies in `work`.
        work: Folder of encoders, features, streams and frames.

    Returns:
        Names of the models that are deleted.
    """
    seed = cells.recipe.seeds[0]
    videos = _contents(dataset, work / "frames")
    encoders = {cells.places.cell(name, seed): cells.encoder(name, seed) for name in cells.encoders_in_use()}
    streams = {cells.places.stream(name, seed).name: cells.stream(name, seed) for name in cells.recipe.methods}
    keys = _keys(cells, dataset, videos)
    known = read_note(work / FILE, SCHEMA, "keys of models")
    if known is not None and known.get("keys") == keys and known.get("videos") == videos:
        return []
    before, seen = (known.get("keys", {}), known.get("videos", {})) if known is not None else ({}, {})
    gone = []
    for part, runs in (("encoders", encoders), ("streams", streams)):
        for folder in _folders(work / part):
            name = f"{part}/{folder.name}"
            if folder.name in runs and keys.get(name) == before.get(name, keys.get(name)):
                _belong(runs[folder.name])
                continue
            shutil.rmtree(folder)
            gone.append(name)
            if part == "encoders":
                shutil.rmtree(work / "features" / folder.name, ignore_errors=True)
    for name, content in videos.items():
        if name in seen and seen[name]["tracks"] != content["tracks"]:
            for folder in _folders(work / "features"):
                (folder / f"{file_name_of(name)}.safetensors").unlink(missing_ok=True)
    shutil.rmtree(work / "failures", ignore_errors=True)  # what failed may not fail again
    write_sealed(work / FILE, SCHEMA, {"keys": keys, "videos": videos})
    if gone:
        _log.info("of other content, so trained again: %s", ", ".join(gone))
    return gone


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _belong(run: Run) -> None:
    """A model that holds was begun with a dataset of another checksum: note the present one."""
    if (run.folder / "run.json").is_file() and (run.folder / "inputs.json").is_file():
        write_sealed(run.folder / "inputs.json", INPUTS, {"files": fingerprints(run.inputs)})


def _contents(dataset: Dataset, frames: Path) -> dict[str, dict[str, Any]]:
    """Of every video what training sees of it: frames and sensors by content, and labels."""
    folders = {place.name: FrameFolder(place) for place in _folders(frames) if (place / "frames.json").is_file()}
    found = {}
    for name, video in dataset.videos.items():
        tracks = {}
        for size, folder in folders.items():
            for kind in _TRACKS:
                note = folder.note(kind, name)
                if note is not None and (kind in ("rgb", "flow") or video.source(kind) is not None):
                    tracks[f"{size}/{kind}"] = str(note.get("content_sha256", note.get("source")))
        labels = None if video.events is None else [asdict(event) for event in video.events]
        found[name] = {
            "tracks": tracks,
            "labels": sha256_json({"events": labels, "ignored": [asdict(event) for event in video.ignored]}),
        }
    return found


def _keys(cells: Cells, dataset: Dataset, videos: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    seed, found = cells.recipe.seeds[0], dict[str, str]()

    def key(run: Run, made_from: list[str]) -> str:
        recipe = recipe_to_json(run.recipe)
        roles = {part: list(ids) for part, ids in dataset.splits[run.recipe.data.split].items() if part != "test"}
        used = {name: videos[name] for ids in roles.values() for name in ids}
        values = {"recipe": recipe, "classes": list(dataset.classes), "roles": roles, "videos": used}
        return sha256_json({**values, "from": made_from})

    def encoder(name: str) -> str:
        cell = f"encoders/{cells.places.cell(name, seed)}"
        if cell not in found:
            behind = [encoder(other) for other in cells.recipe.encoders[name].needs]
            found[cell] = key(cells.encoder(name, seed), behind)
        return found[cell]

    def stream(name: str) -> str:
        cell = f"streams/{cells.places.stream(name, seed).name}"
        if cell not in found:
            own = cells.recipe.methods[name].encoder
            behind = [encoder(own)] if own is not None else []
            behind += [stream(teacher) for teacher in cells.recipe.teaching(name)]
            found[cell] = key(cells.stream(name, seed), behind)
        return found[cell]

    for name in cells.recipe.methods:
        stream(name)
    return found
