"""Feature folders beside annotations: what is missing, damaged, constant, or on another time base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.core.errors import AugrgbError
from augrgb.core.searching import has_files
from augrgb.core.timeline import Clock
from augrgb.features.npy_folder import NpyFolder
from augrgb.features.orientation import end_s, fits, matched, other_reading
from augrgb.features.renamed import RenamedFeatures
from augrgb.features.store import open_features
from augrgb.features.video_features import FeatureFolder, VideoFeatures

_Span = tuple[float, float]
"""Seconds covered, and seconds between snippets."""


def feature_findings(annotations: AnnotationSet, folders: Sequence[Path], clock: Clock | None = None) -> list[Finding]:
    """Everything wrong with some feature folders, each file read once.

    Args:
        clock: Clock of folders with third-party `.npy` files.
    """
    found: list[Finding] = []
    spans: dict[Path, dict[str, _Span]] = {}
    for folder in folders:
        try:
            opened = open_features(folder, None if has_files(folder, [".safetensors"]) else clock)
        except AugrgbError as fault:
            found.append(Finding(fault.code, "feature folder cannot be used", "refused", str(folder), str(fault)))
            continue
        spans[folder] = {}
        opened = matched(opened, annotations.videos)
        inner = opened.inner if isinstance(opened, RenamedFeatures) else opened
        if isinstance(inner, NpyFolder) and inner.turned:
            found.append(Finding("E-FEA-031", "arrays are (C, T)", "noted", str(folder), "turned to (T, C) when read"))
        if isinstance(opened, RenamedFeatures):
            found.extend(opened.match.finding(folder))
        found.extend(_missing(annotations, opened))
        for video_id in opened.ids():
            found.extend(_file(annotations, opened, video_id, spans[folder]))
    found.extend(_lengths(spans))
    return found


def _missing(annotations: AnnotationSet, folder: FeatureFolder) -> Iterator[Finding]:
    wanted = list(annotations.videos)
    missing = [video_id for video_id in wanted if not folder.has(video_id)]
    if wanted and len(missing) == len(wanted):
        detail = f"none of {len(wanted)} videos; its first files: {', '.join(folder.ids()[:3])}"
        yield Finding("E-FEA-015", "features of none of the videos", "refused", str(folder.folder), detail)
        return
    for video_id in missing:
        yield Finding("E-FEA-002", "features missing", "noted", video_id, str(folder.folder))
    for video_id in folder.ids():
        if video_id not in annotations.videos:
            yield Finding("E-FEA-014", "features of an unknown video", "noted", video_id, str(folder.folder))


def _file(
    annotations: AnnotationSet, folder: FeatureFolder, video_id: str, spans: dict[str, _Span]
) -> Iterator[Finding]:
    try:
        track = folder.read(video_id)
    except AugrgbError as fault:
        yield Finding(fault.code, "feature file cannot be used", "refused", video_id, str(fault))
        return
    spans[video_id] = _span(track)
    if float(np.ptp(track.values, axis=0).max(initial=0.0)) == 0.0 and len(track.values) > 1:
        detail = f"{folder.folder}: every snippet is the same"
        yield Finding("E-FEA-011", "features without variance", "noted", video_id, detail)
    video = annotations.videos.get(video_id)
    if video is not None and video.duration_s is not None:
        covered, _ = spans[video_id]
        if not fits(len(track.values), track.clock, video.duration_s):  # the rule of training
            other = other_reading(track.values.shape, track.clock, video.duration_s)
            detail = (
                f"{folder.folder}: {len(track.values)} snippets on {track.clock} cover {covered:.2f} s, the video "
                f"lasts {video.duration_s:.2f} s; {other or 'is it the clock with which they were extracted?'}"
            )
            yield Finding("E-FEA-012", "features of another length", "refused", video_id, detail)


def _lengths(spans: Mapping[Path, Mapping[str, _Span]]) -> Iterator[Finding]:
    """Modalities of one video may differ in length by one snippet of the coarser one."""
    folders = list(spans)
    for folder in folders[1:]:
        for video_id, (covered, stride_s) in spans[folder].items():
            if video_id not in spans[folders[0]]:
                continue
            other, other_stride_s = spans[folders[0]][video_id]
            if abs(covered - other) > max(stride_s, other_stride_s) + 1e-9:
                detail = f"{folders[0]}: {other:.2f} s, {folder}: {covered:.2f} s"
                yield Finding("E-FEA-028", "modalities of different length", "refused", video_id, detail)


def _span(track: VideoFeatures) -> _Span:
    return end_s(len(track.values), track.clock), track.clock.stride_s
