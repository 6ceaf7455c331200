"""JSON member by member is the JSON that the standard library reads whole, whatever the size of the pieces."""

import json
import multiprocessing
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.reading import json_reader
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at

scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False), st.text())
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4))
)


def whole(path: Any, inside: Any = ()) -> Any:
    """What the stream gives, put together again."""
    result = None
    for place, value in iter_json(path, inside):
        if not place:
            return value
        if result is None:
            result = [] if isinstance(place[0], int) else {}
        if len(place) == 2:
            result[place[0]][place[1]] = value
        elif isinstance(result, list):
            assert place[0] == len(result)
            result.append(value)
        else:
            result[place[0]] = value
    return result


@settings(max_examples=150, deadline=None)
@given(values, st.sampled_from([None, 1, "\t"]), st.booleans(), st.sampled_from([1, 3, 64]), st.data())
def test_any_value_in_pieces_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, value: Any, indent: Any, ascii_only: Any, chunk: Any, data: Any
) -> None:
    path = tmp_path_factory.mktemp("json") / "x.json"
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return  # not UTF-8
    inside = (
        data.draw(st.lists(st.sampled_from(sorted(value)), max_size=1)) if isinstance(value, dict) and value else []
    )
    before = json_reader._CHUNK
    json_reader._CHUNK = chunk
    try:
        assert whole(path, inside) == value
    finally:
        json_reader._CHUNK = before


@pytest.mark.parametrize(
    "text, message",
    [
        ('{\n"a": 1,\n"b": }', "line 3, column 6: Expecting value"),
        ('{"a": 1', "line 1, column 8"),
        ('{"a": [1, 2}}', "line 1, column 12: Expecting ',' delimiter"),
        ('{"a" 1}', "Expecting ':'"),
        ('{"a": 1} {}', "line 1, column 10: Extra data"),
        ("{a: 1}", "line 1, column 2: Expecting property name"),
        ('["a"', "line 1, column 5"),
        ('{"a": "b', "Unterminated string"),
        ("", "line 1, column 1: Expecting value"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ('{"v": 1,\n"w": 2,\n"v": 3}', r"E-FILE-007.*'v' is given twice \(line 1, 3\)"),
        ('{"v": {"x": 1,\n"x": 2}}', r"E-FILE-007.*'x' is given twice \(line 1, 2\)"),
    ],
)
@pytest.mark.parametrize("chunk", [1 << 18, 7])
def test_mistakes_have_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: Any, message: Any, chunk: Any
) -> None:
    monkeypatch.setattr(json_reader, "_CHUNK", chunk)
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputRefused, match=message):
        list(iter_json(path))


def make_large(path: Any, megabytes: Any) -> Any:
    """Charades' layout with long videos: pretty-printed as many tools do, most of the file is blanks and digits."""
    rng = rng_at(0, "large")
    with open(path, "w") as file:
        file.write("{")
        video = 0
        while file.tell() < megabytes * 2**20:
            starts = rng.uniform(0, 3000, 4000).tolist()
            actions = [[k % 51, start, start + 5.0] for k, start in enumerate(starts)]
            row = {"subset": "training", "duration": 3600.0, "actions": actions}
            file.write(f"{',' if video else ''}\n{json.dumps(f'V{video:06d}')}: {json.dumps(row, indent=8)}")
            video += 1
        file.write("}")
    return video


def read_in_child(path: Any, channel: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read_annotations(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    channel.put((len(found.videos), (after - before) / 1024))


@pytest.mark.slow
def test_a_file_above_200_mb_needs_little_more_than_its_events(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    videos = make_large(path, 210)
    context = multiprocessing.get_context("spawn")
    channel = context.Queue()
    child = context.Process(target=read_in_child, args=(path, channel))
    child.start()
    count, megabytes = channel.get(timeout=300)
    child.join()
    assert count == videos
    events = 4000 * videos
    assert megabytes < 150 * events / 2**20 + 60  # an event in memory, 112 bytes; the file alone would be 210 MB
