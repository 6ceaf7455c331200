"""A small file of every annotation format, and for each of its options a value that must act."""

import json
from dataclasses import dataclass, field
from typing import Any

CLASSES = "classes.txt"
"""Beside each file lies a class list in which nothing is called as in the file."""


def via(**attributes: str) -> str:
    names = {str(n): {"aname": name, "options": {}} for n, name in enumerate(("act", "who"))}
    values = {"0": "cut", "1": "left"}
    return json.dumps(
        {
            "project": {"vid_list": ["1"]},
            "attribute": names,
            "file": {"1": {"fname": "clip.mp4"}},
            "view": {"1": {"fid_list": ["1"]}},
            "metadata": {"a": {"vid": "1", "z": [1, 2], "xy": [], "av": values}},
        }
    )


def label_studio(*spans: tuple[int, int]) -> str:
    rows = [
        {
            "result": [
                {"type": "timelinelabels", "value": {"ranges": [{"start": a, "end": b}], "timelinelabels": ["cut"]}}
            ]
        }
        for a, b in spans
    ]
    return json.dumps([{"id": 1, "data": {"video": "/x/clip.mp4"}, "annotations": rows}])


ANET = {"subset": "validation", "duration": 9, "annotations": [{"label": "cut", "segment": [1, 2]}]}
ACTIONS = {"subset": "training", "duration": 9, "start_time": 5, "actions": [[1, 1, 2], [2, 3, 4]]}
TABLE = "video,label,what,start,end,from_2,to_2,length\nclip,cut,stir,1,2,3,4,9\nother,Ambiguous,x,1,2,3,4,9\n"
EAF = (
    '<ANNOTATION_DOCUMENT><HEADER><MEDIA_DESCRIPTOR MEDIA_URL="one.mp4" MIME_TYPE="video/mp4"/>'
    '<MEDIA_DESCRIPTOR MEDIA_URL="two.mp4" MIME_TYPE="video/mp4"/></HEADER><TIME_ORDER>'
    + "".join(f'<TIME_SLOT TIME_SLOT_ID="t{n}" TIME_VALUE="{n}000"/>' for n in range(3))
    + "</TIME_ORDER>"
    + "".join(
        f'<TIER TIER_ID="{name}"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="t{n}" '
        f'TIME_SLOT_REF2="t{n + 1}"><ANNOTATION_VALUE>cut</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>'
        for n, name in enumerate(("left", "right"))
    )
    + "</ANNOTATION_DOCUMENT>"
)
CVAT = (
    "<annotations><version>1.1</version><meta><job><id>1</id></job></meta>"
    '<track label="person"><box frame="1" outside="0"><attribute name="kind">cut</attribute></box>'
    '<box frame="5" outside="1"/></track></annotations>'
)
BACKUP = [{"tracks": [{"label": "person", "shapes": [{"frame": 1, "attributes": [{"name": "kind", "value": "cut"}]}]}]}]
BORIS = {
    "behaviors_conf": {"0": {"type": "State event", "code": "s"}},
    "observations": {
        name: {"file": {"1": [f"{name}.mp4"]}, "events": [[1, "", "s", ""], [2, "", "s", ""]]}
        for name in ("one", "two")
    },
}
EPIC = (
    "participant_id,video_id,start_timestamp,stop_timestamp,narration,verb,verb_class,noun,noun_class\n"
    "P01,P01_01,0:00:01,0:00:02,cut it,cut,1,bread,2\n"
)
PERCEPTION = {
    "v": {
        "metadata": {"split": "train", "num_frames": 90, "frame_rate": 30},
        "action_localisation": [{"label": "cut", "timestamps": [1e6, 2e6]}],
        "sound_localisation": [{"label": "bang", "timestamps": [1e6, 2e6]}],
    }
}
LIST = [{"video": "clip", "label": "cut", "what": "stir", "other": "o", "start": 1, "end": 2, "from2": 3, "to2": 4}]


@dataclass
class Case:
    """Files of a format (the first is read), and for each option a value that must act."""

    files: dict[str, str]
    options: dict[str, Any]
    base: dict[str, Any] = field(default_factory=dict)
    with_rates: dict[str, str] = field(default_factory=dict)


CASES = {
    "activitynet": Case(
        {"a.json": json.dumps({"database": {"v": ANET}})},
        {"classes": CLASSES, "ignore": ("cut",), "subsets": {"validation": "training"}},
    ),
    "augrgb": Case({"dataset.json": ""}, {}),
    "bmn-json": Case(
        {"a.json": json.dumps({"v": {"duration_second": 9, "annotations": ANET["annotations"]}})},
        {"classes": CLASSES, "ignore": ("cut",)},
    ),
    "boris": Case({"a.boris": json.dumps(BORIS)}, {"classes": CLASSES, "observations": ("one",)}),
    "charades-csv": Case({"x_train.csv": "id,actions,length\nv,c001 1 2,9\n"}, {"classes": "numbers.txt"}),
    "charades-json": Case(
        {"a.json": json.dumps({"v": ACTIONS})}, {"classes": "numbers.txt", "first": 1, "shift": "start_time"}
    ),
    "csv": Case(
        {"e.csv": TABLE},
        {
            "classes": CLASSES,
            "video": "what",
            "label": "what",
            "start": "from_2",
            "end": "to_2",
            "duration": "length",
            "columns": ("video", "what", "label", "start", "end", "a", "b", "c"),
            "unit": "milliseconds",
            "rate": 10,
            "ignore": ("cut",),
        },
        with_rates={"rate": "unit=frames"},
    ),
    "cvat": Case(
        {"a.xml": CVAT},
        {"fps": 20, "attribute": "kind", "video": "clip", "classes": CLASSES},
        {"fps": 10},
    ),
    "cvat-backup": Case(
        {"task.json": '{"name": "t", "data": {}, "jobs": []}', "annotations.json": json.dumps(BACKUP)},
        {"fps": 20, "attribute": "kind", "classes": CLASSES},
        {"fps": 10},
    ),
    "elan": Case({"a.eaf": EAF}, {"tiers": ("left",), "media": "two", "label": "tier", "classes": CLASSES}),
    "elan-text": Case(
        {"a.txt": "left\t\t00:00:01.000\t00:00:02.000\tcut\nright\t\t00:00:03.000\t00:00:04.000\tcut\n"},
        {"tiers": ("left",), "label": "tier", "classes": CLASSES},
    ),
    "epic-kitchens": Case({"EPIC_100_train.csv": EPIC}, {"label": "noun"}, {"label": "verb"}),
    "event-list-json": Case(
        {"a.json": json.dumps(LIST)},
        {
            "video": "other",
            "label": "what",
            "start": "from2",
            "end": "to2",
            "duration": "to2",
            "unit": "milliseconds",
            "rate": 10,
            "ignore": ("cut",),
            "classes": CLASSES,
        },
        with_rates={"rate": "unit=frames"},
    ),
    "frame-wise": Case(
        {"groundTruth/a.txt": "SIL\n" * 5 + "cut\n" * 5},
        {"fps": 20, "background": ("cut",), "classes": CLASSES},
        {"fps": 10},
    ),
    "label-studio": Case(
        {"a.json": label_studio((1, 24), (30, 48))},
        {"fps": 12, "interface": "interface.xml", "annotator": "last", "classes": CLASSES},
        {"fps": 24, "annotator": "first"},
    ),
    "label-studio-min": Case(
        {
            "a.json": json.dumps(
                [
                    {
                        "id": 1,
                        "video": "/x/clip.mp4",
                        "annotator": 1,
                        "annotation_id": n,
                        "lead_time": 1,
                        "created_at": str(n),
                        "t": [{"ranges": [{"start": 1, "end": n}], "timelinelabels": ["cut"]}],
                    }
                    for n in (24, 48)
                ]
            )
        },
        {"fps": 12, "interface": "interface.xml", "annotator": "last", "classes": CLASSES},
        {"fps": 24, "annotator": "first"},
    ),
    "multithumos-json": Case(
        {"a.json": json.dumps({"video_test_0000004": ACTIONS})}, {"classes": "numbers.txt", "first": 0}
    ),
    "perception-test": Case({"a.json": json.dumps(PERCEPTION)}, {"task": "sound", "classes": CLASSES}),
    "pku-mmd": Case({"0002-L.txt": "1,30,60,1\n"}, {"fps": 10, "first": 0, "classes": "numbers.txt"}),
    "srt": Case({"a.srt": "1\n00:00:01,000 --> 00:00:02,000\ncut\n"}, {}),
    "webvtt": Case({"a.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\ncut\n"}, {}),
    "thumos-txt": Case(
        {"txt/Diving_val.txt": "video_validation_0000001  72.80 76.40\n"}, {"classes": CLASSES, "ignore": ("Diving",)}
    ),
    "utkinect": Case({"actionLabel.txt": "s01_e01\nwalk: 252 390\nsit: 400 420\n"}, {"fps": 15.0}),
    "tsu-csv": Case(
        {"P02T01C06.csv": "event,start_frame,end_frame\ncut,1,9\n"}, {"fps": 20, "classes": CLASSES}, {"fps": 10}
    ),
    "tsu-json": Case(
        {"a.json": json.dumps({"P02T01C06": ACTIONS})},
        {"fps": 20, "first": 1, "classes": "numbers.txt"},
        {"fps": 10},
    ),
    "via": Case({"a.json": via()}, {"attribute": "who", "classes": CLASSES}, {"attribute": "act"}),
}
