"""Which videos a fit trains, chooses and tests on: one held-out part, or folds where there are few videos."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from augrgb.annotations.folds import choose_folds, foldable
from augrgb.annotations.roles import role
from augrgb.annotations.shared_units import seen_in_training
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.types import Dataset
from augrgb.pipelines.fitting.project import Project

Roles = Mapping[str, tuple[str, ...]]
FINAL = "final"
SENSORS = ("pose", "signal", "grid")


@dataclass(frozen=True)
class Design:
    """The splits of a fit.

    Args:
        splits: Name -> role -> ids.
        folds: Names of the splits whose `test` videos are held out in turn; () = one held-out part.
        final: Name of the split that the bundle's models are trained on.
        why: How videos are held out, in a sentence.
    """

    splits: Mapping[str, Roles]
    folds: tuple[str, ...]
    final: str
    why: str

    @property
    def tested(self) -> tuple[str, ...]:
        """Videos on which nothing is trained or chosen."""
        return self.splits[self.final].get("test", ())

    @property
    def judged(self) -> tuple[str, ...]:
        """Videos on which method and thresholds are chosen: held out from the models that score them."""
        if not self.folds:
            return self.splits[self.final]["val"]
        return tuple(name for fold in self.folds for name in self.splits[fold]["test"])

    @property
    def videos(self) -> tuple[str, ...]:
        """Every video that is used."""
        return tuple(dict.fromkeys(i for roles in self.splits.values() for ids in roles.values() for i in ids))

    def fold_of(self, video_id: str) -> str:
        """The fold that holds a video out."""
        return next(fold for fold in self.folds if video_id in self.splits[fold]["test"])


def make_design(project: Project, dataset: Dataset) -> Design:
    """The splits of a project: those of the dataset, or folds (`annotations.folds`).

    Raises:
        UsageFault: E-SPL-001 (no such split), E-SPL-007 (an empty role), E-RUN-010 (folds with unknown videos).
    """
    split = project.split
    groups, why = _folds(project, dataset)
    if not groups:
        roles = {name: tuple(ids) for name, ids in dataset.splits[split].items()}
        for part in ("encoder", "train", "val", "test"):
            role(dataset, split, part)
        seen = seen_in_training(dataset.videos, (*roles["train"], *roles["encoder"]), roles["val"])
        why = "the dataset's split: chosen on validation, measured on test"
        return Design({split: roles}, (), split, f"{why}; {seen}" if seen else why)
    held = {name for group in groups for name in group}
    given = dataset.splits[split]
    test = tuple(name for name in given.get("test", ()) if name not in held)
    free = {
        part: tuple(i for i in given.get(part, ()) if i not in held) for part in ("unlabelled", "encoder_unlabelled")
    }
    everything = tuple(name for group in groups for name in group)
    # Training videos that came after the folds were written, such as corrected ones, are trained on in every fold.
    everything += tuple(name for name in given.get("train", ()) if name not in held and name not in test)

    def roles_of(trained: tuple[str, ...], tested: tuple[str, ...]) -> Roles:
        return {"train": trained, "encoder": trained, **free, "val": (), "test": tested}

    splits = {
        f"fold{number}": roles_of(tuple(i for i in everything if i not in group), tuple(group))
        for number, group in enumerate(groups, start=1)
    }
    folds = tuple(splits)
    splits[FINAL] = roles_of(everything, test)
    return Design(splits, folds, FINAL, why)


def _folds(project: Project, dataset: Dataset) -> tuple[tuple[tuple[str, ...], ...], str]:
    split = project.split
    if split not in dataset.splits:
        raise UsageFault("E-SPL-001", dataset.name, f"no split {split!r}", did_you_mean(split, dataset.splits))
    if project.folds is None:
        ids = foldable(dataset, split)
        if not ids:
            return (), ""
        found = choose_folds(dataset.videos, ids, seed=project.seed)
        return found.groups, f"{len(found.groups)} folds; {found.why}"
    known = [name for group in project.folds for name in group]
    unknown = [name for name in known if name not in dataset.videos]
    bad = [name for name in known if name in dataset.videos and dataset.videos[name].events is None]
    if unknown or bad or len(set(known)) < len(known) or len(project.folds) == 1:
        what = (
            f"no video {unknown[0]!r}" if unknown
            else f"{bad[0]!r} was never annotated" if bad
            else "one fold is none; give at least two" if len(project.folds) == 1
            else "a video is in two folds"
        )  # fmt: skip
        raise UsageFault("E-RUN-010", "folds", what, "Correct it, or make the project again with `augrgb init`.")
    return tuple(tuple(group) for group in project.folds), f"{len(project.folds)} folds, those of the project file"


def without(design: Design, lost: Collection[str]) -> Design:
    """The design without some videos.

    Raises:
        InputRefused: E-RUN-014, too few are left.
    """
    gone = set(lost)
    splits = {
        split: {part: tuple(i for i in ids if i not in gone) for part, ids in roles.items()}
        for split, roles in design.splits.items()
    }
    folds = tuple(fold for fold in design.folds if splits[fold]["test"])
    kept = {split: roles for split, roles in splits.items() if split in folds or split == design.final}
    needed = ("train", "encoder") if folds else ("train", "encoder", "val", "test")
    empty = [part for part in needed if not kept[design.final][part]]
    if empty or (design.folds and len(folds) < 2):
        what = f"no videos are left for {', '.join(empty)}" if empty else "videos are left in one fold only"
        raise InputRefused("E-RUN-014", design.final, what, "Repair the videos listed above, or add others.")
    return Design(kept, folds, design.final, design.why)


def usable_sensors(design: Design, dataset: Dataset) -> dict[str, str]:
    """Other modalities than video -> "" if they can teach in every split, else why not; only those that exist."""
    found: dict[str, str] = {}
    for kind in SENSORS:
        having = {name for name in design.videos if dataset.videos[name].source(kind) is not None}
        if not having:
            continue
        poor = [
            split
            for split, roles in design.splits.items()
            if min(sum(i in having for i in roles["train"]), sum(i in having for i in roles["encoder"])) < 2
            or (roles.get("val") and not having & set(roles["val"]))
        ]
        found[kind] = f"too few training or validation videos of {', '.join(poor)} have it" if poor else ""
    return found
