"""What the demo trains: methods, their recipes, and the rows of its table.

Settings were chosen on validation videos of the same world, plain RGB included (see docs/results/history.md); the
difficulty of the world was set by plain streams before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augrgb.world.settings import WorldSettings

WORLD = WorldSettings()

TEMPORAL: dict[str, dict[str, Any]] = {
    "atomic_contrastive": {"weight": 0.1},
    "global_relation": {"weight": 0.1},
    "boundary_saliency": {"weight": 0.5},
}
LOGITS: dict[str, dict[str, Any]] = {"logit_kd": {"weight": 1.0}}
ENCODER_TERM: dict[str, dict[str, Any]] = {"atomic_contrastive": {"weight": 0.3}}

CLOCK = {"fps": 15, "window": 8, "stride": 8}
ENCODER_TRAIN = {"batch_size": 32, "learning_rate": 2e-3, "weight_decay": 0.05, "warmup_steps": 30}
ENCODER_STEPS = {"rgb": 750, "flow": 750, "pose": 750}
STREAM_TRAIN = {
    "steps": 200,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "weight_decay": 0.3,
    "validate_every": 40,
    "checkpoint_every": 200,
}
FILTER = {"sd_tcn": {"width": 128, "dropout": 0.6}}
TEACHERS = ("flow", "pose")


@dataclass(frozen=True)
class Method:
    """An RGB-only student.

    Args:
        key: Name of its run folders.
        name, group, note: What people see.
        encoder: Which RGB encoder it stands on: `rgb` (labels only) or `augmented`.
        losses: Distillation terms of its temporal filter.
    """

    key: str
    name: str
    group: str
    encoder: str = "rgb"
    losses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str = ""


def _only(name: str) -> dict[str, dict[str, Any]]:
    return {name: TEMPORAL[name]}


METHODS = (
    Method("rgb", "RGB", "Baseline", note="labels only"),
    Method("atomic", "+ atomic", "Temporal losses", losses=_only("atomic_contrastive")),
    Method("global", "+ global relations", "Temporal losses", losses=_only("global_relation")),
    Method("boundary", "+ boundary saliency", "Temporal losses", losses=_only("boundary_saliency")),
    Method("three", "+ all three losses", "Temporal losses", losses=TEMPORAL, note="the paper's method"),
    Method("logits", "+ logit distillation", "Logits", losses=LOGITS),
    Method("encoder", "Augmented encoder", "Encoder level", encoder="augmented"),
    Method(
        "augmented",
        "Augmented-RGB",
        "All",
        encoder="augmented",
        losses={**TEMPORAL, **LOGITS},
        note="augmented encoder, three losses, logits",
    ),
)


@dataclass(frozen=True)
class Fusion:
    """Streams whose scores are averaged at test time."""

    key: str
    name: str
    group: str
    members: tuple[str, ...]
    extra_sensors: tuple[str, ...]
    note: str = ""


FUSIONS = (
    Fusion("flow", "Flow", "Teachers", ("flow",), ("flow",)),
    Fusion("pose", "Pose", "Teachers", ("pose",), ("pose",)),
    Fusion("rgb+flow", "RGB + flow", "Two-stream", ("rgb", "flow"), ("flow",)),
    Fusion("rgb+pose", "RGB + pose", "Two-stream", ("rgb", "pose"), ("pose",)),
    Fusion("rgb+flow+pose", "RGB + flow + pose", "Two-stream", ("rgb", "flow", "pose"), ("flow", "pose")),
    Fusion(
        "augmented+flow+pose",
        "Augmented-RGB + flow + pose",
        "Augmented two-stream",
        ("augmented", "flow", "pose"),
        ("flow", "pose"),
    ),
)


@dataclass(frozen=True)
class Places:
    """Folders of one arm of the demo (a quarter of the labels, or all of them).

    Args:
        root: The demo's folder.
        arm: `quarter` or `full`.
    """

    root: Path
    arm: str

    @property
    def world(self) -> Path:
        """The dataset."""
        return self.root / "world"

    @property
    def frames(self) -> Path:
        """Decoded frames."""
        return self.root / "frames"

    def suffix(self) -> str:
        """End of the split names of this arm."""
        return "" if self.arm == "quarter" else "_full"

    def encoder(self, kind: str, seed: int) -> Path:
        """Run folder of an encoder."""
        return self.root / self.arm / "encoders" / (f"{kind}-{seed}" if kind not in TEACHERS else kind)

    def features(self, kind: str, seed: int) -> Path:
        """Feature folder of an encoder."""
        return self.root / self.arm / "features" / (f"{kind}-{seed}" if kind not in TEACHERS else kind)

    def stream(self, key: str, seed: int) -> Path:
        """Run folder of a stream."""
        return self.root / self.arm / "streams" / f"{key}-{seed}"


def encoder_recipe(places: Places, kind: str, seed: int) -> dict[str, Any]:
    """Recipe of an encoder: `rgb`, `augmented`, `flow` or `pose`."""
    modality = "rgb" if kind == "augmented" else kind
    steps = ENCODER_STEPS[modality]
    values: dict[str, Any] = {
        "data": {
            "dataset": str(places.world),
            "split": f"cross_subject{places.suffix()}",
            "frames": str(places.frames),
        },
        "encoder": {f"small_{modality}": {}},
        "clock": CLOCK,
        "train": {**ENCODER_TRAIN, "steps": steps, "validate_every": steps // 4, "checkpoint_every": steps // 4},
        "seed": seed,
    }
    if kind == "augmented":
        teachers = {teacher: str(places.encoder(teacher, seed)) for teacher in TEACHERS}
        values["distill"] = {"teachers": teachers, "losses": ENCODER_TERM, "unlabelled_share": 0.5}
    return values


def stream_recipe(places: Places, key: str, seed: int) -> dict[str, Any]:
    """Recipe of a stream: a method's key, or a teacher's modality."""
    method = next((method for method in METHODS if method.key == key), None)
    modality = "rgb" if method is not None else key
    encoder = method.encoder if method is not None else key
    features = {modality: str(places.features(encoder, seed))}
    values: dict[str, Any] = {
        "data": {"dataset": str(places.world), "split": f"cross_subject{places.suffix()}", "features": features},
        "student": {"modality": modality, "filter": FILTER},
        "train": STREAM_TRAIN,
        "seed": seed,
    }
    if method is not None and method.losses:
        for teacher in TEACHERS:
            features[teacher] = str(places.features(teacher, seed))
        teachers = {teacher: str(places.stream(teacher, seed)) for teacher in TEACHERS}
        weights = dict.fromkeys(TEACHERS, 1 / len(TEACHERS))
        values["distill"] = {"teachers": teachers, "teacher_mixing": weights, "losses": dict(method.losses)}
        values["distill"]["unlabelled_share"] = 0.5
    return values
