"""ELAN `.eaf` files: one per video, milliseconds, annotations on tiers."""

from __future__ import annotations

import heapq
import math
import sys
from array import array
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import quote, unquote, urlparse
from xml.etree import ElementTree

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.text_files import files_below, first_below, head_of
from augrgb.annotations.reading.tool_clock import elan_seconds_per_unit
from augrgb.annotations.reading.xml_reader import iter_xml
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.files import file_name_of, write_bytes
from augrgb.core.types import Event, VideoRecord
from augrgb.video.folder import VIDEO_SUFFIXES

_Interval = tuple[float, float]


class Elan(AnnotationFormat):
    """ELAN: the label is the annotation's text; times are whole milliseconds (or PAL or NTSC frames).

    Time slots without a value are spread evenly between their aligned neighbours on the tier, as ELAN shows them.
    Annotations that refer to others (symbolic association and subdivision) share their parent's time evenly. The
    video's `TIME_ORIGIN` is added, so that times count from its start; the video is the first medium that is one (a
    sound file may stand before it). By default only tiers
    without a parent are read; the others are counted. An annotation
    without a text is an ignored region. The video's id is the name of the medium, or of the file.
    Written times are off by half a millisecond at most.

    Args:
        tiers: Names of the tiers to read, with or without a parent; default: all without one.
        media: Name of the video that is meant, where a file has several.
        label: `tier` where the tier's name is the action, whatever the annotations say.
        classes: Class list; any other label is then a mistake.
    """

    name = "elan"
    suffixes = (".eaf",)
    folders = True
    zero = "player"
    signs = ("<ANNOTATION_DOCUMENT", "<TIME_ORDER")

    def __init__(
        self,
        *,
        tiers: tuple[str, ...] | None = None,
        media: str | None = None,
        label: Literal["text", "tier"] = "text",
        classes: Path | None = None,
    ) -> None:
        self.media = media
        self.tiers, self.label, self.classes = tiers, label, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return "<ANNOTATION_DOCUMENT" in head_of(first_below(path, ".eaf"))

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        origin: dict[str, Path] = {}
        findings: list[Finding] = []
        vocabulary: dict[str, None] = {}
        for file in files_below(path, ".eaf"):
            try:
                document = _Document.parse(file, self.media)
                events = self._events(document, findings)
            except AugrgbError as fault:
                faults.append(fault)
                continue
            if document.video_id in origin:
                problem = f"the same video {document.video_id!r} as {origin[document.video_id]}"
                faults.append(InputRefused("E-ID-001", file, problem))
                continue
            origin[document.video_id] = file
            if document.other_videos:
                detail = f"{', '.join(document.other_videos)} shown beside it (--set media={document.other_videos[0]})"
                findings.append(Finding("E-ANN-044", "several videos in a file", "noted", document.video_id, detail))
            named = tuple(event for event in events if event.label)
            unnamed = tuple(event for event in events if not event.label)
            if unnamed:
                detail = f"{len(unnamed)} annotations without a text"
                findings.append(Finding("E-ANN-018", "ignored regions", "noted", document.video_id, detail))
            videos[document.video_id] = VideoRecord(document.video_id, events=named, ignored=unnamed)
            vocabulary.update(dict.fromkeys(document.vocabulary.values()))
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events or ()}
        listed = read_class_list(self.classes).classes if self.classes is not None else tuple(vocabulary)
        closed = self.classes is not None or used <= set(listed)
        classes = listed if closed and listed else tuple(sorted(used))
        return AnnotationSet(classes, videos, findings=tuple(findings), closed=closed and bool(listed))

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        chosen = {video_id: video for video_id, video in annotations.videos.items() if video.events is not None}
        single = path.suffix.lower() == ".eaf"
        if single and len(chosen) != 1:
            problem = f"ELAN has one file per video, and there are {len(chosen)}"
            raise UsageFault("E-ANN-040", path, problem, "Name a folder.")
        written = []
        for video_id, video in chosen.items():
            written.append(path if single else path / f"{file_name_of(video_id)}.eaf")
            write_bytes(written[-1], _document(video_id, video.events or (), annotations.classes))
        return written

    def _events(self, document: _Document, findings: list[Finding]) -> tuple[Event, ...]:
        known = [tier.name for tier in document.tiers]
        for name in self.tiers or ():
            if name not in known:
                raise UsageFault("E-ANN-027", document.file, f"no tier {name!r}", did_you_mean(name, known))
        events: list[Event] = []
        for tier in document.tiers:
            wanted = tier.name in self.tiers if self.tiers is not None else tier.parent is None
            if wanted:
                events.extend(document.events(tier, by_tier=self.label == "tier"))
            elif tier.annotations:
                detail = f"tier {tier.name!r}: {len(tier.annotations)} annotations were not read"
                findings.append(Finding("E-ANN-022", "tiers left out", "noted", document.video_id, detail))
        return tuple(events)


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One annotation: with time slots, or with the annotation that it refers to and the one before it."""

    key: str
    text: str
    entry: str
    slots: tuple[str, str] | None
    above: str
    previous: str | None

    @staticmethod
    def of(element: ElementTree.Element) -> _Annotation:
        one, two = (sys.intern(element.get(f"TIME_SLOT_REF{number}", "")) for number in (1, 2))
        return _Annotation(
            element.get("ANNOTATION_ID", ""),
            sys.intern((element.findtext("ANNOTATION_VALUE") or "").strip()),
            sys.intern(element.get("CVE_REF", "")),
            (one, two) if element.tag == "ALIGNABLE_ANNOTATION" else None,
            element.get("ANNOTATION_REF", ""),
            element.get("PREVIOUS_ANNOTATION"),
        )


@dataclass(frozen=True, slots=True)
class _Tier:
    name: str
    parent: str | None
    annotations: list[_Annotation]


@dataclass(frozen=True, slots=True)
class _Medium:
    """A video or sound file: its name, when the document's 0 is in it, and whether it is a video."""

    name: str
    origin_s: float
    is_video: bool

    @staticmethod
    def of(element: ElementTree.Element, file: Path) -> _Medium:
        url = element.get("RELATIVE_MEDIA_URL") or element.get("MEDIA_URL") or ""
        path = PurePosixPath(urlparse(url.replace("\\", "/")).path)
        is_video = element.get("MIME_TYPE", "").startswith("video") or path.suffix.lower() in VIDEO_SUFFIXES
        return _Medium(unquote(path.stem), _number(element.get("TIME_ORIGIN") or "0", file) / 1000.0, is_video)


def _medium(media: list[_Medium], wanted: str | None, file: Path) -> tuple[_Medium, tuple[str, ...]]:
    """The medium whose time and name count, and the names of other videos that could be meant."""
    if wanted is not None:
        named = [medium for medium in media if medium.name in (wanted, PurePosixPath(wanted).stem)]
        if not named:
            hint = did_you_mean(wanted, [medium.name for medium in media])
            raise UsageFault("E-ANN-027", file, f"shows no medium {wanted!r}", hint)
        return named[0], ()
    videos = [medium for medium in media if medium.is_video] or media[:1]
    if not videos:
        return _Medium("", 0.0, False), ()
    return videos[0], tuple(medium.name for medium in videos[1:])


@dataclass(frozen=True, slots=True)
class _Document:
    """An ELAN file. `order` is a time slot's place, `times` the seconds at each place, NaN if it has none."""

    file: Path
    video_id: str
    origin_s: float
    other_videos: tuple[str, ...]
    tiers: list[_Tier]
    order: dict[str, int]
    times: array[float]
    vocabulary: dict[str, str]

    @staticmethod
    def parse(file: Path, wanted: str | None) -> _Document:
        header: ElementTree.Element | None = None
        tiers: list[_Tier] = []
        order: dict[str, int] = {}
        values = array("d")
        vocabulary: dict[str, str] = {}
        for above, element in iter_xml(file, inside=("TIER", "TIME_ORDER")):
            if above is None and element.tag != "ANNOTATION_DOCUMENT":
                raise InputRefused("E-ANN-029", file, f"root element {element.tag!r}, expected 'ANNOTATION_DOCUMENT'")
            if element.tag == "HEADER" and header is None:
                header = element
            elif element.tag == "TIER":
                tiers.append(_Tier(element.get("TIER_ID", ""), element.get("PARENT_REF"), []))
            elif element.tag == "TIME_SLOT" and above is not None and above.tag == "TIME_ORDER":
                order[sys.intern(element.get("TIME_SLOT_ID", ""))] = len(values)
                value = element.get("TIME_VALUE")
                values.append(math.nan if value is None else _number(value, file))
            elif element.tag == "ANNOTATION" and above is not None and above.tag == "TIER":
                tiers[-1].annotations.extend(_Annotation.of(inner) for inner in element if inner.tag in _KINDS)
            elif element.tag == "CONTROLLED_VOCABULARY":
                for entry in element.iterfind("CV_ENTRY_ML"):
                    vocabulary[entry.get("CVE_ID", "")] = entry.findtext("CVE_VALUE", "")
        media = [] if header is None else [_Medium.of(m, file) for m in header.findall("MEDIA_DESCRIPTOR")]
        medium, others = _medium(media, wanted, file)
        unit_s = elan_seconds_per_unit(header.get("TIME_UNITS", "") if header is not None else "", file)
        return _Document(
            file=file,
            video_id=medium.name or file.stem,
            origin_s=medium.origin_s,
            other_videos=others,
            tiers=tiers,
            order=order,
            times=array("d", (value / 1000.0 if unit_s == 0.001 else value * unit_s for value in values)),
            vocabulary=vocabulary,
        )

    def events(self, tier: _Tier, *, by_tier: bool) -> list[Event]:
        """Its annotations; without a text the label is "", and by tier it is the tier's name."""
        spans = self._spans(tier)
        events = []
        for annotation in tier.annotations:
            label = tier.name if by_tier else annotation.text or self.vocabulary.get(annotation.entry, "")
            start, end = spans[annotation.key]
            events.append(Event(label, start + self.origin_s, end + self.origin_s))
        return events

    def _spans(self, tier: _Tier, below: tuple[str, ...] = ()) -> dict[str, _Interval]:
        references = [annotation for annotation in tier.annotations if annotation.slots is None]
        spans: dict[str, _Interval] = {}
        if len(references) < len(tier.annotations):
            ends = {a.key: (self._place(a, 0), self._place(a, 1)) for a in tier.annotations if a.slots is not None}
            times = self._interpolated({place for pair in ends.values() for place in pair}, tier)
            spans.update({key: (times[one], times[two]) for key, (one, two) in ends.items()})
        if references:
            parent = next((t for t in self.tiers if tier.parent is not None and t.name == tier.parent), None)
            if parent is None or tier.parent in (tier.name, *below):
                problem = f"tier {tier.name!r} refers to a tier that does not exist, or to itself"
                raise InputRefused("E-ANN-009", self.file, problem)
            spans.update(self._shared(references, self._spans(parent, (tier.name, *below)), tier))
        return spans

    def _place(self, annotation: _Annotation, number: int) -> int:
        name = annotation.slots[number] if annotation.slots is not None else ""
        if name not in self.order:
            problem = f"annotation {annotation.key!r} refers to a time slot {name!r} that does not exist"
            raise InputRefused("E-ANN-009", self.file, problem)
        return self.order[name]

    def _interpolated(self, used: set[int], tier: _Tier) -> dict[int, float]:
        chain = sorted(used)
        times = {place: self.times[place] for place in chain if not math.isnan(self.times[place])}
        fixed = [position for position, place in enumerate(chain) if place in times]
        if not fixed or fixed[0] != 0 or fixed[-1] != len(chain) - 1:
            problem = f"tier {tier.name!r} begins or ends with a time slot without a value"
            raise InputRefused("E-ANN-009", self.file, problem, "Align its first and last annotation in ELAN.")
        for one, two in pairwise(fixed):
            first, last = times[chain[one]], times[chain[two]]
            for position in range(one + 1, two):
                times[chain[position]] = first + (last - first) * (position - one) / (two - one)
        return times

    def _shared(
        self, references: list[_Annotation], parents: dict[str, _Interval], tier: _Tier
    ) -> dict[str, _Interval]:
        """Children of one annotation share its time evenly, in the order of their chain."""
        children: dict[str, list[str]] = {}
        previous = {annotation.key: annotation.previous for annotation in references}
        for annotation in references:
            children.setdefault(annotation.above, []).append(annotation.key)
        spans: dict[str, _Interval] = {}
        for parent, keys in children.items():
            if parent not in parents:
                problem = f"tier {tier.name!r} refers to an annotation {parent!r} that does not exist"
                raise InputRefused("E-ANN-009", self.file, problem)
            after = {previous[key]: key for key in keys}
            ordered: list[str] = []
            key = after.get(None)
            while key is not None and len(ordered) < len(keys):
                ordered.append(key)
                key = after.get(key)
            if len(ordered) != len(keys):
                problem = f"tier {tier.name!r}: the annotations below {parent!r} form no chain"
                raise InputRefused("E-ANN-009", self.file, problem)
            start, end = parents[parent]
            step = (end - start) / len(keys)
            spans.update({key: (start + i * step, start + (i + 1) * step) for i, key in enumerate(ordered)})
        return spans


_KINDS = ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION")


def _number(text: str, file: Path) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise InputRefused("E-ANN-002", file, f"time {text!r}, expected milliseconds") from error
    if math.isnan(number):  # would count as a slot without a value
        raise InputRefused("E-ANN-002", file, f"time {text!r}, expected milliseconds")
    return number


def _document(video_id: str, events: tuple[Event, ...], classes: tuple[str, ...]) -> bytes:
    root = ElementTree.Element("ANNOTATION_DOCUMENT", AUTHOR="augrgb", FORMAT="3.0", VERSION="3.0")
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    url = f"{quote(video_id.encode('utf-8', 'surrogateescape'), safe='-_.()')}.mp4"
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=url, MIME_TYPE="video/mp4")
    order = ElementTree.SubElement(root, "TIME_ORDER")
    # one tier per lane: annotations of one tier may not overlap in ELAN
    lanes: list[ElementTree.Element] = []
    busy: list[tuple[float, int]] = []  # heaps: lanes by the end of their last annotation, and those that are free
    free: list[int] = []
    for number, event in enumerate(sorted(events, key=lambda e: (e.start_s, e.end_s)), 1):
        while busy and busy[0][0] <= event.start_s:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(lanes)
        if lane == len(lanes):
            lanes.append(ElementTree.Element("TIER", TIER_ID=f"actions {lane + 1}", LINGUISTIC_TYPE_REF="action"))
        heapq.heappush(busy, (event.end_s, lane))
        slots = (f"ts{2 * number - 1}", f"ts{2 * number}")
        for slot, time_s in zip(slots, (event.start_s, event.end_s), strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(round(time_s * 1000)))
        holder = ElementTree.SubElement(lanes[lane], "ANNOTATION")
        attributes = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
        annotation = ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", attributes)
        ElementTree.SubElement(annotation, "ANNOTATION_VALUE").text = event.label
    order[:] = sorted(order, key=lambda slot: int(slot.get("TIME_VALUE", "0")))
    root.extend(lanes)
    kind = {"LINGUISTIC_TYPE_ID": "action", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", {**kind, "CONTROLLED_VOCABULARY_REF": "classes"})
    vocabulary = ElementTree.SubElement(root, "CONTROLLED_VOCABULARY", CV_ID="classes")
    ElementTree.SubElement(vocabulary, "DESCRIPTION", LANG_REF="und")
    for number, name in enumerate(classes):
        entry = ElementTree.SubElement(vocabulary, "CV_ENTRY_ML", CVE_ID=f"cve{number}")
        ElementTree.SubElement(entry, "CVE_VALUE", LANG_REF="und").text = name
    ElementTree.SubElement(
        root, "LANGUAGE", LANG_DEF="http://cdb.iso.org/lg/CDB-00130975-001", LANG_ID="und", LANG_LABEL="undetermined"
    )
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()
