"""A causal RGB student, taught by a pose stream that sees the whole video, watches what it detects offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.filters import SdTcn
from augrgb.inference import Detector, load_bundle
from augrgb.streams.files import load_stream
from support.tiny_project import expect_success, run_cli


def test_a_causal_student_learns_from_a_teacher_that_sees_the_future_and_another_modality(
    project: Path, tmp_path: Path
) -> None:
    student = tmp_path / "causal"
    causal = "student.filter.sd_tcn.look_ahead_snippets=0"
    expect_success("distill", project / "distilled.yaml", causal, "--out", student)
    teacher = load_stream(project / "pose")
    filter, seeing = load_bundle(student, "cpu").stream.stream.filter, teacher.stream.filter
    assert isinstance(filter, SdTcn) and filter.look_ahead_snippets == 0
    assert isinstance(seeing, SdTcn) and seeing.look_ahead_snippets is None and teacher.settings.modality == "pose"
    history = [json.loads(line) for line in (student / "metrics.jsonl").read_text().splitlines()]
    assert any("atomic_contrastive" in json.dumps(row) for row in history)

    dataset = load_dataset(project / "world")
    video = dataset.videos[role(dataset, "cross_subject", "test")[0]].file
    assert video is not None
    found = Detector(student, "cpu")(video)
    on = float(found.scores.mean())
    lines = tmp_path / "events.jsonl"
    expect_success("watch", video, "-m", student, "--speed", 0, "--on", on, "-o", lines, "--device", "cpu")
    ends = [row for row in map(json.loads, lines.read_text().splitlines()) if row["type"] == "end"]
    expected = Detector(student, "cpu")(video, min_score=on).detections
    assert len(ends) == len(expected) > 0
    for row, one in zip(
        sorted(ends, key=lambda row: (row["class"], row["start_s"])),
        sorted(expected, key=lambda one: (one.label, one.start_s)),
        strict=True,
    ):
        assert (row["class"], row["start_s"]) == (one.label, pytest.approx(one.start_s, abs=1e-3))
    refused = run_cli("watch", video, "-m", project / "distilled", "--device", "cpu")
    assert refused.code == 2 and "look_ahead_snippets: 0" in refused.err
