"""Detect actions in a video with a trained model: `python detect_file.py runs/augmented video.mp4`."""

import sys

import augrgb

model, video = sys.argv[1:]
detector = augrgb.Detector(model)  # a run folder of `augrgb train`: encoder, stream, classes and clock together
found = detector(video)

for detection in found.detections:
    print(f"{detection.start_s:7.2f} - {detection.end_s:7.2f} s  {detection.label}  {detection.score:.2f}")

# The scores behind the detections: one row per snippet, one column per class.
for label, column in zip(found.classes, found.scores.T, strict=True):
    best = int(column.argmax())
    print(f"{label}: highest score {column[best]:.2f} at {found.times_s[best]:.2f} s")

found.to_json(f"{found.name}.json")  # ActivityNet JSON; to_csv writes CSV
