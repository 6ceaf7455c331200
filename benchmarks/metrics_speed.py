"""Speed of the metrics at the sizes of the field's datasets, against a plain-Python reading of the same protocols.

    python benchmarks/metrics_speed.py [--scale 0.05] [--repeat 3]

Each case runs once in full size (processor seconds, best of `--repeat`), and once, ours and the plain reading, on the
same input reduced to `--scale` (the plain readings would take minutes to hours); the ratio is that of the reduced runs
and grows with the size. Both must give the same number.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from augrgb.annotations.labels import legacy_uniform
from augrgb.core.seeds import rng_at
from augrgb.core.types import Event
from augrgb.metrics.action_conditional import conditional_report
from augrgb.metrics.event_map import event_reports
from augrgb.metrics.frame_map import frame_ap
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou_map import THUMOS14, tiou_report


def segments(rng, count, videos, classes, per_video_classes=None):
    """Random events; detections are made from them by `near`."""
    video = rng.integers(0, videos, count)
    label = rng.integers(0, classes, count)
    if per_video_classes is not None:  # THUMOS-like: one class per video
        label = per_video_classes[video]
    start = rng.uniform(0, 300, count)
    return Segments(video, label, start, start + rng.uniform(1, 20, count), np.ones(count))


def near(rng, truth, count):
    """Detections scattered around events."""
    i = rng.integers(0, len(truth), count)
    start = truth.start[i] + rng.normal(0, 3, count)
    end = np.maximum(truth.end[i] + rng.normal(0, 3, count), start + 0.1)
    return Segments(truth.video[i], truth.label[i], start, end, rng.random(count))


def rows(table):
    """Segments as plain tuples."""
    return list(
        zip(*(c.tolist() for c in (table.video, table.label, table.start, table.end, table.score)), strict=True)
    )


def frame_case(scale):
    """TSU: 185 test videos, 295,518 snippets, 51 classes, rasterisation included."""
    rng = rng_at(0, "frame", scale)
    total = int(295_518 * scale)
    lengths = np.diff(np.linspace(0, total, max(2, int(185 * scale)) + 1).astype(int))
    classes = {f"c{k}": k for k in range(51)}
    videos = []
    for count in lengths.tolist():
        duration = count * 16 / 25
        starts = rng.uniform(0, duration, 75)
        ends = starts + rng.uniform(1, 60, 75)
        labels = rng.integers(0, 51, 75).tolist()
        events = [Event(f"c{k}", s, e) for k, s, e in zip(labels, starts.tolist(), ends.tolist(), strict=True)]
        videos.append((events, duration, rng.random((count, 51), dtype=np.float32)))

    def ours():
        labels = [legacy_uniform(events, classes, duration, len(s)) for events, duration, s in videos]
        return float(frame_ap(np.concatenate([s for _, _, s in videos]), np.concatenate(labels)).mean())

    def plain():
        pairs = [[] for _ in classes]
        for events, duration, scores in videos:
            fps = len(scores) / duration
            for i, row in enumerate(scores.tolist()):
                active = {e.label for e in events if i / fps > e.start_s and i / fps < e.end_s}
                for name, k in classes.items():
                    pairs[k].append((row[k], name in active))
        total = 0.0
        for column in pairs:
            column.sort(key=lambda pair: -pair[0])
            hits, area = 0, 0.0
            for rank, (_, positive) in enumerate(column, 1):
                if positive:
                    hits += 1
                    area += hits / rank
            total += area / max(hits, 1)
        return total / len(pairs)

    return ours, plain


def plain_overlap(p, g):
    """The overlap of the event protocol."""
    if p[:2] != g[:2]:
        return 0.0
    return (min(p[3], g[3]) - max(p[2], g[2])) / (max(p[3], g[3]) - min(p[2], g[2]))


def plain_event_ap(found, truth, theta):
    """One pool by the event protocol, as described."""
    found = sorted(found, key=lambda p: p[4])
    taken, counts = [], [0] * len(truth)
    for p in found:
        best, where = theta, -1
        for i, g in enumerate(truth):
            value = plain_overlap(p, g)
            if value >= best:
                best, where = value, i
        taken.append(where)
        if where >= 0:
            counts[where] += 1
    hits, left = sum(c > 0 for c in counts), len(found)
    if not hits:
        return 0.0
    precision, recall, area = hits / left, hits / len(truth), 0.0
    for where in taken:
        left -= 1
        if where >= 0:
            counts[where] -= 1
            hits -= counts[where] == 0
            precision = max(precision, hits / left if left else 0.0)
            area += precision * (recall - hits / len(truth))
            recall = hits / len(truth)
    return area


def event_case(scale):
    """PKU-MMD: 1,000 videos, 20,000 events, 100,000 detections, 51 classes; mAP per class and video, pooled, 2DAP."""
    rng = rng_at(0, "event", scale)
    videos = max(2, int(1000 * scale))
    truth = segments(rng, int(20_000 * scale), videos, 51)
    found = near(rng, truth, int(100_000 * scale))

    def ours():
        (report,) = event_reports(found, truth, num_classes=51, num_videos=videos, thetas=(0.5,))
        return report.map_action + report.map_video + report.ap + report.ap_2d

    def plain():
        f, g = rows(found), rows(truth)
        by_class = [plain_event_ap([p for p in f if p[1] == k], [q for q in g if q[1] == k], 0.5) for k in range(51)]
        by_video = [
            plain_event_ap([p for p in f if p[0] == v], [q for q in g if q[0] == v], 0.5) for v in range(videos)
        ]
        flat = [plain_event_ap(f, g, theta) for theta in [0.5, *((i + 1) * 0.05 for i in range(20))]]
        return sum(by_class) / 51 + sum(by_video) / videos + flat[0] + sum(flat[1:]) / 20

    return ours, plain


def tiou_case(scale):
    """THUMOS14: 213 videos, 20 classes, 3,232 events, 42,600 detections, 5 thresholds."""
    rng = rng_at(0, "tiou", scale)
    videos = max(20, int(213 * scale))
    truth = segments(rng, int(3232 * scale), videos, 20, np.arange(videos) % 20)
    found = near(rng, truth, int(42_600 * scale))

    def ours():
        return tiou_report(found, truth, thresholds=THUMOS14).average_map

    def plain():
        f, g = sorted(rows(found), key=lambda p: -p[4]), rows(truth)
        labels = sorted({q[1] for q in g})
        total = 0.0
        for threshold in THUMOS14:
            for label in labels:
                mine = [q for q in g if q[1] == label]
                free, hits = [True] * len(mine), []
                for p in (p for p in f if p[1] == label):
                    order = []
                    for i, q in enumerate(mine):
                        if q[0] == p[0]:
                            shared = max(0.0, min(p[3], q[3]) - max(p[2], q[2]))
                            order.append((shared / (p[3] - p[2] + q[3] - q[2] - shared), i))
                    chosen = next((i for t, i in sorted(order, reverse=True) if free[i] and t >= threshold), None)
                    if chosen is not None:
                        free[chosen] = False
                    hits.append(chosen is not None)
                true, precision = 0, []
                for rank, hit in enumerate(hits, 1):
                    true += hit
                    precision.append(true / rank)
                best, area = 0.0, 0.0
                for hit, value in zip(reversed(hits), reversed(precision), strict=True):
                    best = max(best, value)
                    area += best * hit
                total += area / len(mine)
        return total / len(labels) / len(THUMOS14)

    return ours, plain


def conditional_case(scale):
    """Charades-like: 1,000 videos of 50 snippets, 157 classes, tau = 20."""
    rng = rng_at(0, "conditional", scale)
    count, classes = max(2, int(1000 * scale)), 157
    targets = [np.repeat(rng.random((10, classes)) < 0.02, 5, axis=0) for _ in range(count)]
    scores = [rng.random((50, classes), dtype=np.float32) for _ in range(count)]

    def ours():
        return conditional_report(scores, targets, tau=20).map

    def plain():
        flat = [[row.tolist() for row in s] for s in scores]
        total = pairs = 0.0
        for j in range(classes):
            frames = [
                (v, i)
                for v, y in enumerate(targets)
                for i in range(len(y))
                if not y[i, j] and y[max(0, i - 19) : i + 1, j].any()
            ]
            for k in range(classes):
                column = sorted(((flat[v][i][k], bool(targets[v][i, k])) for v, i in frames), key=lambda pair: -pair[0])
                positives = sum(positive for _, positive in column)
                if j == k or not positives:
                    continue
                hits, area = 0, 0.0
                for rank, (_, positive) in enumerate(column, 1):
                    hits += positive
                    area += positive * hits / rank
                total, pairs = total + area / positives, pairs + 1
        return total / pairs

    return ours, plain


CASES: dict[str, tuple[Callable[[float], tuple[Callable[[], float], Callable[[], float]]], float | None]] = {
    "frame-map (TSU)": (frame_case, 0.8),
    "event@0.5 + 2DAP (PKU-MMD)": (event_case, 1.0),
    "tiou (THUMOS14)": (tiou_case, 0.25),
    "action-conditional (Charades-like)": (conditional_case, None),
}


def seconds(call, repeat=1):
    """Best processor time of a call, and its result."""
    best = float("inf")
    for _ in range(repeat):
        begin = time.process_time()
        value = call()
        best = min(best, time.process_time() - begin)
    return best, value


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--scale", type=float, default=0.05, help="size of the comparison with the plain reading")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    reduced = f"at scale {options.scale:g}:"
    print(f"{'case':36} {'full size':>10} {'target':>8}   {reduced:15} {'ours':>8} {'plain':>8} {'ratio':>7}")
    for name, (case, target) in CASES.items():
        full, _ = seconds(case(1.0)[0], options.repeat)
        ours, plain = case(options.scale)
        fast, value = seconds(ours, options.repeat)
        slow, expected = seconds(plain)
        if abs(value - expected) > 1e-6:
            raise SystemExit(f"{name}: {value} and the plain reading {expected} differ")
        goal = f"{target:.2f} s" if target else "-"
        print(
            f"{name:36} {full:8.3f} s {goal:>8}   {'':15} {fast:6.3f} s {slow:6.2f} s {slow / fast:6.0f}x", flush=True
        )


if __name__ == "__main__":
    main()
