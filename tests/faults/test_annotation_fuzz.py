"""Damaged annotation files end in a clear refusal or are read; never in a traceback."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.choose_format import make_format, requires_option
from augrgb.annotations.formats import FORMATS
from augrgb.annotations.repair import repair
from augrgb.core.errors import AugrgbError
from augrgb.core.seeds import rng_at
from support.altered_values import places, replaced

ELAN = (
    '<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="a.mp4" TIME_ORIGIN="5"/>'
    "</HEADER>"
    '<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="t2"/>'
    '<TIME_SLOT TIME_SLOT_ID="t3" TIME_VALUE="9"/></TIME_ORDER><TIER TIER_ID="a">'
    '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">'
    "<ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="t2" TIME_SLOT_REF2="t3">'
    "<ANNOTATION_VALUE>y</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
    '<TIER TIER_ID="b" PARENT_REF="a"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b1" ANNOTATION_REF="a1">'
    "<ANNOTATION_VALUE>z</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
)
CVAT = (
    "<annotations><meta><task><id>1</id><name>n</name><frame_filter>step=2</frame_filter><labels><label><name>a</name>"
    "</label></labels><source>v.mp4</source></task></meta>"
    '<track id="0" label="a"><box frame="0" outside="0"/><box frame="9" outside="1"/></track>'
    '<tag label="a" frame="12"/>'
    '<image id="20"><tag label="a"/></image></annotations>'
)
VIA_CSV = (
    "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
    '"1","[""a.mp4""]",0,"[1,2]","[]","{""T"":""x""}"\n'
)
TEXTS = {
    "elan": ("x.eaf", ELAN),
    "cvat": ("x.xml", CVAT),
    "via-csv": ("x.csv", VIA_CSV),
    "csv": ("x.csv", 'video,label,start,end,duration\na,walk,0,1,5\nb,"si""t",2,3,\n'),
    "charades-csv": ("x_train.csv", 'id,subject,script,actions,length\nA,S,"a,b",c001 1 2;c002 3 4,9\nB,,,,7\n'),
    "tsu-csv": ("P02T01C06.csv", "event,start_frame,end_frame\nEnter,0,40\nWalk,40,41\n"),
    "thumos-txt": ("Diving_val.txt", "video_validation_0000001 1 2\nvideo_test_0000001 3.5 4\n"),
    "pku-mmd": ("0002-L.txt", "7,30,75,2\n1,0,15,1\n"),
    "utkinect": ("actionLabel.txt", "s01_e01\nwalk: 252 390\nsitDown: 400 420\ns01_e02\nwalk: NaN NaN\n"),
    "srt": ("a.srt", "1\n00:00:01,000 --> 00:00:02,500\nwalk\n\n2\n00:00:03,000 --> 00:00:04,000\n<i>sit</i>\n"),
    "webvtt": (
        "a.vtt",
        "WEBVTT\n\nNOTE x\n\n1\n00:01.000 --> 00:02.500 align:left\nwalk\n\n00:03.000 --> 00:04.000\nsit\n",
    ),
    "frame-wise": ("a.txt", "SIL\nSIL\nwalk\nwalk\nwalk\nsit\nsit\n"),
    "frame-wise-spans": ("a.txt", "1-15 SIL\n16-40 take_cup\n41-60 SIL\n"),
    "epic-kitchens": (
        "EPIC_100_train.csv",
        "narration_id,participant_id,video_id,start_timestamp,stop_timestamp,narration,verb,verb_class,noun,noun_class\n"
        "P01_11_0,P01,P01_11,00:00:00.00,00:00:01.89,take plate,take,0,plate,2\n"
        "P01_11_1,P01,P01_11,00:00:01.56,00:00:02.45,put plate,put-down,1,plate,2\n",
    ),
    "label-studio-csv": (
        "a.csv",
        'annotation_id,annotator,created_at,id,kinds,lead_time,video\n1,"a@b.c",2026,4,'
        '"[{""ranges"": [{""start"": 1, ""end"": 2}], ""timelinelabels"": [""a""]}]",9.5,"a.mp4"\n',
    ),
    "elan-text": (
        "a.txt",
        "default\t\t00:00:01.000\t1.0\t00:00:02.500\t2.5\t00:00:01.500\t1.5\twalk\n"
        "default\tme\t00:00:03.000\t3.0\t00:00:04.000\t4.0\t00:00:01.000\t1.0\tsit\n",
    ),
    "elan-text-columns": (
        "a.txt",
        '"#file:///C:/x/a.eaf"\nBegin Time - ss.msec\tEnd Time - ss.msec\tDuration - ss.msec\thands\tfeet\n'
        "1.0\t2.5\t1.5\tcut\t\n3.0\t4.0\t1.0\t\twalk\n",
    ),
    "boris-tabular": (
        "a.tsv",
        "Observation id\to\nTime offset (s)\t0\n\nTime\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tStatus\n"
        "1.0\ta.mp4\t9\t25\t\twalk\tSTART\n2.5\ta.mp4\t9\t25\t\twalk\tSTOP\n3\ta.mp4\t9\t25\t\tx\tPOINT\n",
    ),
    "boris-aggregated": (
        "a.csv",
        "Observation id,Media file,Total length,Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
        "o,a.mp4,9,,walk,STATE,1.0,2.5\no,a.mp4,9,,x,POINT,3,3\n",
    ),
}
JSONS = {
    "activitynet": {
        "taxonomy": [
            {"nodeId": 0, "nodeName": "Root", "parentId": None},
            {"nodeId": 1, "nodeName": "a", "parentId": 0},
        ],
        "database": {"v": {"duration": 9.0, "subset": "t", "annotations": [{"label": "a", "segment": [1, 2]}]}},
    },
    "bmn-json": {
        "v": {
            "duration_second": 9.0,
            "duration_frame": 225,
            "annotations": [{"segment": [1.0, 2.0], "label": "a"}],
            "feature_frame": 224,
            "fps": 25.0,
            "subset": "training",
        }
    },
    "perception-test": {
        "v": {
            "metadata": {"split": "train", "video_id": "v", "frame_rate": 30.0, "num_frames": 300},
            "action_localisation": [{"id": 0, "label": "a", "timestamps": [100000, 900000]}],
        }
    },
    "charades-json": {"v": {"subset": "training", "duration": 9.0, "actions": [[0, 1.0, 2.0], [1, 3, 4]]}},
    "tsu-json": {"P02T01C06": {"subset": "testing", "duration": 90, "actions": [[0, 10, 20]]}},
    "via": {
        "project": {"pid": "1", "vid_list": ["1"]},
        "attribute": {"1": {"aname": "T", "type": 4, "options": {"w": "walk"}}},
        "file": {"1": {"fid": 1, "fname": "a.mp4"}},
        "metadata": {"1_a": {"vid": "1", "flg": 0, "z": [1.0, 2.0], "xy": [], "av": {"1": "w"}}},
        "view": {"1": {"fid_list": [1]}},
    },
    "boris": {
        "project_format_version": "7.0",
        "behaviors_conf": {"0": {"type": "State event", "code": "walk"}, "1": {"type": "Point event", "code": "x"}},
        "observations": {
            "o": {
                "file": {"1": ["a.mp4"]},
                "time offset": 0.0,
                "media_info": {"length": {"a.mp4": 9.0}},
                "events": [[1.0, "", "walk", "", ""], [2.5, "", "walk", "", ""], [3.0, "", "x", "", ""]],
            }
        },
    },
    "label-studio-min": [
        {
            "video": "/data/upload/1/0f3a9c2e-a.mp4",
            "id": 1,
            "kinds": [{"ranges": [{"start": 1, "end": 2}], "timelinelabels": ["a"]}],
            "sounds": [{"start": 0.5, "end": 1.5, "channel": 0, "labels": ["b"]}],
            "annotator": 1,
            "annotation_id": 1,
            "created_at": "2026-01-01T00:00:00Z",
            "lead_time": 9.5,
        }
    ],
    "event-list-json": [{"video": "a.mov", "label": "cut", "start": "00:01.50", "end": 3.25}],
    "label-studio": [
        {
            "id": 1,
            "data": {"video": "/data/upload/1/0f3a9c2e-a.mp4"},
            "annotations": [
                {
                    "result": [
                        {
                            "type": "timelinelabels",
                            "value": {"ranges": [{"start": 1, "end": 2}], "timelinelabels": ["a"]},
                        }
                    ]
                }
            ],
        }
    ],
    "cvat-backup": [
        {
            "tags": [{"frame": 5, "label": "a", "attributes": []}],
            "shapes": [],
            "tracks": [{"label": "a", "shapes": [{"frame": 1, "outside": False}, {"frame": 9, "outside": True}]}],
        }
    ],
    "augrgb": {
        "schema": "augrgb.dataset/1",
        "name": "d",
        "classes": ["a"],
        "videos": [{"id": "v", "duration_s": 9.0, "events": [{"label": "a", "start_s": 1.0, "end_s": 2.0}]}],
        "splits": {"s": {"train": ["v"]}},
    },
}
VARIANTS = {
    "elan-text-columns": "elan-text",
    "via-csv": "via",
    "label-studio-csv": "label-studio-min",
    "boris-tabular": "boris",
    "boris-aggregated": "boris",
    "frame-wise-spans": "frame-wise",
}
ODD = [None, True, -1, 0, 1e400, float("nan"), "", "x", "../x", [], {}, [[]], {"a": 1}, 10**30, "\0", "é" * 300]


def try_to_read(name: Any, path: Any) -> Any:
    name = VARIANTS.get(name, name)
    options: dict[str, Any] = {"fps": 25.0} if requires_option(name, "fps") else {}
    options |= {"label": "action"} if name == "epic-kitchens" else {}
    try:
        repair(make_format(name, options).read(path))
    except AugrgbError as fault:
        assert str(fault)
        return False
    return True


def without(value: Any, path: Any) -> Any:
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return value


@pytest.mark.parametrize("name", sorted(JSONS))
def test_any_value_may_be_something_else_or_missing(name: Any, tmp_path: Path) -> None:
    names = {"augrgb": "dataset.json", "boris": "x.boris", "cvat-backup": "annotations.json"}
    path = tmp_path / names.get(name, "x.json")
    if name == "cvat-backup":
        (tmp_path / "task.json").write_text('{"name": "t", "data": {"start_frame": 0, "stop_frame": 99}}')
    path.write_text(json.dumps(JSONS[name]))
    assert try_to_read(name, path)
    refused = 0
    for place in places(JSONS[name]):
        variants = [replaced(JSONS[name], place, odd) for odd in ODD]
        variants += [without(JSONS[name], place)] if place else []
        for variant in variants:
            path.write_text(json.dumps(variant))
            refused += not try_to_read(name, path)
    assert refused > 20


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_any_byte_may_be_another_or_missing(name: Any, tmp_path: Path) -> None:
    file, text = TEXTS[name]
    data = text.encode()
    path = tmp_path / file
    path.write_bytes(data)
    assert try_to_read(name, path)
    rng = rng_at(0, "fuzz", name)
    refused = 0
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            position = int(rng.integers(len(damaged)))
            kind = rng.integers(4)
            if kind == 0:
                damaged[position] = int(rng.integers(256))
            elif kind == 1:
                del damaged[position : position + int(rng.integers(1, 12))]
            elif kind == 2:
                damaged[position:position] = bytes(rng.choice(np.frombuffer(b'",;<>&\n\r\0=-+.0', np.uint8), 2))
            else:
                damaged[position:] = damaged[: int(rng.integers(len(damaged)))]
            damaged = damaged or bytearray(b"x")
        path.write_bytes(bytes(damaged))
        refused += not try_to_read(name, path)
    assert refused > 10


def test_every_readable_format_is_damaged_here() -> None:
    tried = {VARIANTS.get(name, name) for name in (*TEXTS, *JSONS)}
    assert tried | {"multithumos-json"} == {name for name, entry in FORMATS.items() if entry.readable}
