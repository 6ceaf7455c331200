"""Plausible, seeded report data for the report tests: a story that resembles a real comparison, and hostile strings."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from augrgb.core.seeds import rng_at
from augrgb.core.types import Detection, Event
from augrgb.parallel.jobs import StageCost
from augrgb.report.data import (
    Ablation,
    AblationBar,
    ClassGain,
    ClassGains,
    Comparison,
    CurveLine,
    CurvePanel,
    DetectionPage,
    Fact,
    GapShare,
    Lane,
    MethodRow,
    Note,
    Protocol,
    ReportData,
    Score,
    ScoreCurves,
    TimelineExample,
)
from augrgb.report.film_strip import film_strip

LOWER = ("stand", "walk", "sit down", "stand up", "squat", "turn left", "turn right")
UPPER = ("drink", "wave left", "wave right", "reach up", "wipe table", "stir", "phone call", "clap")
CLASSES = LOWER + UPPER
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "a|b\n| c", "=HYPERLINK(1)", "[bold]x[/nope]")

ROWS = (  # name, group, mean gain, extra sensors
    ("RGB", "Baseline", 0.0, ()),
    ("atomic", "Temporal losses", 0.012, ()),
    ("global", "Temporal losses", 0.004, ()),
    ("boundary", "Temporal losses", -0.006, ()),
    ("all three", "Temporal losses", 0.036, ()),
    ("logit distillation", "Logits", 0.061, ()),
    ("cosine", "Encoder level", 0.118, ()),
    ("contrastive", "Encoder level", 0.104, ()),
    ("Augmented-RGB", "All", 0.152, ()),
    ("flow", "Teachers", 0.11, ("flow",)),
    ("pose", "Teachers", 0.221, ("pose",)),
    ("RGB + pose", "Two-stream", 0.247, ("pose",)),
)


def score(seed: int, place: str, mean: float, gain: float, seeds: int = 3, videos: int = 24) -> Score:
    rng = rng_at(seed, "score", place)
    values = tuple(float(value) for value in mean + gain + rng.normal(0, 0.008, seeds))
    half = 0.012 + 0.01 * float(rng.random())
    several = seeds > 1
    is_base = gain == 0.0
    return Score(
        values=values,
        mean=float(np.mean(values)),
        std=float(np.std(values, ddof=1)) if several else None,
        delta=None if is_base else gain,
        delta_low=gain - half if several and not is_base else None,
        delta_high=gain + half if several and not is_base else None,
        videos_scored=videos,
        videos_total=videos,
    )


def comparison(seed: int = 0, seeds: int = 3) -> Comparison:
    protocols = (
        Protocol("per-frame mAP, cross-subject", "frame-mAP/1", "Mean over classes of the AP over all frames."),
        Protocol("per-frame mAP, cross-view", "frame-mAP/1"),
        Protocol("event mAP@0.3, cross-subject", "event-mAP/1"),
    )
    bases = (0.412, 0.334, 0.291)
    rows = tuple(
        MethodRow(
            name,
            group,
            tuple(score(seed, f"{name}{k}", base, gain * (1 - 0.15 * k), seeds) for k, base in enumerate(bases)),
            sensors,
            baseline=name == "RGB",
            featured=name == "Augmented-RGB",
        )
        for name, group, gain, sensors in ROWS
    )
    return Comparison(protocols, rows)


def truth(seed: int, duration_s: float, classes: tuple[str, ...] = CLASSES) -> tuple[Event, ...]:
    """Two independent channels of actions, one after the other within a channel."""
    events = []
    half = max(1, len(classes) // 2)
    for channel, labels in enumerate((classes[:half], classes[half:] or classes)):
        rng = rng_at(seed, "truth", channel)
        time = float(rng.uniform(0, 2))
        while time < duration_s - 1.5:
            length = float(rng.uniform(1.2, 4.5))
            end = min(duration_s, time + length)
            events.append(Event(str(labels[int(rng.integers(len(labels)))]), time, end))
            time = end + float(rng.uniform(0.2, 2.0))
    return tuple(events)


def detections(
    seed: int, name: str, events: tuple[Event, ...], duration_s: float, skill: float, classes: Any = CLASSES
) -> Any:
    rng = rng_at(seed, "detections", name)
    found = []
    for event in events:
        if rng.random() < skill:
            start = max(0.0, event.start_s + float(rng.normal(0, 0.5 * (1 - skill) + 0.1)))
            end = min(duration_s, max(start + 0.3, event.end_s + float(rng.normal(0, 0.5 * (1 - skill) + 0.1))))
            found.append(Detection("v", event.label, start, end, float(rng.uniform(0.4, 1.0))))
    for _ in range(round((1 - skill) * 12)):
        start = float(rng.uniform(0, duration_s - 2))
        label = str(classes[int(rng.integers(len(classes)))])
        found.append(Detection("v", label, start, start + float(rng.uniform(0.4, 1.8)), float(rng.uniform(0.3, 0.7))))
    return tuple(found)


def frames(seed: int, count: int) -> tuple[str, ...]:
    """A stick figure that walks through a room."""
    pictures = []
    for place in range(count):
        picture = np.full((120, 160, 3), (196, 188, 176), np.uint8)
        picture[84:] = (150, 132, 112)
        x, swing = 30 + int(100 * (0.5 + 0.5 * np.sin(0.5 * place + seed))), int(10 * np.sin(place * 1.3))
        for a, b in (((x, 40), (x, 70)), ((x, 70), (x - 8 - swing // 2, 100)), ((x, 70), (x + 8 + swing // 2, 100))):
            cv2.line(picture, a, b, (60, 80, 130), 7, cv2.LINE_AA)
        cv2.line(picture, (x, 46), (x - 14, 58 - swing), (60, 80, 130), 5, cv2.LINE_AA)
        cv2.line(picture, (x, 46), (x + 14, 58 + swing), (60, 80, 130), 5, cv2.LINE_AA)
        cv2.circle(picture, (x, 30), 9, (224, 180, 150), -1, cv2.LINE_AA)
        pictures.append(picture)
    return tuple(film_strip(pictures, 64))


def curves(
    seed: int, events: tuple[Event, ...], duration_s: float, classes: Any = CLASSES, stride_s: float = 8 / 15
) -> Any:
    times = np.arange(0.5 * stride_s, duration_s, stride_s)
    values = np.abs(rng_at(seed, "curves").normal(0.05, 0.04, (len(times), len(classes))))
    for event in events:
        if event.label in classes:
            inside = (times >= event.start_s) & (times < event.end_s)
            values[inside, classes.index(event.label)] += 0.7
    return ScoreCurves(tuple(classes), times, np.clip(values, 0, 1))


def example(seed: int = 1, duration_s: float = 40.0, with_curves: bool = False) -> TimelineExample:
    events = truth(seed, duration_s)
    lanes = tuple(
        Lane(
            name,
            detections(seed, name, events, duration_s, skill),
            curves(seed, events, duration_s) if with_curves and name == "Augmented-RGB" else None,
            sensors,
        )
        for name, skill, sensors in (
            ("RGB", 0.55, ()),
            ("Augmented-RGB", 0.8, ()),
            ("Two-stream", 0.92, ("pose",)),
        )
    )
    return TimelineExample(f"S07-C2-{seed:03d}", duration_s, frames(seed, 14), events, lanes)


def report(seed: int = 0) -> ReportData:
    rng = rng_at(seed, "report")
    base = rng.uniform(0.15, 0.8, len(CLASSES))
    gains = tuple(
        ClassGain(name, float(low), float(np.clip(low + rng.normal(0.08, 0.09), 0, 1)), int(rng.integers(4, 60)))
        for name, low in zip(CLASSES, base, strict=True)
    )
    steps = tuple(float(step) for step in range(0, 2001, 50))
    lines = [
        CurveLine(
            name,
            steps,
            tuple(float(v) for v in top * (1 - np.exp(-np.array(steps) / 500)) + rng.normal(0, 0.008, len(steps))),
        )
        for name, top in (("RGB", 0.41), ("Augmented-RGB", 0.56))
        for _ in range(3)
    ]
    losses = [
        CurveLine(
            name,
            steps,
            tuple(float(v) for v in 0.5 * np.exp(-np.array(steps) / 400) + floor + rng.normal(0, 0.006, len(steps))),
        )
        for name, floor in (("RGB", 0.14), ("Augmented-RGB", 0.11))
        for _ in range(3)
    ]
    return ReportData(
        title="augrgb demo on the embedded world",
        story="A network that saw flow and pose only while it was trained detects actions from RGB alone. 16 videos "
        "with labels and 144 without, rendered from the embedded world; tested on new people and new cameras.",
        facts=(
            Fact("Videos", "208"),
            Fact("Hours", "2.3"),
            Fact("Classes", str(len(CLASSES))),
            Fact("Labelled share", "10 % (16 of 160)"),
            Fact("Seeds", "0, 1, 2"),
            Fact("Hardware", "2 CPU cores, 8 GiB"),
            Fact("Total time", "24 min 10 s"),
            Fact("Version", "0.1.0 (83b83e0)"),
            Fact("Command", "augrgb demo --out demo --seeds 3 --videos 208 --unlabelled 144 --teachers flow,pose"),
        ),
        comparison=comparison(seed),
        gaps=(
            GapShare("RGB + pose", "per-frame mAP, cross-subject", 0.412, 0.564, 0.659, 0.615),
            GapShare("pose", "per-frame mAP, cross-subject", 0.412, 0.564, 0.633, 0.688),
            GapShare("flow", "per-frame mAP, cross-view", 0.412, 0.55, 0.40, None),
        ),
        class_gains=ClassGains(
            "per-frame mAP, cross-subject", "RGB", "Augmented-RGB", (*gains, ClassGain("kneel", None, None, 0))
        ),
        ablation=Ablation(
            "Which loss does what",
            "per-frame mAP, cross-subject",
            tuple(
                AblationBar(
                    name,
                    0.412 + gain,
                    0.412 + gain - 0.015,
                    0.412 + gain + 0.015,
                    tuple(0.412 + gain + d for d in (-0.006, 0.001, 0.005)),
                )
                for name, gain in (
                    ("atomic", 0.012),
                    ("global", 0.004),
                    ("boundary", -0.006),
                    ("atomic + global", 0.02),
                    ("all three", 0.036),
                )
            ),
            0.412,
        ),
        timelines=(example(1), example(2, with_curves=True)),
        curves=(
            CurvePanel("Validation per-frame mAP, %", tuple(lines), percent=True),
            CurvePanel("Training loss", tuple(losses)),
        ),
        costs=tuple(
            StageCost(name, seconds, seconds, size)
            for name, seconds, size in (
                ("make the world", 210, 640),
                ("decode and flow", 160, 410),
                ("train encoders", 620, 1450),
                ("extract features", 75, 520),
                ("train streams", 340, 880),
                ("evaluate", 22, 390),
            )
        ),
        notes=(
            Note(
                "Where it does not help",
                "With every video labelled, no temporal-level loss moved RGB by more than its own spread over seeds. "
                "Boundary saliency alone is slightly worse than plain RGB.",
            ),
            Note(
                "What this is not",
                "Rendered video is easier than a living room: the order of methods may carry over, not the numbers.",
            ),
        ),
        classes=CLASSES,
    )


def detected(seed: int = 3, duration_s: float = 95.0) -> DetectionPage:
    events = truth(seed, duration_s)
    return DetectionPage(
        name="kitchen <morning>.mp4",
        duration_s=duration_s,
        frames=frames(seed, 18),
        detections=detections(seed, "d", events, duration_s, 0.8),
        curves=curves(seed, events, duration_s),
        video_facts=(Fact("Length", "1 min 35 s"), Fact("Size", "640 × 480, 25 fps"), Fact("Codec", "h264")),
        model_facts=(
            Fact("Model", "Augmented-RGB"),
            Fact("Classes", "15"),
            Fact("Teachers while training", "flow, pose"),
        ),
        classes=CLASSES,
    )


def long_video(count: int = 2000, duration_s: float = 7200.0) -> DetectionPage:
    rng = rng_at(5, "long")
    starts = rng.uniform(0, duration_s - 20, count)
    found = tuple(
        Detection(
            "v",
            CLASSES[int(rng.integers(len(CLASSES)))],
            float(s),
            float(s + rng.uniform(0.5, 15)),
            float(rng.random()),
        )
        for s in starts
    )
    return DetectionPage("two hours.mp4", duration_s, frames(5, 40), found, curves(5, (), duration_s), classes=CLASSES)


def hostile() -> ReportData:
    """Every string that a file may bring is markup or control characters; numbers are absent where they may be."""
    bad = HOSTILE[0] + HOSTILE[1]
    nan = float("nan")
    rows = (
        MethodRow(bad, bad, (Score((nan, nan), nan), None), (bad,), baseline=True, note=bad),
        MethodRow(HOSTILE[2], bad, (Score((0.5,), 0.5, delta=nan), Score((), None)), featured=True),
        MethodRow(HOSTILE[3], "g", (Score((0.4,), 0.4, delta=0.1, videos_scored=3, videos_total=4), None)),
        MethodRow(HOSTILE[4], "g", (None, None)),
    )
    events = tuple(Event(label, 2.0 * k, 2.0 * k + 1.5) for k, label in enumerate(HOSTILE))
    found = tuple(Detection(bad, event.label, event.start_s + 0.5, event.end_s, 0.5) for event in events)
    return ReportData(
        title=bad,
        story=bad,
        facts=(Fact(bad, bad),),
        comparison=Comparison((Protocol(bad, bad, bad), Protocol("q")), rows),
        gaps=(GapShare(bad, bad, nan, nan, nan, nan),),
        class_gains=ClassGains(bad, bad, bad, (ClassGain(bad, nan, 0.5), ClassGain("x", None, None))),
        ablation=Ablation(bad, bad, (AblationBar(bad, nan), AblationBar("b", 0.5)), None, bad),
        timelines=(
            TimelineExample(bad, 12.0, frames(0, 2), events, (Lane(bad, found, extra_sensors=(bad,)),), bad),
            TimelineExample("video\udcff", 1.0, (), None, ()),
        ),
        curves=(CurvePanel(bad, (CurveLine(bad, (0.0, 1.0, 2.0), (0.5, nan, 0.7)), CurveLine("e", (), ())), bad),),
        costs=(StageCost(bad, nan, nan, nan), StageCost("b", 3.0, 3.0, nan)),
        notes=(Note(bad, bad),),
        classes=HOSTILE,
    )
