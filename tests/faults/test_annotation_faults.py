"""Annotations as they should not be: one test for every fault that is promised to be survived."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import read_annotations, write_annotations
from augrgb.annotations.class_map import rename_classes
from augrgb.annotations.consistency import is_unsafe_id
from augrgb.annotations.dataset_file import check_dataset
from augrgb.annotations.read import Source
from augrgb.annotations.repair import repair
from augrgb.annotations.splits import splits_of
from augrgb.annotations.statistics import data_stats
from augrgb.core.errors import AugrgbError, FaultList, InputRefused, UsageFault
from augrgb.core.types import Event, VideoRecord
from augrgb.report.statistics_page import write_stats_page
from augrgb.workflows.check import check_data


def record(video_id: Any, *events: Any, **more: Any) -> Any:
    return VideoRecord(video_id, events=tuple(events), **more)


def annotations(*events: Any, duration_s: Any = 10.0, classes: Any = ("walk", "sit"), **more: Any) -> Any:
    return AnnotationSet(classes, {"v": VideoRecord("v", duration_s, events=tuple(events))}, **more)


def codes(repaired: Any, action: Any = None) -> Any:
    return [f.code for f in repaired.findings if f.action == action or (action is None and f.action != "noted")]


def write(tmp_path: Path, name: Any, data: Any) -> Any:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a01_an_end_past_the_video_is_cut_and_counted() -> None:
    repaired = repair(
        annotations(Event("walk", 2, 11.5), Event("walk", 9, 12.5), Event("sit", 10, 11), Event("sit", 0, 1))
    )
    assert repaired.annotations.videos["v"].events == (
        Event("walk", 2, 10.0),
        Event("walk", 9, 10.0),
        Event("sit", 0, 1),
    )
    assert [(f.code, f.action) for f in repaired.repairs()] == [
        ("E-ANN-011", "clipped"),
        ("E-ANN-010", "clipped"),
        ("E-ANN-013", "dropped"),
    ]


def test_a02_reversed_empty_and_outside_events_are_left_out_never_swapped() -> None:
    repaired = repair(annotations(Event("walk", 3, 2), Event("walk", 4, 4), Event("sit", -2, 0), Event("sit", 0, 1)))
    assert repaired.annotations.videos["v"].events == (Event("sit", 0, 1),)
    assert codes(repaired, "dropped") == ["E-ANN-014", "E-ANN-015", "E-ANN-042"]


@pytest.mark.parametrize("start_s", [-0.001, -0.04, -7.0])
def test_a02_a_start_before_0_is_clipped_whatever_it_is(start_s: Any) -> None:
    repaired = repair(annotations(Event("walk", start_s, 8), Event("sit", 0, 1)))
    assert repaired.annotations.videos["v"].events == (Event("walk", 0.0, 8), Event("sit", 0, 1))
    assert codes(repaired) == ["E-ANN-012"]


def test_a02_an_event_around_the_whole_video_is_cut_at_both_ends() -> None:
    repaired = repair(annotations(Event("walk", -1, 100)))
    assert repaired.annotations.videos["v"].events == (Event("walk", 0.0, 10.0),)
    assert codes(repaired) == ["E-ANN-012", "E-ANN-010"]


def test_a02_when_every_event_is_dropped_the_set_is_refused_with_the_cause() -> None:
    (fault,) = repair(annotations(Event("walk", 3, 2), Event("sit", 4, 4))).refusals()
    assert fault.code == "E-ANN-041" and "1 dropped: ends before it starts (E-ANN-014)" in str(fault)


def test_an_event_has_one_fate_whatever_file_it_came_in(tmp_path: Path) -> None:
    rows = [(-1.0, 2.0), (8.0, 10.5), (9.0, 25.0), (3.0, 2.0), (4.0, 4.0), (12.0, 13.0), (-3.0, -1.0), (1.0, 2.0)]
    lines = "".join(f"v,walk,{start},{end},10\n" for start, end in rows)
    write(tmp_path, "x.csv", f"video,label,start,end,duration\n{lines}")
    segments = [{"label": "walk", "segment": list(row)} for row in rows]
    write(tmp_path, "x.json", json.dumps({"database": {"v": {"duration": 10, "annotations": segments}}}))
    events = [{"label": "walk", "start_s": start, "end_s": end} for start, end in rows]
    dataset = {"schema": "augrgb.dataset/1", "name": "d", "classes": ["walk"], "splits": {}}
    dataset["videos"] = [{"id": "v", "duration_s": 10.0, "events": events}]
    write(tmp_path, "dataset.json", json.dumps(dataset))
    fates = []
    for name in ("x.csv", "x.json", "dataset.json"):
        repaired = repair(read_annotations(tmp_path / name))
        fates.append((repaired.annotations.videos["v"].events, [(f.code, f.action) for f in repaired.repairs()]))
    checked = check_dataset(tmp_path)
    fates.append((checked.dataset.videos["v"].events, [(f.code, f.action) for f in checked.repairs]))
    assert fates[0] == fates[1] == fates[2] == fates[3]
    assert [event.end_s for event in fates[0][0]] == [2.0, 10.0, 10.0, 2.0]


@pytest.mark.parametrize("time", [float("nan"), float("inf"), float("-inf")])
def test_a02_times_that_are_no_numbers_refuse(time: Any) -> None:
    assert codes(repair(annotations(Event("walk", 0, time), Event("sit", 0, 1))), "refused") == ["E-ANN-002"]
    assert "E-ANN-002" in codes(repair(annotations(Event("walk", 0, 1), duration_s=time)), "refused")


def test_a02_nan_in_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path, "x.json", '{"v": {"duration": 9, "subset": "training", "actions": [[0, NaN, 2], [0, 1, 2]]}}'
    )
    assert not check_data(Source(path)).usable


def test_a03_an_unknown_class_names_the_nearest(tmp_path: Path) -> None:
    classes = write(tmp_path, "classes.txt", "walk\nsit\n")
    path = write(tmp_path, "x.csv", "video,label,start,end\nv,wlk,0,1\nv,sit,0,1\n")
    found = read_annotations(path, options={"classes": classes})
    (fault,) = repair(found).refusals()
    assert fault.code == "E-ANN-003" and "did you mean 'walk'" in str(fault)
    mended = rename_classes(found, {"wlk": "walk"})
    assert not repair(mended).refusals() and mended.classes == ("walk", "sit")


def test_a03_case_and_blanks_never_make_a_new_class() -> None:
    twins = annotations(Event("Walk", 0, 1), Event("walk ", 2, 3), Event("sit", 0, 1), classes=("Walk", "walk ", "sit"))
    (fault,) = repair(twins).refusals()
    assert "'Walk' (1 events), 'walk ' (1 events)" in str(fault)
    assert rename_classes(twins, {"walk ": "Walk"}).classes == ("Walk", "sit")


def test_a03_a_map_can_ignore_a_class_and_must_fit() -> None:
    found = rename_classes(annotations(Event("walk", 0, 1), Event("sit", 0, 1)), {"sit": None})
    assert found.classes == ("walk",) and found.videos["v"].ignored == (Event("sit", 0, 1),)
    with pytest.raises(InputRefused, match="did you mean 'sit'"):
        rename_classes(annotations(Event("sit", 0, 1)), {"sitt": "x"})


def test_a04_the_order_of_classes_is_that_of_the_class_list(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "video,label,start,end\nv,sit,0,1\nv,walk,0,1\n")
    for text in ("walk\nsit\n", "sit\nwalk\n"):
        found = read_annotations(path, options={"classes": write(tmp_path, "c.txt", text)})
        assert found.classes == tuple(text.split())
    with pytest.raises(AugrgbError, match="E-ANN-004"):
        read_annotations(path, options={"classes": write(tmp_path, "c.txt", "walk\nwalk\n")})


def test_a05_classes_without_a_positive_are_listed() -> None:
    found = AnnotationSet(
        ("walk", "sit", "fly"),
        {"a": record("a", Event("walk", 0, 1), Event("sit", 0, 1)), "b": record("b", Event("walk", 0, 1))},
        splits={"s": {"train": ("a",), "test": ("b",)}},
    )
    told = [(f.where, f.detail) for f in repair(found).findings if f.code == "E-ANN-023"]
    assert told == [("'fly'", "its AP will be undefined"), ("'sit'", "in test of s")]


@pytest.mark.parametrize("name", ["x.json", "a.json"])
def test_a06_an_id_given_twice_shows_both_lines(tmp_path: Path, name: Any) -> None:
    video = '{"duration": 9, "actions": []}'
    texts = {"x.json": f'{{\n"v": {video},\n"w": {video},\n"v": {video}}}', "a.json": None}
    texts["a.json"] = f'{{"database": {{\n"v": {video},\n"w": {video},\n\n"v": {video}}}}}'
    with pytest.raises(InputRefused, match=r"E-FILE-007.*'v' is given twice \(line 2, [45]\)"):
        read_annotations(write(tmp_path, name, texts[name]))


def test_a06_ids_that_differ_only_in_case_or_unicode_form() -> None:
    one, other = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    video = record("v", Event("walk", 0, 1))
    found = AnnotationSet(("walk",), {one: video, other: video, "A": video, "a": video})
    assert codes(repair(found), "refused") == ["E-ID-002", "E-ID-002"]


def test_a07_duplicates_and_overlaps_are_kept_and_counted() -> None:
    repaired = repair(annotations(Event("walk", 0, 2), Event("walk", 0, 2), Event("walk", 1, 3), Event("sit", 0, 2)))
    assert len(repaired.annotations.videos["v"].events) == 4
    assert codes(repaired, "kept") == ["E-ANN-016", "E-ANN-017"]


def test_a08_empty_files_and_subsets(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "video,label,start,end\n")
    assert [f.code for f in check_data(Source(path)).findings] == ["E-ANN-041"]
    with pytest.raises(AugrgbError, match="E-ANN-006"):
        read_annotations(write(tmp_path, "y.csv", ""))
    report = check_data(Source(write(tmp_path, "z.json", '{"v": {"duration": 1, "actions": []}}')))
    assert not report.usable


def test_a08_a_split_name_with_a_typo_lists_those_present() -> None:
    found = AnnotationSet(("walk",), {"a": record("a", subset="trainig"), "b": record("b", subset="test")})
    with pytest.raises(InputRefused, match=r"subsets present: trainig \(1\), test \(1\)"):
        splits_of(found)


def test_a09_leakage_by_id_subject_and_camera() -> None:
    videos = {
        name: record(name, Event("walk", 0, 1), subject=subject, camera=camera)
        for name, subject, camera in (("a", "S1", "C1"), ("b", "S1", "C2"), ("c", "S2", "C1"))
    }
    splits = {
        "own": {"train": ("a", "b"), "test": ("b",)},
        "cross_subject": {"train": ("a",), "test": ("b",)},
        "cross_view": {"train": ("a",), "test": ("c",)},
    }
    faults = repair(AnnotationSet(("walk",), videos, splits=splits)).refusals()
    assert [fault.code for fault in faults] == ["E-SPL-002"] * 3
    assert "subject S1" in str(faults[1]) and "camera C1" in str(faults[2])


def test_a10_never_annotated_is_not_annotated_as_empty() -> None:
    found = AnnotationSet(("walk",), {"a": VideoRecord("a"), "b": record("b"), "c": record("c", Event("walk", 0, 1))})
    repaired = repair(found)
    assert [(f.code, f.where) for f in repaired.findings] == [("E-ANN-019", "a"), ("E-ANN-020", "b")]
    assert repaired.annotations.videos["a"].events is None and repaired.annotations.videos["b"].events == ()


def test_a12_frame_numbers_taken_for_seconds_are_noticed() -> None:
    found = annotations(*(Event("walk", 30.0 * i, 30.0 * i + 20) for i in range(1, 9)), Event("sit", 0, 1))
    assert codes(repair(found), "refused") == ["E-ANN-021"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.csv", "\ufeffvideo,label,start,end\r\nv,walk,0,1\r\n", None),
        ("x.csv", "video;label;start;end\nv;walk;0,25;1,5\n", None),
        ("x.csv", "video,label,start,end\nv,walk,0,1\n".encode("utf-16"), None),
        ("x.csv", "video,label,start,end\nv,walk,0,1\n".encode("utf-16-le"), None),
        ("x.csv", b"video,label,start,end\nv,caf\xe9,0,1\n", None),
        ("x.csv", "video,label,start,end\nv,café,0,1\nw,caf".encode() + b"\xe9,0,1\n", "damaged at byte 39 .line 3"),
        ("x.csv", b"video,label,start,end\nv,walk,0,1\n" + bytes(40), "zero bytes.*Save it as UTF-8"),
        ("x.json", '\ufeff{"v": {"duration": 9, "actions": [[0, 1, 2]]}}', None),
        ("x.json", '{"v": {"duration": 9,\n "actions": [[0, 1, 2],]}}', "line 2, column"),
        ("x.json", '{"v": {"duration": 9, "actions": ' + "[" * 200_000, "nested too deeply|line 1"),
        ("x.json", '{"v": {"duration": ' + "9" * 5000 + ', "actions": []}}', "not valid JSON"),
        ("x.json", '{"v": {"duration": 9, "actions": [[0, 1, 2]]}}'.encode("utf-16"), None),
        ("x.json", '{"v": {"duration": 9, "actions": [[0, 1, 2]]}}'.encode("utf-16")[:-1], "not UTF-16"),
        ("x.eaf", "<ANNOTATION_DOCUMENT>\n<HEADER></ANNOTATION_DOCUMENT>", "line 2, column"),
        ("x.xml", "<annotations><meta><task>", "line 1, column"),
    ],
)
def test_a15_encodings_separators_and_malformed_files(tmp_path: Path, name: Any, data: Any, said: Any) -> None:
    path = write(tmp_path, name, data)
    formats = {"x.csv": "csv", "x.json": "charades-json", "x.eaf": "elan", "x.xml": "cvat"}
    options = {"fps": 25.0} if name == "x.xml" else {}
    if said is None:
        assert sum(len(v.events) for v in read_annotations(path, options=options).videos.values()) == 1
    else:
        with pytest.raises(AugrgbError, match=said) as caught:
            read_annotations(path, format_name=formats[name], options=options)
        assert str(path) in str(caught.value) and caught.value.exit_code == 3


def test_a15_a_file_too_large_to_be_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augrgb.annotations.reading.text_files.WHOLE_FILE_LIMIT", 100)
    path = write(tmp_path, "x.json", json.dumps({"v": {"duration": 9, "actions": [[0, 1, 2]] * 100}}))
    with pytest.raises(InputRefused, match=r"E-FILE-003.*streamed"):
        read_annotations(path)


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, EXTERNAL, '<!DOCTYPE x SYSTEM "http://localhost/x.dtd">'])
@pytest.mark.parametrize("root", ["ANNOTATION_DOCUMENT", "annotations"])
def test_a16_entities_and_document_types_are_refused(tmp_path: Path, head: Any, root: Any) -> None:
    body = "<meta><name>&c;</name></meta>" if "ENTITY" in head else "<meta/>"
    path = write(tmp_path, "x.xml", f'<?xml version="1.0"?>\n{head}\n<{root}>{body}</{root}>')
    options = {} if root == "ANNOTATION_DOCUMENT" else {"fps": 25.0}
    with pytest.raises(InputRefused, match="E-FILE-004"):
        read_annotations(path, format_name="elan" if root == "ANNOTATION_DOCUMENT" else "cvat", options=options)


@pytest.mark.parametrize("bad", ["../../x", "/etc/passwd", "C:\\x", "c:/x", "a/../../b", "..\\x", "x\0y", " ", "~/x"])
def test_a17_ids_that_lead_elsewhere_are_refused(bad: Any) -> None:
    assert is_unsafe_id(bad)
    found = AnnotationSet(("walk",), {bad: record(bad, Event("walk", 0, 1))})
    assert codes(repair(found), "refused") == ["E-ID-003"]


def test_a17_an_id_never_becomes_a_file_name_as_it_is(tmp_path: Path) -> None:
    video = record("v", Event("walk", 0, 1), fps=25.0)
    for name in ("pku-mmd", "elan", "webvtt", "srt"):
        written = write_annotations(AnnotationSet(("walk",), {"../a/b c": video}), tmp_path / name, format_name=name)
        assert all(path.parent == tmp_path / name for path in written)
        assert written[0].stem == "..%2Fa%2Fb c"


@pytest.mark.parametrize("label", ["=1+1", "+x", "-x", "@SUM(A1)", "\t=1"])
def test_a18_our_csv_holds_no_formulas(tmp_path: Path, label: Any) -> None:
    (path,) = write_annotations(
        AnnotationSet((label,), {label: record(label, Event(label, 0, 1))}), tmp_path / "x.csv", format_name="csv"
    )
    assert path.read_text().splitlines()[1].lstrip('"').startswith("'")


def test_a19_class_names_are_escaped_on_the_page(tmp_path: Path) -> None:
    label = "<script>alert(1)</script>$x^2"
    (page,) = write_stats_page(
        data_stats(annotations(Event(label, 0, 1), classes=(label,))), label, tmp_path / "s.html"
    )
    assert "<script>" not in page.read_text() and "&lt;script&gt;" in page.read_text()


def test_a20_ignored_regions_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "Diving_val.txt", "video_validation_0000001 1 2\n")
    write(tmp_path, "Ambiguous_val.txt", "video_validation_0000001 3 4\nvideo_validation_0000001 5 6\n")
    report = check_data(Source(tmp_path))
    assert report.readable and [(g.code, g.count) for g in report.groups()] == [("E-ANN-018", 1)]
    assert "2 regions" in report.findings[0].detail
    assert data_stats(report.annotations).ignored == 2


def test_all_faults_of_a_file_come_together(tmp_path: Path) -> None:
    content = {
        i: {"duration": d, "actions": a} for i, d, a in (("a", "x", []), ("b", 1, [[0, 1]]), ("c", 1, [[0, 0, 1]]))
    }
    with pytest.raises(FaultList) as caught:
        read_annotations(write(tmp_path, "x.json", json.dumps(content)))
    assert len(caught.value.faults) == 2


def test_wrong_options_are_raised_by_a_check_not_reported_as_faults_of_the_data(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", "video,label,start,end\nv,walk,0,1\n")
    with pytest.raises(UsageFault, match="no such option"):
        check_data(Source(path, options={"fsp": 3}))
