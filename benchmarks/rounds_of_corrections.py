"""What rounds of corrections are worth on real recordings: four orders of review, as many corrections in each.

    python benchmarks/rounds_of_corrections.py FIR_FOLDER OUT [--encoder FOLDER] [--seeds 0,1,2,3,4] [--reviews 20]

FIR: a ceiling camera, 13 recordings of one room to train on, 5 of another room to test on, never corrected. Three
training recordings have labels at the start, two others choose the thresholds, the rest (the pool) has none. In each
round the model detects in the pool, a person as simulated from the annotations judges REVIEWS suggestions of the page's
own queue (`augrgb.server.review`), and the temporal filter is trained again from the initial labels and all corrections
so far (`augrgb.server.teaching`: what nobody looked at is unknown). The simulated person accepts an event whose tIoU
with a true one of its class is at least 0.7, corrects the boundaries of one from 0.1 on, and rejects the others; then
adds what else happens at that time, and says that this is all (key R of the page).

Each row of output is one seed and one order. A seed chooses the recordings with labels and those of the thresholds, and
every model is trained twice, from two initializations: the number of a round is the mean of both, and where the two
disagree is one of the orders. `everything` has the whole pool labeled by hand: what corrections could gain at most.
`same again` trains without any correction from other initializations: what a training changes by itself.

The encoder is frozen, so a round here is less than `augrgb fit`, which trains encoders again: either the one of
`--encoder` (say of `augrgb weights get efficientnet_lite0`), which has never seen these recordings, or `small_rgb`,
trained once per seed on the three recordings with labels. A finished cell is kept: the same command continues.
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
from augrgb.server.annotations.documents import Document, EditedEvent, MachineEvent
from augrgb.server.jobs.results import Result
from augrgb.server.review.orders import ORDERS, in_order
from augrgb.server.review.suggestions import Suggestion, suggestions_of, without_judged
from augrgb.server.teaching.corrections import corrected_record, known_stretches
from augrgb.server.videos.index import Video
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
    parser.add_argument("--encoder", type=Path, help="a frozen encoder; default: small_rgb, trained per seed")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--orders", default=",".join((*ORDERS, "everything", "same again")))
    parser.add_argument("--reviews", type=int, default=20)
    parser.add_argument("--steps", type=int, default=200, help="of the temporal filter")
    parser.add_argument("--encoder-steps", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset = _recordings(options.fir, options.out)
    for seed in map(int, options.seeds.split(",")):
        for order in options.orders.split(","):
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
    values: list[float] = []
    judged: list[int] = []
    states: list[str] = []

    def cell(number: int, records: dict[str, VideoRecord], again: int = 0) -> tuple[list[Path], Dataset]:
        known = {name for name in pool if records[name].events is not None}
        roles = {"train": (*start, *sorted(known)), "val": tuple(val), "test": testing,
                 "unlabelled": tuple(name for name in pool if name not in known)}  # fmt: skip
        split = {"fir": {role: names for role, names in roles.items() if names}}
        at = "0" if number == 0 and not again else f"{order.replace(' ', '_')}-{number}"
        place = options.out / "cells" / f"{seed}-{at}"
        folder = _dataset_folder(replace(full, videos=records, splits=split), place)
        runs = []
        for first in (2 * again, 2 * again + 1):
            runs.append(place / f"run-{first}")
            train_stream(_recipe(folder, features, options.steps, 1000 * seed + first), runs[-1])
        results = evaluate_runs(runs, split="fir", role="test", protocols=("frame-map/present",)).results
        values.append(float(np.mean([one.value for one in results])))
        return runs, load_dataset(folder)

    blank = {name: replace(full.videos[name], events=None) for name in pool}
    runs, dataset = cell(0, {**full.videos, **blank})
    if order == "everything":
        cell(1, dict(full.videos))
    elif order == "same again":
        for number in range(1, ROUNDS + 1):
            cell(number, {**full.videos, **blank}, again=number)
    else:
        for number in range(1, ROUNDS + 1):
            offered = in_order(_suggestions(runs, dataset, full, pool, documents), order)
            taken = offered[: options.reviews]
            for place, one in enumerate(taken):
                truth = full.videos[one.name].events or ()
                event = judge(one, truth, f"r{number}-{place}")
                documents[one.name] = _with(documents[one.name], event, one, truth, event.id)
                states.append(event.state)
            judged.append(len(taken))
            found = {name: corrected_record(blank[name], documents[name]) for name in pool}
            records = {name: blank[name] if one is None else repair_video(one, []) for name, one in found.items()}
            runs, dataset = cell(number, {**full.videos, **records})
    known_s = sum(
        stop - begin
        for name in pool
        for begin, stop in known_stretches(documents[name], full.videos[name].known_duration_s)
    )
    counts = {state: states.count(state) for state in ("accepted", "corrected", "rejected")}
    return {"seed": seed, "order": order, "frame_map": values, "judged": judged, "states": counts,
            "known_s": known_s, "pool_s": sum(full.videos[name].known_duration_s for name in pool)}  # fmt: skip


def _features(full: Dataset, options: argparse.Namespace, seed: int, roles: dict[str, tuple[str, ...]]) -> Path:
    """Features of all recordings by an encoder that has seen the labels of the start only."""
    folder, encoder = options.out, options.out / "encoders" / str(seed)
    if options.encoder is not None:
        features = folder / "features" / "frozen"
        extract(full, options.encoder, features, workers=0)
        return features
    dataset = replace(full, splits={f"start-{seed}": roles})
    save_dataset(dataset, folder)
    steps = options.encoder_steps
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


def _dataset_folder(dataset: Dataset, cell: Path) -> Path:
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
    runs: Sequence[Path], dataset: Dataset, full: Dataset, pool: Sequence[str], documents: dict[str, Document]
) -> list[Suggestion]:
    """What the page would suggest: the first model detects, the second is the other opinion."""
    decided: list[dict[str, Any]] = []
    for run in runs:
        for part in ("val", "test"):
            evaluate_runs([run], split="fir", role=part, protocols=("frame-map/present",))
        on_val = load_predictions(run / "predictions" / "fir-val.safetensors")
        rules = fit_events(on_val, on_val, dataset).thresholds
        scores = _scores(run, dataset, pool)
        clock, classes = on_val.clock, dataset.classes
        decided.append({name: deciding_scores(scores[name], clock, classes, rules.calibrations) for name in pool})
        if run == runs[0]:
            first = rules.rules
    found: list[Suggestion] = []
    by_class = tuple(first[label] for label in classes)
    for name in pool:
        duration_s = full.videos[name].known_duration_s
        own, second = (of_model[name] for of_model in decided)
        events = find_events(own, clock, classes, name, duration_s, rules=first)
        result = Result(0, duration_s, classes, clock, by_class, tuple(events), (), 0.0, own, second=second)
        video = Video(name, name, "folder", name, 0, {}, 0.0)
        found += without_judged(suggestions_of(video, result), documents[name])
    return found


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
