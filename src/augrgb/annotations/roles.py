"""Roles of videos in splits: who may be in which, and the ids of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from augrgb.core.errors import AugrgbError, Hints, InputRefused, UsageFault, did_you_mean
from augrgb.core.opening import resolved
from augrgb.core.types import Dataset, VideoRecord

ROLES = ("encoder", "encoder_unlabelled", "train", "unlabelled", "val", "test")
_EXCLUSIVE = (*((r, "test") for r in ROLES[:-1]), ("train", "val"), ("unlabelled", "val"))
_EXCLUSIVE_LABELS = (("train", "unlabelled"), ("encoder", "encoder_unlabelled"))


def role(dataset: Dataset, split: str, role: str, *, allow_empty: bool = False) -> tuple[str, ...]:
    """The video ids of one role of one split.

    Raises:
        UsageFault: E-SPL-001, no such split; E-SPL-006, no such role; E-SPL-007, no videos in it, unless `allow_empty`.
    """
    if split not in dataset.splits:
        raise UsageFault("E-SPL-001", dataset.name, f"no split {split!r}", did_you_mean(split, dataset.splits))
    if role not in ROLES:
        raise UsageFault("E-SPL-006", f"{dataset.name} {split}", f"no role {role!r}", did_you_mean(role, ROLES))
    roles = dataset.splits[split]
    ids = tuple(roles.get(role, ()))
    if not ids and not allow_empty:
        filled = {name: len(members) for name, members in roles.items() if members}
        raise UsageFault(
            "E-SPL-007",
            f"{dataset.name} {split}",
            f"no videos in role {role!r}",
            f"Roles with videos: {filled or 'none'}.",
        )
    return ids


def check_splits(
    given: Mapping[str, Mapping[str, list[str]]],
    records: Mapping[str, VideoRecord],
    known: set[str],
    where_from: Path,
    faults: list[AugrgbError],
    *,
    whole: bool,
    allow_leakage: bool,
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """The splits of a file; what is wrong with them is added to `faults`.

    Args:
        known: Ids that the file names, sound or not.
        where_from: The file.
        whole: Every video of the file is in `records`; otherwise an unknown id may be that of a broken row.
        allow_leakage: A video may be trained or chosen on, and tested.
    """
    splits: dict[str, Mapping[str, tuple[str, ...]]] = {}
    hint = Hints(known)
    for split, roles in given.items():
        where = f"{where_from} splits.{split}"
        for name, ids in roles.items():
            if name not in ROLES:
                faults.append(InputRefused("E-SPL-012", where, f"no role {name!r}", did_you_mean(name, ROLES)))
            for video_id in dict.fromkeys(ids):
                # a video whose row is broken has its own fault already
                if video_id not in known and whole:
                    problem = f"no video {video_id!r}"
                    faults.append(InputRefused("E-SPL-003", f"{where}.{name}", problem, hint(video_id)))
            twice = [video_id for video_id, count in Counter(ids).items() if count > 1]
            if twice:
                faults.append(InputRefused("E-SPL-004", f"{where}.{name}", f"listed more than once: {_some(twice)}"))
        for one, other in _EXCLUSIVE if not allow_leakage else ():
            _refuse_overlap(one, other, roles, records, where, faults, "It would be trained or chosen on and tested.")
        for one, other in _EXCLUSIVE_LABELS:
            _refuse_overlap(one, other, roles, records, where, faults, "Its labels would be both used and unused.")
        splits[split] = MappingProxyType({name: tuple(ids) for name, ids in roles.items()})
    return splits


def _refuse_overlap(
    one: str,
    other: str,
    roles: Mapping[str, list[str]],
    records: Mapping[str, VideoRecord],
    where: str,
    faults: list[AugrgbError],
    why: str,
) -> None:
    """Refuse videos that are in both roles, by id or by being the same file."""

    def identities(ids: Iterable[str]) -> dict[object, str]:
        found: dict[object, str] = {}
        for video_id in ids:
            found[video_id] = video_id
            record = records.get(video_id)
            if record is not None and record.file is not None:
                found[resolved(record.file)] = video_id
        return found

    left, right = identities(roles.get(one, ())), identities(roles.get(other, ()))
    shared = sorted({left[key] for key in left.keys() & right.keys()})
    if shared:
        problem = f"{len(shared)} video(s) in both {one!r} and {other!r}: {_some(shared)}"
        faults.append(InputRefused("E-SPL-002", where, problem, why))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
