"""The catalogue of named protocols: every number that augrgb prints names one of these (see docs/protocols.md).

Conventions: values are fractions. Videos are taken in the order given; it matters only between equal scores.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.metrics import frame_map, tiou_map
from augrgb.metrics.evaluation import EvaluationInputs
from augrgb.metrics.protocol_runs import (
    Outcome,
    by_condition,
    by_events,
    by_frame_labels,
    by_frames,
    by_localize,
    by_tiou,
)

EVENT_MAP_THRESHOLDS = (0.1, 0.3, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to evaluate predictions.

    Args:
        name: Full name, as printed beside every number.
        summary: One line.
        needs: "scores" on a grid of snippets, or "detections".
        source: Whose protocol it is.
        run: Checked inputs -> value, AP per class, details.
        instead: The corrected form where the published one is wrong, "" if there is nothing to correct.
        takes_labels: Whether label arrays (T, K) can stand in for events.
    """

    name: str
    summary: str
    needs: Literal["scores", "detections"]
    source: str
    run: Callable[[EvaluationInputs], Outcome]
    instead: str = ""
    takes_labels: bool = False

    @property
    def is_published(self) -> bool:
        """Whether the protocol reproduces a publication, which counts events as they are written, unrepaired."""
        return self.source != _OURS


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageFault: There is none; names the nearest.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    event = re.fullmatch(r"(tsu|pku-mmd)/event@(0\.\d+|1\.0)", name)
    if event and float(event[2]) > 0:
        return _event_protocol(event[1], float(event[2]))
    conditional = re.fullmatch(r"action-conditional(/published)?@(-?\d{1,6})", name)
    if conditional:
        return _conditional_protocol(int(conditional[2]), published=bool(conditional[1]))
    raise UsageFault("E-MET-012", name, "no such protocol", did_you_mean(name, PROTOCOLS))


def _event_protocol(family: str, theta: float) -> Protocol:
    source = "ECHO960/PKU-MMD evaluate.py" if family == "pku-mmd" else "dairui01/TSU_evaluation Event_based_map.py"
    return Protocol(
        f"{family}/event@{theta:g}",
        f"mAP over all classes of events at overlap {theta:g}, many detections per event allowed",
        "detections",
        source,
        partial(by_events, theta=theta, on_empty_hull="nan" if family == "pku-mmd" else "zero"),
        "event-map",
    )


def _conditional_protocol(tau: int, *, published: bool = False) -> Protocol:
    condition = "at the same time" if tau == 0 else f"within {abs(tau)} snippets {'before' if tau > 0 else 'after'}"
    odd = "; undefined if a class is never a condition" + (", looks the wrong way" if tau < 0 else "")
    return Protocol(
        f"action-conditional{'/published' if published else ''}@{tau}",
        f"mAP of classes at snippets where another class is on {condition}{odd if published else ''}",
        "scores",
        "MS-TCT utils.py; Tirupattur et al. 2021",
        partial(by_condition, tau=tau, published=published),
        f"action-conditional@{tau}" if published else "",
        takes_labels=True,
    )


_FRAMES, _OURS = "per-frame mAP", "augrgb"
_SUPER_EVENTS, _PDAN, _LOCALIZE, _GSIG = (
    "super-events, MS-TCT Evaluation.py",
    "PDAN, MS-TCT training",
    "Charades_v1_localize.m",
    "gsig/charades-algorithms map.py",
)


def _frames(name: str, summary: str, source: str, instead: str = "", **options: Any) -> Protocol:
    run = partial(by_frames, **options)
    return Protocol(name, f"{_FRAMES}: {summary}", "scores", source, run, instead, takes_labels=True)


def _segmentation(family: str, source: str) -> list[Protocol]:
    """Frame-wise metrics of action segmentation, as one of the published scripts computes them."""
    short_last = family == "asformer"

    def protocol(name: str, summary: str, **options: Any) -> Protocol:
        run = partial(by_frame_labels, short_last=short_last, **options)
        return Protocol(f"{family}/{name}", summary, "scores", source, run, takes_labels=True)

    last = "; the last segment ends a frame early" if short_last else ""
    scores = [
        protocol(f"f1@{percent}", f"F1 of segments at overlap {percent} %{last}", value="f1", overlap=percent / 100)
        for percent in (10, 25, 50)
    ]
    if short_last:
        return scores
    return [
        protocol("mof", "share of frames with the right label, background included", value="mof"),
        protocol("edit", "segmental edit score, mean over videos", value="edit"),
        *scores,
    ]


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        _frames(
            "frame-map/present",
            "labels at snippet centers, mean over classes present",
            _OURS,
            labels="center",
            mean="present",
        ),
        _frames(
            "frame-map/all-classes",
            "labels at snippet centers, absent classes count as 0",
            _OURS,
            "frame-map/present",
            labels="center",
            mean="all-classes",
        ),
        _frames(
            "charades/frame",
            "labels at i / (T / duration), mean over classes present",
            _PDAN,
            "frame-map/present",
            labels="uniform",
            mean="present",
        ),
        _frames(
            "charades/frame-all-classes",
            "labels at i / (T / duration), absent classes count as 0",
            _SUPER_EVENTS,
            "frame-map/present",
            labels="uniform",
            mean="all-classes",
        ),
        _frames(
            "charades/25-points",
            "25 snippets per video, from snippet 1 in steps of T // 25; shorter videos left out",
            "MS-TCT (25 sampled)",
            "charades/25-even",
            labels="uniform",
            mean="present",
            rows=frame_map.sampled25_rows,
        ),
        _frames(
            "charades/25-even",
            "25 evenly spread snippets of every video, labels at snippet centers, mean over classes present",
            _OURS,
            labels="center",
            mean="present",
            rows=frame_map.evenly_sampled_rows,
        ),
        Protocol(
            "charades/localize",
            "mAP at 25 points per video, end points inclusive; undefined if a class is absent",
            "scores",
            _LOCALIZE,
            partial(by_localize, mean="published"),
            "charades/localize-present",
        ),
        Protocol(
            "charades/localize-present",
            "as charades/localize, mean over classes present",
            "scores",
            _OURS,
            partial(by_localize, mean="present"),
        ),
        _frames(
            "multithumos/frame",
            "labels at i / (T / duration), absent classes count as 0",
            "super-events multithumos",
            "frame-map/present",
            labels="uniform",
            mean="all-classes",
        ),
        _frames(
            "tsu/frame",
            "labels at i / (T / duration), mean over classes present",
            "dairui01/TSU_evaluation Frame_map",
            "frame-map/present",
            labels="uniform",
            mean="present",
        ),
        _frames(
            "frame-map/by-positives",
            "labels at snippet centers, classes weighted by their positives",
            _OURS,
            labels="center",
            mean="by-positives",
        ),
        _frames(
            "charades/gsig-map",
            "labels at i / (T / duration), undefined if a class is absent",
            _GSIG,
            "frame-map/present",
            labels="uniform",
            mean="undefined",
        ),
        _frames(
            "charades/gsig-weighted",
            "labels at i / (T / duration), classes weighted by their positives",
            _GSIG,
            "frame-map/by-positives",
            labels="uniform",
            mean="by-positives",
        ),
        _frames(
            "charades/gsig-charades-map",
            "as charades/gsig-map, snippets without any action sent to the end of the ranking (uses the truth)",
            _GSIG,
            "frame-map/present",
            labels="uniform",
            mean="undefined",
            corrected=True,
        ),
        *(_conditional_protocol(tau) for tau in (0, 20, 40)),
        *(_conditional_protocol(tau, published=True) for tau in (0, 20, 40)),
        *(_event_protocol(family, theta) for family in ("tsu", "pku-mmd") for theta in EVENT_MAP_THRESHOLDS),
        Protocol(
            "thumos14/tiou",
            "mAP averaged over tIoU 0.3, 0.4, ..., 0.7; duplicate and empty events left out",
            "detections",
            "actionformer metrics.py",
            partial(by_tiou, thresholds=tiou_map.THUMOS14, clean=True),
        ),
        Protocol(
            "activitynet/tiou",
            "mAP averaged over tIoU 0.5, 0.55, ..., 0.95",
            "detections",
            "ActivityNet eval_detection.py",
            partial(by_tiou, thresholds=tiou_map.ACTIVITYNET, clean=False),
            "activitynet/tiou-clean",
        ),
        Protocol(
            "activitynet/tiou-clean",
            "as activitynet/tiou, duplicate and empty events left out",
            "detections",
            _OURS,
            partial(by_tiou, thresholds=tiou_map.ACTIVITYNET, clean=True),
        ),
        *_segmentation("mstcn", "yabufarha/ms-tcn eval.py"),
        *_segmentation("asformer", "ChinaYi/ASFormer eval.py"),
        Protocol(
            "event-map",
            "one-to-one event mAP averaged over tIoU 0.1, 0.3, 0.5, 0.7, classes present",
            "detections",
            _OURS,
            partial(by_tiou, thresholds=EVENT_MAP_THRESHOLDS, clean=True),
        ),
    )
}
