"""First recipes for a new dataset: clock and filter chosen from its events, with the reasons written beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from augrgb.annotations.folds import FEW_VIDEOS, choose_folds, foldable
from augrgb.core.files import write_text
from augrgb.core.types import Dataset
from augrgb.sensors.files import MODALITIES
from augrgb.weights import kept_file, weights_entry
from augrgb.weights.tuning import TUNED_BATCH, TUNED_FROZEN, TUNED_LEARNING_RATE, TUNED_STEPS, TUNED_WEIGHTS

_FPS = 15
_STRIDES = (16, 8, 4)
_SMALL = "encoder: {small_rgb: {}}\n"
_PRETRAINED = (
    "encoder: {efficientnet_lite: {}}\n"
    f"init: {{weights: {TUNED_WEIGHTS}, freeze: {list(TUNED_FROZEN)}}}\n"
    f"train: {{steps: {TUNED_STEPS}, batch_size: {TUNED_BATCH}, learning_rate: {TUNED_LEARNING_RATE}, "
    f"validate_every: {TUNED_STEPS // 3}, checkpoint_every: {TUNED_STEPS // 3}}}\n"
)
_TAKEN = "sensors: true  # false: flow alone teaches\n"
_SIZE = ", size: [224, 168]"


def write_recipes(dataset: Dataset, split: str, folder: Path) -> tuple[list[Path], list[str]]:
    """Write `project.yaml` (for `augrgb fit`), `encoder.yaml` and `recipe.yaml` into a dataset folder.

    The stride is the largest of 16, 8, 4 frames at 15 fps of which two fit into a short event (10th percentile); the
    filter gets as many layers as it takes to see a long event (90th percentile) whole. The encoder is
    `efficientnet_lite` if its weights are in the cache, else `small_rgb`.

    Returns:
        The files, and the reasons as sentences.
    """
    videos = [dataset.videos[name] for name in dataset.splits[split]["train"]]
    lengths = np.array([event.end_s - event.start_s for video in videos for event in video.events or ()])
    short, long = (float(np.percentile(lengths, share)) for share in (10, 90)) if lengths.size else (1.0, 10.0)
    stride = next((s for s in _STRIDES if 2 * s / _FPS <= short), _STRIDES[-1])
    window, stride_s = max(8, stride), stride / _FPS
    layers = next((n for n in range(3, 9) if (2 ** (n + 1) - 1) * stride_s >= long), 8)
    seen_s = (2 ** (layers + 1) - 1) * stride_s
    reasons = [
        f"Short events last {short:.1f} s (10th percentile): a snippet every {stride_s:.2f} s.",
        f"Long events last {long:.1f} s (90th percentile): {layers} layers see {seen_s:.0f} s.",
    ]
    pretrained = kept_file(weights_entry(TUNED_WEIGHTS)) is not None
    if pretrained:
        reasons.append(f"The encoder starts from {TUNED_WEIGHTS}, pretrained on ImageNet; its last blocks are trained.")
    else:
        reasons.append(
            "The encoder is small and starts from nothing. For one pretrained on ImageNet: "
            f"`augrgb weights get {TUNED_WEIGHTS}`, then `augrgb init` again."
        )
    sensors = _sensors(dataset)
    reasons += [sensors] if sensors else []
    comment = "".join(f"# {reason}\n" for reason in reasons)
    place = folder.as_posix()
    encoder, stream = folder / "encoder.yaml", folder / "recipe.yaml"
    write_text(
        encoder,
        f"# augrgb train-encoder {encoder.as_posix()} -o runs/encoder\n{comment}"
        f"data: {{dataset: {_quoted(place)}, split: {_quoted(split)}{_SIZE if pretrained else ''}}}\n"
        f"{_PRETRAINED if pretrained else _SMALL}"
        f"clock: {{fps: {_FPS}, window: {window}, stride: {stride}}}\n",
    )
    features = f"{place}/features/rgb"
    write_text(
        stream,
        f"# augrgb extract {place} runs/encoder -o {features}\n"
        f"# augrgb train {stream.as_posix()} -o runs/rgb\n{comment}"
        f"data:\n  dataset: {_quoted(place)}\n  split: {_quoted(split)}\n  features: {{rgb: {_quoted(features)}}}\n"
        f"student: {{modality: rgb, filter: {{sd_tcn: {{layers: {layers}, width: 128}}}}}}\n",
    )
    project = folder / "project.yaml"
    folds, why = _folds(dataset, split)
    reasons += [why] if why else []
    write_text(
        project,
        f"# augrgb fit {project.as_posix()}\n{comment}"
        f"dataset: .\nsplit: {_quoted(split)}\n"
        f"clock: {{fps: {_FPS}, window: {window}, stride: {stride}}}\nlayers: {layers}\n"
        f"{'encoder: efficientnet_lite' if pretrained else 'encoder: small'}\n"
        "# encoder: motion   # instead: it sees only motion, for places that no training video shows\n"
        f"# look_ahead: 1.0   # seconds; without the first #, the detector can also follow a camera (augrgb watch)\n"
        f"{_TAKEN if sensors else ''}{folds}",
    )
    return [project, encoder, stream], reasons


def _sensors(dataset: Dataset) -> str:
    """Which sensors how many videos have, as a sentence; empty if there are none."""
    counts = {kind: sum(v.source(kind) is not None for v in dataset.videos.values()) for kind in ("pose", *MODALITIES)}
    having = ", ".join(f"{kind} of {count} of {len(dataset.videos)} videos" for kind, count in counts.items() if count)
    return f"Sensors: {having}; `augrgb fit` takes them as teachers besides flow." if having else ""


def _folds(dataset: Dataset, split: str) -> tuple[str, str]:
    """The folds of a small dataset as YAML, and the reason as a sentence."""
    ids = foldable(dataset, split)
    if not ids:
        return "", ""
    folds = choose_folds(dataset.videos, ids)
    why = f"Fewer than {FEW_VIDEOS} labeled videos: {len(folds.groups)} folds are held out in turn; {folds.why}."
    rows = "".join(f"- [{', '.join(map(_quoted, group))}]\n" for group in folds.groups)
    return f"# {why}\nfolds:\n{rows}", why


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
