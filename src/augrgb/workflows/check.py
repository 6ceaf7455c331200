"""Every fault of a dataset at once: annotations, videos, features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Action, Finding
from augrgb.annotations.read import Source, flat, read_and_judge
from augrgb.core.errors import AugrgbError
from augrgb.core.progress import Progress
from augrgb.core.timeline import Clock
from augrgb.features.check import feature_findings

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
    """What a check found; `annotations` is None when they could not be read at all."""

    format_name: str | None
    annotations: AnnotationSet | None
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether `data init` would accept it."""
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
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check annotations, and videos and feature folders where given. Nothing is changed or written.

    Args:
        features: Feature folders, one per modality.
        clock: Clock of folders with third-party `.npy` files.

    Raises:
        UsageFault: An option is wrong. Faults of the data are findings, never raised.
    """
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
    return CheckReport(judged.format_name, judged.annotations, tuple(found))
