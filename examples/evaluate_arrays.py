"""Evaluate scores, labels and detections that you hold as arrays, under the field's named protocols."""

import numpy as np

import augrgb
from augrgb.metrics import frame_ap, mean_present_classes

rng = np.random.default_rng(0)
classes = ["drink", "read", "walk"]
clock = augrgb.Clock(fps=25, window=16, stride=8)  # snippet t covers frames 8 t ... 8 t + 15 at 25 frames per second

# Truth as events in seconds, scores as one (T, K) array per video (tensors are fine too).
truth = {"kitchen": [("drink", 1.0, 4.0), ("walk", 3.0, 9.0)], "office": [("read", 0.5, 8.0), ("drink", 8.5, 9.5)]}
durations = {"kitchen": 10.0, "office": 10.0}
scores = {video: rng.random((31, 3)) * 0.5 for video in truth}
for video, events in truth.items():
    for label, start_s, end_s in events:
        centers = clock.centers_s(31)
        scores[video][(centers >= start_s) & (centers < end_s), classes.index(label)] += 0.3

for protocol in ("tsu/frame", "frame-map/present", "charades/localize", "action-conditional@0", "event-map"):
    print(augrgb.evaluate(protocol, scores=scores, truth=truth, clock=clock, classes=classes, durations=durations))

# Detections of your own.
detections = {"kitchen": [("drink", 1.2, 4.0, 0.9), ("walk", 3.0, 5.0, 0.8)], "office": [("read", 0.0, 8.0, 0.7)]}
result = augrgb.evaluate("thumos14/tiou", detections=detections, truth=truth)
print(result, {name: round(value, 2) for name, value in result.per_class.items()})

# Or without any protocol: label arrays on the snippets of the scores, and the metric as a function.
labels = {video: rng.random((31, 3)) < scores[video] for video in truth}
print(augrgb.evaluate("tsu/frame", scores=scores, truth=labels))
print(mean_present_classes(frame_ap(np.concatenate(list(scores.values())), np.concatenate(list(labels.values())))))
