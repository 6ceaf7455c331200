"""Subsets to splits: who is in which role where labels are withheld."""

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.splits import splits_of
from augrgb.core.types import Event, VideoRecord


def test_videos_that_were_never_annotated_have_no_labeled_role() -> None:
    subsets = {"a": "training", "b": "training", "c": "validation", "d": "testing"}
    videos = {
        name: VideoRecord(name, 9.0, events=(Event("cut", 1, 2),) if name in "ac" else None, subset=subset)
        for name, subset in subsets.items()
    }
    annotations = AnnotationSet(("cut",), videos)
    assert splits_of(annotations) == {"given": {"train": ("a", "b"), "val": ("c",), "test": ("d",)}}
    assert splits_of(annotations, only_labelled=True) == {
        "given": {"train": ("a",), "unlabelled": ("b",), "val": ("c",)}
    }
