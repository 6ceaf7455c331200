"""What rounds of corrections are worth on real recordings: near-threshold events first, against as many by chance.

    python benchmarks/rounds_of_corrections.py FIR_FOLDER OUT [--seeds 0,1,2] [--reviews 20] [--steps 200]

FIR: a ceiling camera, 13 recordings of one room to train on, 5 of another room to test on, never corrected. Three
training recordings have labels at the start, two others choose the thresholds, the rest (the pool) has none. In each
round the model detects in the pool, a person as simulated from the annotations judges REVIEWS suggestions of the page's
own queue (`augrgb.server.review`), and the temporal filter is trained again from the initial labels and all corrections
so far (`augrgb.server.corrections`: what nobody looked at is unknown). The simulated person accepts an event whose tIoU
with a true one of its class is at least 0.7, corrects the boundaries of one from 0.1 on, and rejects the others; then
adds what else happens at that time, and says that this is all (key R of the page).

The encoder (`small_rgb`, one snippet a second) is trained once per seed, on the three recordings with labels; so a
round here is less than `augrgb fit`, which trains encoders again. A finished cell is kept: the same command continues.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.annotations.repair import repair_video
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.detection.event_rule import find_events
from augrgb.detection.pipeline import deciding_scores
from augrgb.detection.predictions import load_predictions
from augrgb.pipelines.fitting.events import fit_events
from augrgb.recipe import EncoderRecipe, StreamRecipe
from augrgb.recipe.load import check_recipe
from augrgb.server.corrections import corrected_record, known_stretches
from augrgb.server.documents import Document, EditedEvent, MachineEvent
from augrgb.server.results import Result
from augrgb.server.review import Suggestion, in_order, suggestions_of, without_judged
from augrgb.server.videos import Video
from augrgb.video.probe import probe
from augrgb.workflows.evaluate import evaluate_runs
from augrgb.workflows.extract import extract
from augrgb.workflows.train_encoder import train_encoder
from augrgb.workflows.train_stream import train_stream

ROUNDS, ACCEPT, CORRECT = 3, 0.7, 0.1


def main() -> None:
    """Extract once, then train and correct in rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fir", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--reviews", type=int, default=20)
    parser.add_argument(
        "--steps", type=int, default=200, help="of the temporal filter; the encoder takes 1.5 times these"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset = _recordings(options.fir, options.out)
    for seed in map(int, options.seeds.split(",")):
        for order in ("near threshold", "chance"):
            print(json.dumps(_rounds(dataset, options, seed, order)), flush=True)


def _recordings(source: Path, out: Path) -> Dataset:
    """All recordings with their labels, copied below the output folder."""
    events: dict[str, list[Event]] = {}
    subsets: dict[str, str] = {}
    with open(source / "events.csv", newline="") as file:
        for row in csv.DictReader(file):
            events.setdefault(row["video"], []).append(Event(row["label"], float(row["start"]), float(row["end"])))
            subsets[row["video"]] = row["subset"]
    records = {}
    for name, found in events.items():
        path = out / "videos" / f"{name}.mp4"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / "video" / f"{name}.mp4", path)
        record = VideoRecord(name, probe(path).duration_s, path.resolve(), events=tuple(found), subset=subsets[name])
        records[name] = repair_video(record, [])
    classes = tuple(sorted({event.label for found in events.values() for event in found}))
    return Dataset("fir", classes, records)


def _rounds(full: Dataset, options: argparse.Namespace, seed: int, order: str) -> dict[str, Any]:
    """Frame mAP on the test recordings before corrections and after each round."""
    training = sorted(name for name, one in full.videos.items() if one.subset == "training")
    testing = tuple(sorted(name for name, one in full.videos.items() if one.subset == "testing"))
    rich = [name for name in training if len(full.videos[name].events or ()) >= 9]
    chosen = rng_at(seed, "start").permutation(len(rich)).tolist()
    start, val = [rich[i] for i in chosen[:3]], [rich[i] for i in chosen[3:5]]
    pool = [name for name in training if name not in (*start, *val)]
    features = _features(full, options, seed, {"encoder": tuple(start), "train": tuple(start), "val": tuple(val)})
    documents: dict[str, Document] = {name: Document() for name in pool}
    values, judged, right = [], [], []
    for number in range(ROUNDS + 1):
        cell = options.out / "cells" / f"{seed}-{order.replace(' ', '_')}-{number}"
        if number == 0:  # the same for both orders
            cell = options.out / "cells" / f"{seed}-0"
        videos = dict(full.videos)
        corrected = []
        for name in pool:
            blank = replace(full.videos[name], events=None)
            found = corrected_record(blank, documents[name])
            videos[name] = blank if found is None else repair_video(found, [])
            corrected += [name] if found is not None else []
        roles = {"train": (*start, *corrected), "val": tuple(val), "test": testing,
                 "unlabelled": tuple(name for name in pool if name not in corrected)}  # fmt: skip
        split = {"fir": {role: names for role, names in roles.items() if names}}
        folder = _dataset_folder(replace(full, videos=videos, splits=split), options.out, cell)
        run = cell / "run"
        train_stream(_recipe(folder, features, options.steps, seed), run)
        protocols = ("frame-map/present",)
        values.append(evaluate_runs([run], split="fir", role="test", protocols=protocols).results[0].value)
        if number == ROUNDS:
            break
        offered = _suggestions(run, load_dataset(folder), full, pool, documents)
        if order == "chance":
            offered = [offered[i] for i in rng_at(seed, "chance", number).permutation(len(offered)).tolist()]
        taken = offered[: options.reviews]
        for place, one in enumerate(taken):
            event = judge(one, full.videos[one.name].events or (), f"r{number}-{place}")
            documents[one.name] = _with(documents[one.name], event, one, full.videos[one.name].events or (), event.id)
            right.append(event.state)
        judged.append(len(taken))
    known_s = sum(
        stop - begin
        for name in pool
        for begin, stop in known_stretches(documents[name], full.videos[name].known_duration_s)
    )
    states = {state: right.count(state) for state in ("accepted", "corrected", "rejected")}
    return {"seed": seed, "order": order, "frame_map": values, "judged": judged, "states": states, "known_s": known_s}


def _features(full: Dataset, options: argparse.Namespace, seed: int, roles: dict[str, tuple[str, ...]]) -> Path:
    """Features of all recordings by an encoder that has seen the labels of the start only."""
    folder, encoder = options.out, options.out / "encoders" / str(seed)
    dataset = replace(full, splits={f"start-{seed}": roles})
    save_dataset(dataset, folder)
    steps = round(1.5 * options.steps)
    values = {
        "data": {"dataset": str(folder), "split": f"start-{seed}", "frames": str(folder / "frames")},
        "encoder": {"small_rgb": {}},
        "clock": {"fps": 12, "window": 12, "stride": 12},
        "seed": seed,
        "train": {"steps": steps, "batch_size": 32, "validate_every": steps, "checkpoint_every": steps},
    }
    train_encoder(check_recipe(values, EncoderRecipe), encoder, workers=0)
    features = folder / "features" / str(seed)
    extract(dataset, encoder, features, frames_folder=folder / "frames", workers=0)
    return features


def _dataset_folder(dataset: Dataset, out: Path, cell: Path) -> Path:
    """A dataset file of its own for every cell; features are found by id, so that videos need not be copied again."""
    folder = cell / "data"
    if not (folder / "dataset.json").exists():
        save_dataset(
            replace(dataset, videos={name: replace(one, file=None) for name, one in dataset.videos.items()}), folder
        )
    return folder


def _recipe(dataset: Path, features: Path, steps: int, seed: int) -> StreamRecipe:
    values = {
        "data": {"dataset": str(dataset), "split": "fir", "features": {"rgb": str(features)}},
        "student": {"filter": {"sd_tcn": {"layers": 4, "width": 64, "dropout": 0.5}}},
        "seed": seed,
        "train": {
            "steps": steps, "batch_size": 4, "weight_decay": 0.3, "warmup_steps": min(20, steps // 3),
            "validate_every": max(1, steps // 4), "checkpoint_every": steps,
        },
    }  # fmt: skip
    return check_recipe(values, StreamRecipe)


def _suggestions(
    run: Path, dataset: Dataset, full: Dataset, pool: Sequence[str], documents: dict[str, Document]
) -> list[Suggestion]:
    """The queue of the page, in its order."""
    for part in ("val", "test"):
        evaluate_runs([run], split="fir", role=part, protocols=("frame-map/present",))
    on_val = load_predictions(run / "predictions" / "fir-val.safetensors")
    rules = fit_events(on_val, on_val, dataset).thresholds
    found: list[Suggestion] = []
    scores = _scores(run, dataset, pool)
    for name in pool:
        decided = deciding_scores(scores[name], on_val.clock, dataset.classes, rules.calibrations)
        duration_s = full.videos[name].known_duration_s
        events = find_events(decided, on_val.clock, dataset.classes, name, duration_s, rules=rules.rules)
        by_class = tuple(rules.rules[label] for label in dataset.classes)
        result = Result(0, duration_s, dataset.classes, on_val.clock, by_class, tuple(events), (), 0.0, decided)
        video = Video(name, name, "folder", name, 0, {}, 0.0)
        found += without_judged(suggestions_of(video, result), documents[name])
    return in_order(found)


def _scores(run: Path, dataset: Dataset, names: Sequence[str]) -> dict[str, Any]:
    from augrgb.features.stream_data import StreamData
    from augrgb.recipe.build import build_features
    from augrgb.streams.files import load_stream
    from augrgb.streams.predict import predict
    from augrgb.workflows.evaluate import run_recipe

    loaded, recipe = load_stream(run, classes=dataset.classes), run_recipe(run)
    data = StreamData(dataset, names, build_features(recipe.data, {"rgb"}), grid="rgb", labelled=())
    pairs = ((name, data.aligned(place, "rgb")) for place, name in enumerate(data.video_ids))
    return {name: predict(loaded.stream, values, available=there) for name, (values, there) in pairs}


def judge(one: Suggestion, truth: Sequence[Event], name: str) -> EditedEvent:
    """What a person who knows the annotations says about a suggestion."""
    machine = MachineEvent(label=one.label, start_s=one.start_s, end_s=one.end_s, score=float(np.clip(one.score, 0, 1)))
    best = max((event for event in truth if event.label == one.label), key=lambda e: _tiou(e, one), default=None)
    overlap = 0.0 if best is None else _tiou(best, one)
    if best is None or overlap < CORRECT:
        return EditedEvent(id=name, label=one.label, start_s=one.start_s, end_s=one.end_s, state="rejected",
                           machine=machine)  # fmt: skip
    if overlap >= ACCEPT:
        return EditedEvent(id=name, label=one.label, start_s=one.start_s, end_s=one.end_s, state="accepted",
                           machine=machine)  # fmt: skip
    return EditedEvent(id=name, label=one.label, start_s=best.start_s, end_s=best.end_s, state="corrected",
                       machine=machine)  # fmt: skip


def _with(document: Document, event: EditedEvent, one: Suggestion, truth: Sequence[Event], name: str) -> Document:
    """The document with a judged event, with everything else that happens during it, and with its time reviewed."""
    known = {(other.label, other.start_s, other.end_s) for other in (*document.events, event)}
    others = [
        EditedEvent(id=f"{name}-{place}", label=e.label, start_s=e.start_s, end_s=e.end_s, state="corrected")
        for place, e in enumerate(truth)
        if min(e.end_s, one.end_s) > max(e.start_s, one.start_s)
        and (e.label, e.start_s, e.end_s) not in known
        and not (e.label == event.label and event.state == "accepted" and _tiou(e, one) >= ACCEPT)
    ]
    reviewed = [*document.reviewed, [one.start_s, one.end_s]]
    return Document(events=[*document.events, event, *others], reviewed=reviewed)


def _tiou(event: Event, one: Suggestion) -> float:
    inside = min(event.end_s, one.end_s) - max(event.start_s, one.start_s)
    return max(inside, 0.0) / (max(event.end_s, one.end_s) - min(event.start_s, one.start_s))


if __name__ == "__main__":
    main()
