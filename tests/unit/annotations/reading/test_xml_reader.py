"""XML element by element: order, forgetting, mistakes with their place, bombs; large files of three tools."""

import json
import multiprocessing
import resource
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.formats.cvat import Cvat, Runs
from augrgb.annotations.formats.elan import Elan
from augrgb.annotations.formats.via import Via
from augrgb.annotations.reading import text_files
from augrgb.annotations.reading.xml_reader import iter_xml
from augrgb.core.errors import InputRefused

TEXT = """<?xml version="1.0" encoding="latin-1"?>
<root a="1">text<one x="2"><deep><deeper/></deep></one> <list n="3"><item v="\u00e9"/><item>word</item></list><list/>
</root>"""


def told(path: Any, inside: Any = ()) -> Any:
    return [
        (above.tag if above is not None else None, element.tag, dict(element.attrib), len(element), element.text)
        for above, element in iter_xml(path, inside)
    ]


def written(tmp_path: Path, text: Any, encoding: Any = "utf-8") -> Any:
    path = tmp_path / "x.xml"
    path.write_text(text, encoding=encoding)
    return path


def test_children_of_the_root_are_whole(tmp_path: Path) -> None:
    assert told(written(tmp_path, TEXT))[1:] == [
        ("root", "one", {"x": "2"}, 1, None),
        ("root", "list", {"n": "3"}, 2, None),
        ("root", "list", {}, 0, None),
    ]
    assert told(tmp_path / "x.xml")[0][:3] == (None, "root", {"a": "1"})


def test_children_of_some_are_given_one_by_one(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT, "utf-8-sig")
    assert [found[:3] for found in told(path, ("list",))][1:] == [
        ("root", "one", {"x": "2"}),
        ("root", "list", {"n": "3"}),
        ("list", "item", {"v": "\u00e9"}),
        ("list", "item", {}),
        ("root", "list", {}),
    ]
    assert [found[4] for found in told(path, ("list",)) if found[1] == "item"] == [None, "word"]


def test_what_was_given_is_forgotten(tmp_path: Path) -> None:
    path = written(tmp_path, "<root>" + "<list>" + "<item/>" * 5000 + "</list>" + "<one/>" * 5000 + "</root>")
    held = [len(above) for above, element in iter_xml(path, ("list",)) if above is not None]
    assert len(held) == 10_001 and max(held) < 3000  # what the parser has read ahead, never all


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<root>\n<one></root>", r"E-FILE-011.*line 2, column 8: mismatched tag"),
        ("<root><one/>", r"E-FILE-011.*no element found"),
        ("", "E-FILE-011.*no element found"),
        ("<root/><root/>", "E-FILE-011.*junk after document element"),
        ('<!DOCTYPE root [<!ENTITY a "b">]><root>&a;</root>', "E-FILE-004"),
        ('<!DOCTYPE root SYSTEM "http://example.org/x.dtd"><root/>', "E-FILE-004"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: Any, message: Any) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputRefused, match=message):
        list(iter_xml(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    def shown(path: Path) -> list[tuple[str, str | None]]:
        return [(element.tag, element.text) for _, element in iter_xml(path)]

    assert shown(written(tmp_path, TEXT, encoding)) == shown(written(tmp_path, TEXT, "utf-8"))


def test_an_xml_declaration_names_the_encoding(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="iso-8859-5"?><root><one>шаг</one></root>'
    found = list(iter_xml(written(tmp_path, text, "iso-8859-5")))
    assert found[-1][1].text == "шаг"


def test_absent_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-FILE-001"):
        list(iter_xml(tmp_path / "absent.xml"))


def test_one_element_has_a_limit_and_the_file_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "WHOLE_FILE_LIMIT", 200_000)
    assert len(told(written(tmp_path, "<root>" + "<one/>" * 100_000 + "</root>"))) == 100_001
    with pytest.raises(InputRefused, match="E-FILE-003"):
        told(written(tmp_path, "<root><one>" + "<two/>" * 100_000 + "</one></root>"))


@pytest.mark.parametrize(
    ("step", "frames"), [(1, [3, 4, 5, 9]), (1, [9, 5, 3, 4, 4]), (2, [0, 2, 3, 8, 4]), (5, [10, 0, 5, 21]), (1, [])]
)
def test_runs_are_those_of_the_sorted_frames(step: Any, frames: Any) -> None:
    runs = Runs(step)
    for frame in frames:
        runs.add(frame)
    expected = []
    for frame in sorted(set(frames)):
        if expected and frame <= expected[-1][1] + step:
            expected[-1][1] = frame
        else:
            expected.append([frame, frame])
    assert runs.joined() == [(first, last + step) for first, last in expected]


def make_cvat(path: Any, megabytes: Any) -> Any:
    """Tracks of boxes: one event of five frames each."""
    box = '    <box frame="{}" outside="{}" occluded="0" keyframe="1" xtl="1.50" ytl="2.50" xbr="3.50" ybr="4.50"/>\n'
    tracks = 0
    with open(path, "w") as file:
        file.write("<annotations><meta><task><id>1</id><name>v.mp4</name></task></meta>\n")
        while file.tell() < megabytes * 2**20:
            boxes = "".join(box.format(tracks + k, int(k == 5)) for k in range(6))
            file.write(f'<track id="{tracks}" label="walk">\n{boxes}</track>\n')
            tracks += 1
        file.write("</annotations>")
    return tracks


def make_elan(path: Any, megabytes: Any) -> Any:
    """Times that lie far from what refers to them, one tier."""
    events = megabytes * 2**20 // 420
    with open(path, "w") as file:
        file.write('<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/><TIME_ORDER>\n')
        for k in range(2 * events):
            file.write(f'    <TIME_SLOT TIME_SLOT_ID="ts{k}" TIME_VALUE="{500 * k}"/>\n')
        file.write('</TIME_ORDER><TIER TIER_ID="actions" LINGUISTIC_TYPE_REF="action" DEFAULT_LOCALE="en">\n')
        for k in range(events):
            file.write(
                f'        <ANNOTATION>\n            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a{k}" '
                f'TIME_SLOT_REF1="ts{2 * k}" TIME_SLOT_REF2="ts{2 * k + 1}">\n                '
                f"<ANNOTATION_VALUE>walk through the room {k % 7}</ANNOTATION_VALUE>\n"
                "            </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>\n"
            )
        file.write("</TIER></ANNOTATION_DOCUMENT>")
    return events


def make_via(path: Any, megabytes: Any) -> Any:
    """A segment for every nine polygons, and the views behind them, where VIA writes them."""
    events = 0
    points = [1.0 * k for k in range(120)]
    polygon = json.dumps({"vid": "1", "flg": 0, "z": [1.5], "xy": [7, *points], "av": {"1": "x"}})
    with open(path, "w") as file:
        file.write('{"project":{"vid_list":["1"]},"attribute":{"1":{"aname":"action"}},"file":{"1":{"fname":"v.mp4"}},')
        file.write('"metadata":{')
        while file.tell() < megabytes * 2**20:
            shapes = ",".join(f'"r{events}_{k}":{polygon}' for k in range(9))
            segment = json.dumps({"vid": "1", "flg": 0, "z": [events, events + 2.5], "xy": [], "av": {"1": "walk"}})
            file.write(f'{"," if events else ""}"s{events}":{segment},{shapes}')
            events += 1
        file.write('},"view":{"1":{"fid_list":["1"]}}}')
    return events


def read_in_child(kind: Any, path: Any, channel: Any) -> None:
    readers = {"cvat": Cvat(fps=25.0), "elan": Elan(), "via": Via()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = readers[kind].read(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    channel.put((sum(len(video.events) for video in found.videos.values()), (after - before) / 1024))


# bytes that an event may cost: itself 112; beside it two names of slots with their places and times, and its name, in
# ELAN; first and last frame in CVAT
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "make", "each"), [("cvat", make_cvat, 400), ("elan", make_elan, 1100), ("via", make_via, 200)]
)
def test_a_file_above_200_mb_needs_little_more_than_its_events(tmp_path: Path, kind: Any, make: Any, each: Any) -> None:
    path = tmp_path / {"cvat": "x.xml", "elan": "x.eaf", "via": "x.json"}[kind]
    events = make(path, 210)
    assert path.stat().st_size > 200e6
    context = multiprocessing.get_context("spawn")
    channel = context.Queue()
    child = context.Process(target=read_in_child, args=(kind, path, channel))
    child.start()
    count, megabytes = channel.get(timeout=3000)
    child.join()
    assert count == events
    assert megabytes < each * events / 2**20 + 60
