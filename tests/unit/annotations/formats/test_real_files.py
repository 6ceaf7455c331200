"""The formats on files as they are shared. Skipped where these are absent."""

import time
from collections import Counter

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.repair import repair
from support.places import SHARED, needs_shared

ANNOTATIONS = SHARED / "data" / "annotations"
pytestmark = needs_shared("data/annotations")


def test_charades_is_read_in_well_under_a_second() -> None:
    started = time.process_time()
    found = read_annotations(ANNOTATIONS / "charades.json")
    assert time.process_time() - started < 1.0
    assert (len(found.videos), len(found.classes)) == (9848, 157)
    assert sum(len(video.events) for video in found.videos.values()) == 66500
    assert Counter(video.subset for video in found.videos.values()) == {"training": 7985, "testing": 1863}


def test_charades_repairs() -> None:
    repaired = repair(read_annotations(ANNOTATIONS / "charades.json"))
    kinds = Counter((finding.code, finding.action) for finding in repaired.findings)
    assert not repaired.refusals()
    assert kinds[("E-ANN-011", "clipped")] == 19618  # 19,623 reach past the end, 5 of them start after it
    assert kinds[("E-ANN-013", "dropped")] == 5 and kinds[("E-ANN-014", "dropped")] == 2
    assert kinds[("E-ANN-020", "noted")] == 223 and ("E-ANN-010", "dropped") not in kinds
    assert all(
        0 <= event.start_s < event.end_s <= video.duration_s
        for video in repaired.annotations.videos.values()
        for event in video.events
    )


def test_tsu_subsets_are_those_of_the_rule() -> None:
    path = ANNOTATIONS / "smarthome_CS_51.json"
    assert detect_format(path) == "tsu-json"
    found = read_annotations(path, options={"fps": 20.0})
    assert (len(found.videos), len(found.classes)) == (536, 51)
    train = {video_id for video_id, video in found.videos.items() if video.subset == "training"}
    assert set(found.splits["cross_subject"]["train"]) == train and len(train) == 351
    assert {len(ids) for ids in found.splits["cross_view"].values()} == {369, 167}
    assert sum(len(video.events) for video in found.videos.values()) == 41288
    assert not repair(found).refusals()


def test_event_text_files_in_the_pku_layout() -> None:
    folder = ANNOTATIONS / "pku_style_example" / "gt"
    assert detect_format(folder) == "pku-mmd"
    found = read_annotations(folder)
    events = found.videos["P02T02C03"].events
    assert len(events) == 75 and events[0].label == "c000" and events[0].start_s == 6 / 30
    predictions = read_annotations(ANNOTATIONS / "pku_style_example" / "pred")
    assert len(predictions.videos["P02T02C03"].events) > 0
