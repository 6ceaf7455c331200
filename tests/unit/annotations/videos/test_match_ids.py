"""Ids that are written differently in two files."""

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.videos.match_ids import match_ids
from augrgb.annotations.videos.match_videos import one_id_per_video
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event, VideoRecord


@pytest.mark.parametrize(
    ("ids", "known", "pairs"),
    [
        (["a1", "a2"], ["a1", "a2", "a3"], {"a1": "a1", "a2": "a2"}),
        (["a1.mp4", "a2.MKV"], ["a1", "a2"], {"a1.mp4": "a1", "a2.MKV": "a2"}),
        (["a1", "a2"], ["a1.mp4", "a2.mp4"], {"a1": "a1.mp4", "a2": "a2.mp4"}),
        (["x\\a1.avi"], ["a1"], {"x\\a1.avi": "a1"}),
        (["cam1/a"], ["P1/cam1/a", "P1/cam2/a"], {"cam1/a": "P1/cam1/a"}),
        (["a"], ["P1/cam1/a", "P1/cam2/a"], {}),
        (["aaa", "bbb"], ["v_aaa", "v_bbb"], {"aaa": "v_aaa", "bbb": "v_bbb"}),
        (["v_aaa", "v_bbb"], ["aaa", "bbb"], {"v_aaa": "aaa", "v_bbb": "bbb"}),
        (["aaa", "bbb"], ["aaa_rgb", "bbb_rgb", "ccc_rgb"], {"aaa": "aaa_rgb", "bbb": "bbb_rgb"}),
        (["aaa-x", "bbb-x"], ["aaa", "bbb"], {"aaa-x": "aaa", "bbb-x": "bbb"}),
        (["aaa.mp4"], ["v_aaa.avi"], {"aaa.mp4": "v_aaa.avi"}),
        (["1", "2"], ["11", "12", "21"], {}),
        (["v1"], ["v10"], {}),
        (["1"], ["cam1_1", "cam2_1"], {}),
        (["P1", "P2", "P3"], ["rgbP1", "rgbP2", "rgbP3"], {"P1": "rgbP1", "P2": "rgbP2", "P3": "rgbP3"}),
        (["one", "two"], ["three", "four"], {}),
        ([], ["a"], {}),
    ],
)
def test_ids_by_name_folder_and_affix(ids: list[str], known: list[str], pairs: dict[str, str]) -> None:
    match = match_ids(ids, known)
    assert match.names == pairs
    assert bool(match.finding("x")) == any(name != known for name, known in pairs.items())


def test_an_affix_is_never_tried_beside_ids_that_are_there() -> None:
    assert match_ids(["a", "b"], ["a", "v_b"]).names == {"a": "a"}


def test_a_name_with_and_without_its_ending_is_one_video() -> None:
    one, two = (Event("walk", 0, 1),), (Event("sit", 1, 2),)
    found = AnnotationSet(
        ("sit", "walk"), {"a": VideoRecord("a", events=one), "a.mp4": VideoRecord("a.mp4", events=two)}
    )
    joined = one_id_per_video(found)
    assert joined.videos == {"a": VideoRecord("a", events=one + two)}
    assert [finding.code for finding in joined.findings] == ["E-ID-007"]
    differing = AnnotationSet((), {"a": VideoRecord("a", 1.0), "a.mp4": VideoRecord("a.mp4", 2.0)})
    with pytest.raises(InputRefused, match="E-ID-001"):
        one_id_per_video(differing)
