import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import detect_format, make_format, read_annotations, requires_option
from augrgb.annotations.formats import FORMATS
from augrgb.annotations.splits import splits_of, subset_of
from augrgb.core.errors import AugrgbError, UsageFault

FILES = {
    "activitynet": ("a.json", '{"version": "1.3", "database": {}}'),
    "charades-json": ("c.json", '{"7UPGT": {"subset": "training", "duration": 1, "actions": []}}'),
    "multithumos-json": ("m.json", '{"video_test_0000004": {"subset": "testing", "duration": 1, "actions": []}}'),
    "tsu-json": ("t.json", '{"P02T01C06": {"duration": 1, "subset": "testing", "actions": []}}'),
    "charades-csv": ("Charades_v1_train.csv", "id,subject,scene,actions,length\n"),
    "tsu-csv": ("P02T01C06.csv", "event,start_frame,end_frame\r\n"),
    "csv": ("e.csv", "video;label;start;end\n"),
    "thumos-txt": ("Diving_val.txt", "video_validation_0000001  72.80 76.40\r\n"),
    "pku-mmd": ("0002-L.txt", "1,2,3,1\n"),
    "elan": ("e.eaf", '<?xml version="1.0"?>\n<ANNOTATION_DOCUMENT AUTHOR="">'),
    "elan-text": ("t.txt", "default\t\t00:00:01.000\t00:00:02.000\t00:00:01.000\tcut\n"),
    "via": ("v.json", '{"project": {"pid": "1", "vid_list": ["1"]}}'),
    "label-studio": ("l.json", '[{"id": 1, "annotations": []}]'),
    "label-studio-min": ("m.json", '[{"video": "a.mp4", "annotator": 1, "annotation_id": 1, "lead_time": 2}]'),
    "event-list-json": ("k.json", '[{"video": "kitchen.mov", "label": "cut", "startTime": 1, "endTime": 2}]'),
    "cvat": ("annotations.xml", "<annotations><version>1.1</version><meta>"),
    "cvat-backup": ("task.json", '{"name": "t", "data": {"start_frame": 0}, "jobs": []}'),
    "boris": ("k.boris", '{"project_format_version": "7.0", "behaviors_conf": {}}'),
    "frame-wise": ("P03_milk.txt", "SIL\nSIL\nSIL\ntake_cup\ntake_cup\ntake_cup\n"),
    "bmn-json": ("b.json", '{"v_1": {"duration_second": 1, "annotations": []}}'),
    "perception-test": ("p.json", '{"video_1": {"metadata": {"split": "train", "num_frames": 9}}}'),
    "epic-kitchens": (
        "EPIC_100_train.csv",
        "narration_id,participant_id,video_id,start_timestamp,stop_timestamp,narration,verb,verb_class,noun,noun_class\n",
    ),
    "utkinect": ("actionLabel.txt", "s01_e01\nwalk: 252 390\n"),
    "srt": ("s.srt", "1\n00:00:01,000 --> 00:00:03,000\ncut\n"),
    "webvtt": ("w.vtt", "WEBVTT\n"),
    "augrgb": ("dataset.json", '{"schema": "augrgb.dataset/1"}'),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_format_is_recognised_and_by_itself_alone(tmp_path: Path, name: Any) -> None:
    file, text = FILES[name]
    (tmp_path / file).write_text(text)
    assert detect_format(tmp_path / file) == name
    if name in (
        "tsu-csv",
        "charades-csv",
        "thumos-txt",
        "pku-mmd",
        "elan",
        "augrgb",
        "csv",
        "via",
        "bmn-json",
        "event-list-json",
    ):
        assert detect_format(tmp_path) == name


def test_every_readable_format_is_tried_here() -> None:
    assert set(FILES) == {name for name, entry in FORMATS.items() if entry.readable}


@pytest.mark.parametrize("text", ["", "hello", "{}", "[]", "\x00\x01"])
def test_what_is_no_annotation_is_not_guessed(tmp_path: Path, text: Any) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(AugrgbError, match=r"E-ANN-006.*(not recognized|is empty)"):
        detect_format(tmp_path / "x.json")


def test_missing_files_and_wrong_options() -> None:
    with pytest.raises(AugrgbError, match="E-FILE-001"):
        detect_format("nowhere.json")
    with pytest.raises(UsageFault, match="did you mean 'activitynet'"):
        make_format("activitynt")
    with pytest.raises(UsageFault, match="did you mean 'fps'"):
        make_format("tsu-json", {"fp": 20})
    assert (
        requires_option("cvat", "fps") and not requires_option("pku-mmd", "fps") and not requires_option("csv", "fps")
    )


def test_a_subset_with_a_typo_lists_the_subsets_there_are(tmp_path: Path) -> None:
    content = {i: {"subset": s, "duration": 1, "actions": []} for i, s in (("a", "training"), ("b", "testng"))}
    (tmp_path / "x.json").write_text(json.dumps(content))
    found = read_annotations(tmp_path / "x.json")
    with pytest.raises(AugrgbError, match=r"E-SPL-008 subset 'testng'.*training \(1\), testng \(1\).*'testing'"):
        splits_of(found)
    assert splits_of(found, role_of={"testng": "test"})["given"] == {"train": ("a",), "test": ("b",)}
    with pytest.raises(AugrgbError, match=r"subsets present: training \(1\), testng \(1\)"):
        subset_of(found, "test")
    assert list(subset_of(found, "training").videos) == ["a"]


def test_the_message_says_what_the_likeliest_formats_lack(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"annotations": {"a": {"segment": [0, 1]}}, "classes": []}')
    with pytest.raises(AugrgbError, match=r'not activitynet: no "database"; not bmn-json: no "duration_second"'):
        detect_format(tmp_path / "x.json")


def test_json_that_has_nothing_of_any_format_is_told_what_two_lack(tmp_path: Path) -> None:
    for text in (
        '{"foo": [1, 2, 3]}',
        '{"v_a": {"duration": 9, "timestamps": [[0, 3]], "sentences": ["A man cuts."]}}',
    ):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(AugrgbError, match=r"E-ANN-006.*not recognized; not .*: no .*; not .*: no "):
            detect_format(tmp_path / "x.json")


def test_what_macos_writes_beside_files_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "c.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nrun\n")
    (tmp_path / "._c.srt").write_bytes(b"\x00\x05\x16\x07\x00")
    assert list(read_annotations(tmp_path).videos) == ["c"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a.txt",
            "cut from 1 to 2\npour from 3 to 4\n",
            r"not thumos-txt: no lines such as 'video_test_0000004 1\.0 2\.5'",
        ),
        ("a.txt", "cut,1,2\npour,3,4\n", r"not pku-mmd: no lines such as '7,30,75,1'"),
        ("a.tsv", "Observation id\tSubject\tBehavior\nx\tme\tcut\n", "not boris: no Media file"),
    ],
)
def test_the_message_names_what_text_lacks(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(AugrgbError, match=r"E-ANN-006.*not recognized.*" + said):
        detect_format(tmp_path / name)


def test_ids_that_only_begin_like_those_of_thumos(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for video_id, name in (("video_1", "charades-json"), ("video_test_1", "multithumos-json")):
        path.write_text(f'{{"{video_id}": {{"subset": "training", "duration": 5.0, "actions": [[1, 0.0, 2.0]]}}}}')
        assert detect_format(path) == name
