"""Formats of annotation tools: ELAN, VIA 3, Label Studio, CVAT; and subtitles."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.formats import Cvat, Elan, LabelStudio, SubRip, Via, WebVtt
from augrgb.annotations.formats.label_studio import video_of
from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.core.types import Event, VideoRecord


def eaf(
    tmp_path: Path,
    slots: Any,
    tiers: Any,
    media: Any = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/v/kitchen%201.mp4"/>',
    more: Any = "",
) -> Any:
    order = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{i}"' + (f' TIME_VALUE="{value}"/>' if value is not None else "/>")
        for i, value in enumerate(slots)
    )
    path = tmp_path / "notes.eaf"
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds">'
        f"{media}</HEADER>"
        f"<TIME_ORDER>{order}</TIME_ORDER>{tiers}{more}</ANNOTATION_DOCUMENT>"
    )
    return path


def aligned(key: Any, one: Any, two: Any, text: Any, cve: Any = "") -> Any:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{key}" TIME_SLOT_REF1="ts{one}" TIME_SLOT_REF2="ts{two}"'
        f"{cve}>"
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


def referring(key: Any, parent: Any, text: Any, previous: Any = "") -> Any:
    before = f' PREVIOUS_ANNOTATION="{previous}"' if previous else ""
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{key}" ANNOTATION_REF="{parent}"{before}>'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    )


def test_elan_spreads_slots_without_a_value(tmp_path: Path) -> None:
    tier = '<TIER TIER_ID="a">' + aligned("a1", 0, 1, "x") + aligned("a2", 1, 2, "y") + aligned("a3", 2, 3, "z")
    found = Elan().read(eaf(tmp_path, [1000, None, None, 4000], tier + "</TIER>"))
    assert found.videos["kitchen 1"].events == (Event("x", 1.0, 2.0), Event("y", 2.0, 3.0), Event("z", 3.0, 4.0))


def test_elan_neighbours_are_those_of_the_tier(tmp_path: Path) -> None:
    """A valued slot of another tier in between does not count."""
    one = '<TIER TIER_ID="a">' + aligned("a1", 0, 1, "x") + aligned("a2", 1, 3, "y") + "</TIER>"
    other = '<TIER TIER_ID="b">' + aligned("b1", 0, 2, "z") + "</TIER>"
    found = Elan(tiers=("a",)).read(eaf(tmp_path, [0, None, 300, 4000], one + other))
    assert found.videos["kitchen 1"].events == (Event("x", 0.0, 2.0), Event("y", 2.0, 4.0))
    assert "tier 'b': 1 annotations" in found.findings[0].detail


def test_elan_refuses_an_open_end_and_a_missing_slot(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r"E-ANN-009.*'a' begins or ends"):
        Elan().read(eaf(tmp_path, [0, None], '<TIER TIER_ID="a">' + aligned("a1", 0, 1, "x") + "</TIER>"))
    with pytest.raises(AugrgbError, match="'ts7' that does not exist"):
        Elan().read(eaf(tmp_path, [0, 1], '<TIER TIER_ID="a">' + aligned("a1", 0, 7, "x") + "</TIER>"))


def test_elan_media_offset_and_vocabulary(tmp_path: Path) -> None:
    media = '<MEDIA_DESCRIPTOR MEDIA_URL="a.mp4" TIME_ORIGIN="2500"/>'
    more = '<CONTROLLED_VOCABULARY CV_ID="v"><CV_ENTRY_ML CVE_ID="c1"><CVE_VALUE>walk</CVE_VALUE></CV_ENTRY_ML>'
    more += '<CV_ENTRY_ML CVE_ID="c2"><CVE_VALUE>sit</CVE_VALUE></CV_ENTRY_ML></CONTROLLED_VOCABULARY>'
    tier = '<TIER TIER_ID="a">' + aligned("a1", 0, 1, "", ' CVE_REF="c1"') + "</TIER>"
    found = Elan().read(eaf(tmp_path, [0, 1000], tier, media, more))
    assert found.videos["a"].events == (Event("walk", 2.5, 3.5),) and found.classes == ("walk", "sit")


def test_elan_dependent_tiers_share_their_parents_time(tmp_path: Path) -> None:
    tiers = '<TIER TIER_ID="a">' + aligned("a1", 0, 1, "cook") + "</TIER>"
    tiers += '<TIER TIER_ID="b" PARENT_REF="a">' + referring("b2", "a1", "stir", "b1") + referring("b1", "a1", "cut")
    path = eaf(tmp_path, [0, 3000], tiers + "</TIER>")
    assert [e.label for e in Elan().read(path).videos["kitchen 1"].events] == ["cook"]
    events = Elan(tiers=("b",)).read(path).videos["kitchen 1"].events
    assert set(events) == {Event("cut", 0.0, 1.5), Event("stir", 1.5, 3.0)}
    with pytest.raises(AugrgbError, match="no tier 'B'"):
        Elan(tiers=("B",)).read(path)


def test_elan_annotation_without_text_is_an_ignored_region_or_the_tiers(tmp_path: Path) -> None:
    path = eaf(tmp_path, [0, 9], '<TIER TIER_ID="a">' + aligned("a1", 0, 1, " ") + "</TIER>")
    found = Elan().read(path)
    (video,) = found.videos.values()
    assert video.events == () and video.ignored == (Event("", 0.0, 0.009),)
    assert [finding.code for finding in found.findings] == ["E-ANN-018"]
    (video,) = Elan(label="tier").read(path).videos.values()
    assert video.events == (Event("a", 0.0, 0.009),)


def via_project(**av: Any) -> Any:
    return {
        "project": {"pid": "x", "vid_list": ["1"]},
        "attribute": {
            "1": {"aname": "TEMPORAL-SEGMENTS", "type": 4, "options": {"w": "walk", "s": "sit"}},
            "2": {"aname": "note", "type": 1, "options": {}},
        },
        "file": {"1": {"fid": 1, "fname": "clips/kitchen.mp4", "type": 4}, "2": {"fid": 2, "fname": "hall.mp4"}},
        "metadata": {
            "1_a": {"vid": "1", "flg": 0, "z": [1.25, 3.5], "xy": [], "av": {"1": "w", **av}},
            "1_b": {"vid": "1", "flg": 0, "z": [2.0], "xy": [2, 1, 1, 5, 5], "av": {"1": "s"}},
        },
        "view": {"1": {"fid_list": [1]}, "2": {"fid_list": [2]}},
    }


def test_via_project(tmp_path: Path) -> None:
    path = tmp_path / "via.json"
    path.write_text(json.dumps(via_project()))
    found = Via().read(path)
    assert found.videos == {
        "kitchen": VideoRecord("kitchen", events=(Event("walk", 1.25, 3.5),)),
        "hall": VideoRecord("hall", events=()),
    }
    assert "1 points" in found.findings[0].detail
    path.write_text(json.dumps(via_project(**{"2": "hm"})))
    with pytest.raises(AugrgbError, match="several attributes: TEMPORAL-SEGMENTS, note"):
        Via().read(path)
    assert Via(attribute="note").read(path).videos["kitchen"].events[0].label == "hm"


@pytest.mark.parametrize(
    "text",
    [
        "# Exported\n# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
        '"1_a","[""kitchen.mp4""]",0,"[1.25,3.5]","[]","{""TEMPORAL-SEGMENTS"":""walk""}"\n',
        "# CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata\n"
        '"1_a","[""kitchen.mp4""]",1.25,3.5,"{""TEMPORAL-SEGMENTS"":""walk""}"\n',
    ],
)
def test_via_csv_of_both_ages(tmp_path: Path, text: Any) -> None:
    path = tmp_path / "via.csv"
    path.write_text(text)
    assert Via().read(path).videos == {"kitchen": VideoRecord("kitchen", events=(Event("walk", 1.25, 3.5),))}
    path.write_text(text.replace("3.5", "x"))
    with pytest.raises(AugrgbError, match=r"via.csv:\d: "):
        Via().read(path)


def studio_task(*annotations: Any, video: Any = "/data/upload/1/0f3a9c2e-kitchen.mp4") -> Any:
    return {"id": 1, "data": {"video": video}, "annotations": list(annotations)}


def studio_annotation(start: Any, end: Any, **more: Any) -> Any:
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": ["walk"]}
    other = {"type": "choices", "value": {"choices": ["good"]}}
    return {"result": [{"type": "timelinelabels", "value": value}, other], **more}


def test_label_studio_counts_frames_from_1_with_the_last_included(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([studio_task(studio_annotation(1, 25)), studio_task(video="hall.mp4")]))
    found = LabelStudio(fps=25.0).read(path)
    assert found.videos["kitchen"].events == (Event("walk", 0.0, 1.0),)
    assert found.videos["hall"].events is None and "1 that are no" in found.findings[0].detail
    with pytest.raises(AugrgbError, match="E-ANN-060"):
        LabelStudio().read(path)


def test_label_studio_does_not_choose_between_annotators(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    two = studio_task(studio_annotation(1, 25), studio_annotation(26, 50), studio_annotation(7, 8, was_cancelled=True))
    path.write_text(json.dumps([two]))
    with pytest.raises(AugrgbError, match="2 annotations of one video"):
        LabelStudio(fps=25.0).read(path)
    assert LabelStudio(fps=25.0, annotator="last").read(path).videos["kitchen"].events == (Event("walk", 1.0, 2.0),)


@pytest.mark.parametrize(
    ("address", "video"),
    [
        ("/data/upload/3/0f3a9c2e-a b.mp4", "a b"),
        ("/data/local-files/?d=clips/x.mp4", "x"),
        ("s3://bucket/dir/0f3a9c2e-y.mp4", "0f3a9c2e-y"),
        ("https://host/a%20b.mp4?token=1", "a b"),
    ],
)
def test_label_studio_addresses(address: Any, video: Any) -> None:
    assert video_of(address) == video


def cvat(tmp_path: Path, body: Any, meta: Any = "<frame_filter></frame_filter>") -> Any:
    labels = "<labels><label><name>sit</name></label><label><name>walk</name></label></labels>"
    path = tmp_path / "annotations.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task><id>4</id>'
        "<name>t</name>"
        f"{meta}{labels}<source>kitchen.mp4</source></task></meta>{body}</annotations>"
    )
    return path


def box(frame: Any, outside: Any = 0, inside: Any = "") -> Any:
    return f'<box frame="{frame}" outside="{outside}" keyframe="1">{inside}</box>'


def test_cvat_track_ends_where_it_is_outside(tmp_path: Path) -> None:
    body = '<track id="0" label="walk">' + box(10) + box(11) + box(35, 1) + box(50) + box(59) + "</track>"
    found = Cvat(fps=10.0).read(cvat(tmp_path, body))
    assert found.videos["kitchen"].events == (Event("walk", 1.0, 3.5), Event("walk", 5.0, 6.0))
    with pytest.raises(AugrgbError, match="E-ANN-007"):
        Cvat().read(cvat(tmp_path, body))


def test_cvat_attribute_names_the_action(tmp_path: Path) -> None:
    acts = ['<attribute name="action">sit</attribute>', '<attribute name="action">walk</attribute>']
    body = '<track id="0" label="person">' + box(0, inside=acts[0]) + box(5, inside=acts[1]) + box(9, 1) + "</track>"
    found = Cvat(fps=10.0, attribute="action").read(cvat(tmp_path, body))
    assert found.videos["kitchen"].events == (Event("sit", 0.0, 0.5), Event("walk", 0.5, 0.9))
    with pytest.raises(AugrgbError, match="no attribute 'act'"):
        Cvat(fps=10.0, attribute="act").read(cvat(tmp_path, body))


def test_cvat_tags_join_by_the_frame_step(tmp_path: Path) -> None:
    images = "".join(f'<image id="{i}" name="f{i}"><tag label="walk"/></image>' for i in (0, 5, 10, 20))
    found = Cvat(fps=10.0).read(cvat(tmp_path, images, "<frame_filter>step=5</frame_filter>"))
    assert found.videos["kitchen"].events == (Event("walk", 0.0, 1.5), Event("walk", 2.0, 2.5))


def test_subtitles(tmp_path: Path) -> None:
    annotations = AnnotationSet(
        ("a",), {"v": VideoRecord("v", events=(Event("a --> <b>\n", 3661.5, 3662.0004), Event("a", 0.0, 1.0)))}
    )
    assert WebVtt().write(annotations, tmp_path / "v.vtt") == [tmp_path / "v.vtt"]
    assert (tmp_path / "v.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\n\n01:01:01.500 --> 01:01:02.000\na --&gt; &lt;b&gt;\n"
    )
    assert SubRip().write(annotations, tmp_path / "out") == [tmp_path / "out" / "v.srt"]
    assert (tmp_path / "out" / "v.srt").read_text().startswith("1\n00:00:00,000 --> 00:00:01,000\na\n\n2\n01:01:01,500")
    assert WebVtt().read(tmp_path / "v.vtt").videos["v"].events == (
        Event("a", 0.0, 1.0),
        Event("a --> <b>", 3661.5, 3662),
    )


def test_cvat_export_of_a_job_does_not_name_its_video(tmp_path: Path) -> None:
    """Its <meta> has a job with absolute frames, and neither a source nor a name."""
    text = (
        "<annotations><version>1.1</version><meta><job><id>7</id><size>100</size><mode>interpolation</mode>"
        "<start_frame>200</start_frame><stop_frame>299</stop_frame><frame_filter></frame_filter><labels><label>"
        "<name>walk</name></label></labels></job><dumped>x</dumped></meta>"
        '<track id="0" label="walk">' + box(210) + box(235, 1) + "</track></annotations>"
    )
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises(UsageFault, match=r"E-ANN-070.*--set video=NAME"):
        Cvat(fps=10.0).read(tmp_path / "annotations.xml")
    found = Cvat(fps=10.0, video="kitchen.mp4").read(tmp_path / "annotations.xml")
    assert found.videos["kitchen"].events == (Event("walk", 21.0, 23.5),)
    (tmp_path / "hall.xml").write_text(text)
    assert list(Cvat(fps=10.0).read(tmp_path / "hall.xml").videos) == ["hall"]


def test_cvat_a_track_without_the_attribute_refuses_nothing(tmp_path: Path) -> None:
    walk = box(0, inside='<attribute name="action">walk</attribute>') + box(9, 1)
    body = f'<track id="0" label="person">{walk}</track><track id="1" label="person">{box(10)}{box(20, 1)}</track>'
    (tmp_path / "a.xml").write_text(cvat(tmp_path, body).read_text())
    found = read_annotations(tmp_path / "a.xml", options={"fps": 10.0, "attribute": "action"}).videos["kitchen"]
    assert found.events == (Event("walk", 0.0, 0.9),) and found.ignored == (Event("", 1.0, 2.0),)
