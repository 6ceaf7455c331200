"""Every fault of a dataset at once: annotations, videos, features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Action, Finding
from augrgb.annotations.read import Judged, Source, flat, read_and_judge
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.progress import Progress
from augrgb.core.timeline import Clock
from augrgb.features.check import feature_findings
from augrgb.workflows.init import why_unfit
from augrgb.workflows.own_files import check_places, with_own_files

_ORDER: tuple[Action, ...] = ("refused", "dropped", "clipped", "kept", "noted")


@dataclass(frozen=True)
class FindingGroup:
    """All findings of one kind: what is done about them, how many, and the first of them."""

    code: str
    kind: str
    action: Action
    count: int
    examples: tuple[Finding, ...]


@dataclass(frozen=True)
class CheckReport:
    """What a check found; `annotations` is None when they could not be read at all.

    Args:
        unfit: What `data init`, `extract` or `train` would refuse although everything can be read.
    """

    format_name: str | None
    annotations: AnnotationSet | None
    findings: tuple[Finding, ...]
    unfit: tuple[AugrgbError, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether `init`, `extract` and `train` would accept it."""
        return self.readable and not self.unfit

    @property
    def readable(self) -> bool:
        """Whether nothing is refused, so that it can be converted and evaluated."""
        return not any(finding.action == "refused" for finding in self.findings)

    def groups(self, examples: int = 3) -> list[FindingGroup]:
        """Findings by kind, the gravest first."""
        kinds: dict[tuple[str, str, Action], list[Finding]] = {}
        for finding in self.findings:
            kinds.setdefault((finding.code, finding.kind, finding.action), []).append(finding)
        groups = [FindingGroup(*key, len(found), tuple(found[:examples])) for key, found in kinds.items()]
        return sorted(groups, key=lambda group: (_ORDER.index(group.action), group.code, group.kind))


def check_data(
    source: Source,
    *,
    features: Sequence[Path] = (),
    poses: Path | None = None,
    signal: Path | None = None,
    grid: Path | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check annotations, and videos, feature folders, poses and sensors where given. Nothing is changed or written.

    Args:
        features: Feature folders, one per modality.
        poses, signal, grid: Folders of pose and sensor files; a dataset folder names its own.
        clock: Clock of folders with third-party `.npy` files.

    Raises:
        UsageFault: An option is wrong. Faults of the data are findings, never raised.
    """
    places = {"poses": poses, "signal": signal, "grid": grid}
    check_places(places)
    try:
        judged = read_and_judge(source, progress)
    except AugrgbError as fault:
        faults = flat(fault)
        if any(single.exit_code != 3 for single in faults):
            raise
        found = [
            Finding(f.code, "cannot be read", "refused", f.where, f"{f.problem}. {f.remedy}".strip(" ."))
            for f in faults
        ]
        return CheckReport(None, None, tuple(found))
    found = list(judged.findings)
    if features:
        found.extend(feature_findings(judged.annotations, features, clock))
    found.extend(
        Finding(
            fault.code, "pose or sensor file", "refused", fault.where, f"{fault.problem}. {fault.remedy}".strip(" .")
        )
        for fault in with_own_files(judged.annotations.videos, places)[1]
    )
    return CheckReport(judged.format_name, judged.annotations, tuple(found), _unfit(judged, found))


def _unfit(judged: Judged, found: Sequence[Finding]) -> tuple[AugrgbError, ...]:
    """What a later command would refuse, of annotations without a refused finding."""
    if any(finding.action == "refused" for finding in found):
        return ()
    faults = list(why_unfit(judged))
    missing = [finding for finding in found if finding.code == "E-FEA-002"]
    for folder, count in Counter(finding.detail for finding in missing).items():
        problem = f"{count} of {len(judged.annotations.videos)} videos have no features"
        remedy = f"Extract them, or allow it when training: data.allow_missing={count}."
        faults.append(InputRefused("E-FEA-002", folder, problem, remedy))
    broken = judged.videos.cut if judged.videos is not None else {}
    for video_id, problem in broken.items():
        remedy = "Copy it again, or extract with --partial-video keep-prefix."
        faults.append(InputRefused("E-VID-003", video_id, problem, remedy))
    return tuple(faults)
