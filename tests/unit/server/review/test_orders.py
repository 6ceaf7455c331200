"""Orders of review, the second opinion, and what blind judgments say about the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.event_rule import EventRule, find_events
from augrgb.server.annotations.documents import Document, Drawn, EditedEvent, MachineEvent
from augrgb.server.jobs.results import Result
from augrgb.server.jobs.second_opinion import second_opinion_of
from augrgb.server.review.blind_estimate import blind_estimate
from augrgb.server.review.orders import ORDERS, Order, in_order
from augrgb.server.review.suggestions import Suggestion, suggestions_of
from augrgb.server.videos.index import Video

CLOCK = Clock(10, 2, 2)


def result_of(scores: list[float], second: list[float] | None = None) -> Result:
    own = np.array(scores)[:, None]
    rule = EventRule(0.5)
    duration_s = len(scores) * 0.2
    found: list[Detection] = find_events(own, CLOCK, ["drink"], "video", duration_s, rules=rule)
    other = None if second is None else np.array(second)[:, None]
    return Result(7, duration_s, ("drink",), CLOCK, (rule,), tuple(found), (), 0.0, own, second=other)


def suggested(scores: list[float], second: list[float] | None = None) -> tuple[Suggestion, ...]:
    return suggestions_of(Video("v", "v.mp4", "folder", "v.mp4", 0, {}, 0.0), result_of(scores, second))


def test_a_sharp_event_is_surer_of_its_boundaries_than_one_that_fades() -> None:
    (sharp,) = suggested([0.0, 0.0, 0.9, 0.9, 0.9, 0.0, 0.0])
    (fading,) = suggested([0.0, 0.35, 0.55, 0.9, 0.55, 0.35, 0.0])
    assert sharp.unsureness == 0 and fading.unsureness == pytest.approx(0.4)
    assert sharp.disagreement is None


def test_disagreement_is_that_of_the_scores_during_the_event() -> None:
    first, last = sorted(
        suggested([0.8, 0.8, 0.0, 0.0, 0.8, 0.8], [0.7, 0.7, 0.0, 0.0, 0.1, 0.1]), key=lambda one: one.start_s
    )
    assert first.disagreement == pytest.approx(0.1) and last.disagreement == pytest.approx(0.7)
    assert in_order([first, last], "disagreement")[0].start_s == last.start_s


def test_a_near_miss_is_suggested_and_a_clear_absence_is_not() -> None:
    (one,) = suggested([0.0, 0.4, 0.4, 0.0, 0.1, 0.0])
    assert not one.found and one.distance == pytest.approx(0.1) and one.job == 7


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_has_all_suggestions_whatever_their_own_order(order: Order) -> None:
    made = [
        Suggestion(video, video, "drink", float(n), n + 1.0, 0.5 + n / 100, 0.5, True, "", n / 30, 1 - n / 30)
        for video in "ab"
        for n in range(20)
    ]
    ordered = in_order(made, order)
    assert len({(one.video, one.start_s) for one in ordered}) == len(made)
    assert in_order(made[::-1], order) == ordered
    blind = [one.blind for one in ordered]
    assert all(blind) if order == "chance" else blind[:14] == ([False] * 6 + [True]) * 2
    assert all(one.reason == "by chance" for one in ordered if one.blind)


def test_without_a_second_model_disagreement_is_the_order_of_the_threshold() -> None:
    made = [Suggestion("a", "a", "drink", float(n), n + 1.0, 0.5 + n / 100, 0.5, True) for n in range(12)]
    assert [one.start_s for one in in_order(made, "disagreement")] == [
        one.start_s for one in in_order(made, "threshold")
    ]


def test_blind_judgments_count_for_the_model_that_detects_now() -> None:
    machine = MachineEvent(label="drink", start_s=0.0, end_s=1.0, score=0.6)

    def event(name: str, state: str, drawn: Drawn | None, label: str = "drink") -> EditedEvent:
        values = {"id": name, "label": label, "start_s": 0.0, "end_s": 1.0, "state": state}
        return EditedEvent.model_validate({**values, "machine": machine, "drawn": drawn})

    now, earlier = Drawn(shown=True, job=2), Drawn(shown=True, job=1)
    missed = Drawn(shown=False, job=2)
    events = [
        event("a", "accepted", now),
        event("b", "rejected", now),
        event("c", "corrected", now, "eat"),  # the class was wrong
        event("d", "accepted", earlier),
        event("e", "accepted", None),
        event("f", "unsure", now),
        event("g", "corrected", missed),
    ]
    found = blind_estimate({"v": Document(events=events)}, {"v": 2})
    assert (found.shown.drawn, found.shown.right) == (3, 1) and (found.missed.drawn, found.missed.right) == (1, 1)
    assert found.shown.low < 1 / 3 < found.shown.high
    assert blind_estimate({}, {}).shown.drawn == 0


def test_the_second_opinion_is_the_other_method_or_one_of_a_fold(tmp_path: Path) -> None:
    assert second_opinion_of(tmp_path / "bundle") is None
    (tmp_path / "summary.json").write_text(json.dumps({"chosen": "rgb"}))
    for name in ("rgb-0", "rgb-fold1-0", "flow-0"):
        make_stream(tmp_path / "work" / "streams" / name)
    assert second_opinion_of(tmp_path / "bundle") == tmp_path / "work" / "streams" / "rgb-fold1-0"
    make_stream(tmp_path / "work" / "streams" / "augmented-0")
    assert second_opinion_of(tmp_path / "bundle") == tmp_path / "work" / "streams" / "augmented-0"
    (tmp_path / "work" / "streams" / "augmented-0" / "result.json").unlink()  # not finished
    assert second_opinion_of(tmp_path / "bundle") == tmp_path / "work" / "streams" / "rgb-fold1-0"


def make_stream(folder: Path) -> None:
    (folder / "encoder").mkdir(parents=True)
    for part in ("result.json", "model.json", "model.safetensors", "encoder/model.json"):
        (folder / part).touch()
