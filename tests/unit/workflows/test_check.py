"""What `data check` calls usable, `init` accepts, over many inputs; and the reasons where it does not."""

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import requires_option, write_annotations
from augrgb.annotations.dataset_file import load_dataset
from augrgb.annotations.formats import FORMATS
from augrgb.annotations.read import Source
from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Event, VideoRecord
from augrgb.features.store import write_features
from augrgb.workflows.check import check_data
from augrgb.workflows.convert import convert
from augrgb.workflows.init import init_dataset
from support.format_samples import CASES
from support.video_samples import numbered_frames, write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos of 1 s."""
    folder = tmp_path_factory.mktemp("check") / "videos"
    folder.mkdir()
    for number in range(4):
        write_video(folder / f"v{number}.mp4", np.roll(numbered_frames(10, 32, 32), number, 0), fps=10)
    return folder


def table(path: Path, seed: int) -> Path:
    """Events of up to four videos: early, late, past the end, of no length, before the start, or none; odd subsets."""
    rng = random.Random(seed)
    rows = []
    for number in range(rng.choice([1, 2, 3, 4, 4, 4])):
        subset = rng.choice(["train", "train", "validation", "test", "fold1"]) if seed % 3 == 0 else ""
        spans = [("0", "0.5"), ("0.2", "9"), ("-0.01", "0.4"), ("3", "4"), ("0.5", "0.5"), ("0.8", "0.2"), ("", "")]
        for start, end in rng.choices(spans, weights=[6, 1, 1, 1, 1, 1, 1], k=rng.choice([1, 1, 2])):
            rows.append(f"v{number},{'walk' if start else ''},{start},{end},{subset}\n")
    path.write_text("video,label,start,end,subset\n" + "".join(rows))
    return path


def test_usable_is_what_init_accepts(videos: Path, tmp_path: Path) -> None:
    verdicts = set()
    for seed in range(24):
        (videos / "dataset.json").unlink(missing_ok=True)  # each is a first start
        source = Source(table(tmp_path / "events.csv", seed), videos=videos)
        report = check_data(source)
        try:
            init_dataset(videos, source, videos)
        except AugrgbError:
            accepted = False
        else:
            accepted = True
        assert report.usable == accepted, (source.path.read_text(), report.findings, report.unfit)
        verdicts.add((report.readable, report.usable))
    assert verdicts >= {(True, True), (True, False)}


def test_without_videos_too(tmp_path: Path) -> None:
    """What needs no video to be seen is said without one."""
    path = tmp_path / "events.csv"
    path.write_text("video,label,start,end\na,walk,0,1\nb,walk,0,1\n")
    report = check_data(Source(path))
    assert report.readable and not report.usable and "2 labelled videos; at least 3" in str(report.unfit[0])
    path.write_text("video,label,start,end,subset\na,walk,0,1,fold1\nb,walk,0,1,fold1\nc,walk,0,1,fold2\n")
    assert {fault.code for fault in check_data(Source(path)).unfit} == {"E-SPL-008"}


def test_missing_features_and_broken_videos_are_not_usable(videos: Path, tmp_path: Path) -> None:
    mine = tmp_path / "videos"
    shutil.copytree(videos, mine)
    path = tmp_path / "events.csv"
    path.write_text("video,label,start,end\n" + "".join(f"v{number},walk,0,0.5\n" for number in range(4)))
    clock: Any = Clock(10, 2, 2)
    for number in range(3):
        write_features(tmp_path / "rgb", f"v{number}", np.eye(5, dtype=np.float32), clock, {"recipe": 1})
    report = check_data(Source(path, videos=mine), features=[tmp_path / "rgb"])
    assert report.readable and not report.usable
    (fault,) = report.unfit
    assert fault.code == "E-FEA-002" and "1 of 4" in fault.problem and "data.allow_missing=1" in fault.remedy


SPANS = {
    "sound": [(0.0, 0.4), (0.5, 0.9)],
    "past the end": [(0.2, 9.0), (3.0, 4.0)],
    "before the start": [(-0.01, 0.4), (-3.0, -2.0)],
    "of no length": [(0.5, 0.5)],
    "none": [],
}
WRITERS = sorted(name for name, entry in FORMATS.items() if entry.write is not AnnotationFormat.write)


@pytest.mark.parametrize("name", WRITERS)
def test_usable_is_what_init_accepts_in_every_format_that_can_be_written(
    name: str, videos: Path, tmp_path: Path
) -> None:
    """The same over all formats, with sound and odd events in two or four of the videos."""
    for kind, spans in SPANS.items():
        for count in (2, 4):
            (videos / "dataset.json").unlink(missing_ok=True)
            odd = tuple(Event("walk", *span) for span in spans)
            events = [odd] * count + [(Event("walk", 0.1, 0.4),)] * (4 - count)
            records = {f"v{n}": VideoRecord(f"v{n}", 1.0, events=own, fps=10.0) for n, own in enumerate(events)}
            place = tmp_path / f"{kind}-{count}"
            place = place / f"events{FORMATS[name].suffixes[0]}" if not FORMATS[name].folders else place
            place.parent.mkdir(exist_ok=True)
            try:
                write_annotations(AnnotationSet(("walk",), records), place, format_name=name)
            except AugrgbError:  # cannot be said in this format
                continue
            source = Source(place, name, {"fps": 10.0} if requires_option(name, "fps") else {}, videos=videos)
            report = check_data(source)
            try:
                init_dataset(videos, source, videos)
            except AugrgbError as fault:
                assert not report.usable, (kind, count, fault)
            else:
                # a dataset without splits is judged as one to train on
                assert report.usable or name == "augrgb", (kind, count, report.findings, report.unfit)


@pytest.mark.parametrize("name", sorted(CASES))
def test_usable_is_what_can_be_converted(name: str, tmp_path: Path) -> None:
    """The sample of every format, those that are only read too."""
    case = CASES[name]
    for file, text in case.files.items():
        (tmp_path / "in" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / file).write_text(text)
    place = tmp_path / "in" / next(iter(case.files)) if not FORMATS[name].folders else tmp_path / "in"
    try:
        report = check_data(Source(place, name, case.base))
    except UsageFault:  # asks for an option
        return
    if report.usable:
        convert(Source(place, name, case.base), tmp_path / "out", target_format="augrgb")
        assert load_dataset(tmp_path / "out").videos
