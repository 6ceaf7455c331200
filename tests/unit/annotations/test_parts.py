"""Videos of which tools annotated a part, and files of tools as they really are: nothing lost becomes background."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.coverage import joined, outside
from augrgb.annotations.read import Judged, Source, read_and_judge
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event, VideoRecord
from support.written_files import write_files


def judged(path: Path, format_name: str | None = None, **options: Any) -> Judged:
    return read_and_judge(Source(path, format_name, options))


def spans(found: Judged) -> dict[str, list[tuple[str, float, float]]]:
    return {
        i: [(e.label, round(e.start_s, 6), round(e.end_s, 6)) for e in video.events or ()]
        for i, video in found.annotations.videos.items()
    }


def test_parts_of_a_video_are_joined() -> None:
    one = VideoRecord("a", events=(Event("cut", 1, 5), Event("stir", 2, 3)), ignored=outside(0, 5))
    two = VideoRecord("a", events=(Event("cut", 5, 7), Event("stir", 6, 7)), ignored=outside(5, 9))
    whole = joined(one, two)
    assert whole == joined(two, one) and whole is not None
    assert whole.events == (Event("cut", 1, 7), Event("stir", 2, 3), Event("stir", 6, 7)) and whole.ignored == outside(
        0, 9
    )
    gap = joined(one, VideoRecord("a", events=(), ignored=outside(7, 9)))
    assert gap is not None and Event("not annotated", 5, 7) in gap.ignored
    assert joined(one, one) is None and joined(one, VideoRecord("a", events=())) is None


def cvat(meta: str, body: str) -> str:
    labels = "<labels><label><name>cut</name></label></labels>"
    meta = meta.replace("</job>", f"{labels}</job>").replace("</task>", f"{labels}</task>")
    return f"<annotations><version>1.1</version><meta>{meta}</meta>{body}</annotations>"


def track(first: int, end: int) -> str:
    return f'<track label="cut"><box frame="{first}" outside="0"/><box frame="{end}" outside="1"/></track>'


def job(start: int, stop: int) -> str:
    return f"<job><id>{start}</id><size>{stop - start + 1}</size><start_frame>{start}</start_frame></job>"


def test_jobs_of_one_video_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(cvat(job(0, 49), track(10, 50)))
    (tmp_path / "b.xml").write_text(cvat(job(50, 99), track(50, 60)))
    found = judged(tmp_path, fps=10, video="clip.mp4")
    assert spans(found) == {"clip": [("cut", 1, 6)]}
    alone = judged(tmp_path / "b.xml", fps=10, video="clip.mp4").annotations.videos["clip"]
    assert [(region.start_s, region.end_s) for region in alone.ignored] == [(0, 5)]
    (tmp_path / "c.xml").write_text(cvat(job(0, 99), track(10, 20)))
    with pytest.raises(AugrgbError, match=r"E-ID-001.*second annotation of the video 'clip'"):
        judged(tmp_path, fps=10, video="clip.mp4")


def test_tasks_of_one_video_in_a_project(tmp_path: Path) -> None:
    tasks = "".join(
        f"<task><id>{n}</id><size>50</size><start_frame>{start}</start_frame><source>clip.mp4</source></task>"
        for n, start in ((1, 0), (2, 50))
    )
    moved = track(110, 120).replace("<track ", '<track task_id="2" ')  # CVAT adds the frames of the task before it
    body = track(10, 20).replace("<track ", '<track task_id="1" ') + moved
    (tmp_path / "p.xml").write_text(cvat(f"<project><tasks>{tasks}</tasks></project>", body))
    assert spans(judged(tmp_path / "p.xml", fps=10)) == {"clip": [("cut", 1, 2), ("cut", 6, 7)]}


def test_images_of_several_videos_are_refused(tmp_path: Path) -> None:
    images = "".join(f'<image id="{n}" name="v{n}/f.jpg"><tag label="cut"/></image>' for n in range(2))
    (tmp_path / "i.xml").write_text(cvat("<task><id>1</id><name>t</name></task>", images))
    with pytest.raises(AugrgbError, match=r"frames of several videos.*v0, v1"):
        judged(tmp_path / "i.xml", fps=10)


def backup(start: int = 0, step: int = 1, name: str = "") -> dict[str, str]:
    shape = {"type": "rectangle", "points": [1, 1, 2, 2], "attributes": [{"name": "kind", "value": "slow"}]}
    shapes = [{**shape, "frame": 10, "outside": False}, {**shape, "frame": 20, "outside": True}]
    jobs = [
        {"tags": [{"frame": f, "label": "stir", "attributes": []} for f in (5, 6)], "shapes": [], "tracks": []},
        {"tags": [], "shapes": [], "tracks": [{"frame": 10, "label": "cut", "attributes": [], "shapes": shapes}]},
    ]
    data: dict[str, Any] = {"start_frame": start, "stop_frame": start + 99 * step}
    task = {"name": "task of mine", "data": data | ({"frame_filter": f"step={step}"} if step > 1 else {})}
    files = {"task.json": json.dumps(task), "annotations.json": json.dumps(jobs), "data/seen.mp4": ""}
    if name:
        files["data/manifest.jsonl"] = '{"version": "1.1"}\n{"type": "video"}\n' + json.dumps(
            {"properties": {"name": name}}
        )
    return files


@pytest.mark.parametrize("project", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_backups(tmp_path: Path, project: bool, zipped: bool) -> None:
    tasks = {"": backup()} if not project else {"task_0/": backup(), "task_1/": backup(100, 2, "x/other.mp4")}
    files = {prefix + name: text for prefix, task in tasks.items() for name, text in task.items()}
    files |= {"project.json": "{}"} if project else {}
    path = tmp_path / ("b.zip" if zipped else "b")
    write_files(path, files, zipped=zipped)
    expected = {"seen": [("stir", 0.5, 0.7), ("cut", 1, 2)]}
    found = judged(path, fps=10)
    assert found.format_name == "cvat-backup"
    assert spans(found) == expected | ({"other": [("stir", 11, 11.4), ("cut", 12, 14)]} if project else {})
    assert spans(judged(path, fps=10, attribute="kind"))["seen"] == [("slow", 1, 2)]
    with pytest.raises(AugrgbError, match="E-ANN-007"):
        judged(path)


def boris(observations: dict[str, Any]) -> dict[str, Any]:
    filler = {str(n): {"name": f"subject {n}", "description": "x" * 200} for n in range(60)}  # the behaviors come late
    behaviors = {"0": {"type": "State event", "code": "s"}, "1": {"type": "Point event", "code": "p"}}
    return {"time_format": "s", "subjects_conf": filler, "observations": observations, "behaviors_conf": behaviors}


def observation(media: list[str], *times: float, **more: Any) -> dict[str, Any]:
    lengths = {name: 180.0 if "180" in name else 360.0 for name in media}
    events = [[time, "", "s", "", ""] for time in times]
    return {"file": {"1": media, "2": []} if media else [], "events": events, "media_info": {"length": lengths}, **more}


def test_projects_of_boris(tmp_path: Path) -> None:
    """Files that are played one after another, live observations, intervals, and several observations of a video."""
    path = tmp_path / "p.boris"
    two = observation(["/x/v180.mp4", "/x/v360.mp4"], 1.8, 8.1, 170, 190, 227.8, 253.5)
    live = {**observation([], 1), "type": "LIVE"}
    path.write_text(json.dumps(boris({"two": two, "live": live})))
    found = judged(path)
    assert spans(found) == {"v180": [("s", 1.8, 8.1), ("s", 170, 180)], "v360": [("s", 0, 10), ("s", 47.8, 73.5)]}
    assert any("1 without a video, or not asked for: live" in finding.detail for finding in found.findings)
    part = observation(["v180.mp4"], 20, 30, **{"observation time interval": [10, 100]})
    path.write_text(json.dumps(boris({"two": two, "part": part})))
    with pytest.raises(AugrgbError, match=r"E-ID-001.*--set 'observations=\[part\]'"):
        judged(path)
    chosen = judged(path, observations=("part",))
    assert spans(chosen) == {"v180": [("s", 20, 30)]}
    assert [(r.start_s, r.end_s) for r in chosen.annotations.videos["v180"].ignored] == [(0, 10), (100, 180)]
    with pytest.raises(AugrgbError, match=r"E-ANN-027.*no observation 'prat'.*part"):
        judged(path, observations=("prat",))


def test_label_studio_as_it_is_exported(tmp_path: Path) -> None:
    result = {"type": "timelinelabels", "value": {"ranges": [{"start": 1, "end": 24}], "timelinelabels": ["cut"]}}
    data = {"video": "<video src='/data/upload/1/0f3a9c2e-kitchen.mp4' width='100%'></video>"}
    other = {"type": "timelinelabels", "value": {"ranges": [{"start": 25, "end": 48}], "timelinelabels": ["cut"]}}
    path = tmp_path / "e.json"

    def read(value: Any) -> dict[str, list[tuple[str, float, float]]]:
        path.write_text(json.dumps(value))
        return spans(judged(path, fps=24))

    task = {"id": 1, "data": data, "annotations": [{"result": [result]}]}
    assert read([task]) == read(task) == {"kitchen": [("cut", 0, 1)]}
    assert read({"result": [result], "task": {"id": 1, "data": data}}) == {"kitchen": [("cut", 0, 1)]}
    assert read([{"id": 1, "data": data, "completions": [{"result": [result]}]}]) == {"kitchen": [("cut", 0, 1)]}
    two = [{"result": [result]}, {"result": [other], "ground_truth": True}]
    assert read([{**task, "annotations": two}]) == {"kitchen": [("cut", 1, 2)]}
    path.write_text(json.dumps([{**task, "annotations": [], "predictions": [{"result": [result]}]}]))
    assert "predictions only" in " ".join(finding.detail for finding in judged(path).findings)


def test_files_of_one_name_in_a_project_of_via(tmp_path: Path) -> None:
    project = {
        "project": {"vid_list": ["1", "2"]},
        "attribute": {"1": {"aname": "do", "options": {"0": "cut", "1": "stir"}}},
        "file": {"1": {"fname": "x/clip.mp4"}, "2": {"fname": "y/clip.mp4"}},
        "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}},
        "metadata": {
            "a": {"vid": "1", "z": [1, 2], "xy": [], "av": {"1": {"0": True, "1": True}}},
            "b": {"vid": "2", "z": [5, 6], "xy": [], "av": {"1": "1"}},
        },
    }
    (tmp_path / "p.json").write_text(json.dumps(project))
    assert spans(judged(tmp_path / "p.json")) == {
        "x/clip": [("cut", 1, 2), ("stir", 1, 2)],
        "y/clip": [("stir", 5, 6)],
    }


def test_labels_per_frame_with_holes(tmp_path: Path) -> None:
    """A blank line is a frame; numbers are classes of the mapping; an empty file was never labeled."""
    folder = tmp_path / "groundTruth"
    folder.mkdir()
    (folder / "a.txt").write_text("1\n" * 5 + "\n" * 3 + "2\n" * 5 + "\n\n")
    (folder / "b.txt").write_text("")
    (tmp_path / "mapping.txt").write_text("0 background\n1 cut\n2 stir\n")
    found = judged(tmp_path, fps=10)
    assert spans(found) == {"a": [("cut", 0, 0.5), ("stir", 0.8, 1.3)], "b": []}
    video, empty = (found.annotations.videos[name] for name in "ab")
    assert [(region.start_s, region.end_s) for region in video.ignored] == [(0.5, 0.8)] and empty.events is None
    (folder / "a.txt").write_text("1-10 SIL\n21-30 cut\n")
    assert [(r.start_s, r.end_s) for r in judged(tmp_path, fps=10).annotations.videos["a"].ignored] == [(1, 2)]


def test_subtitles_of_several_speakers_and_remarks(tmp_path: Path) -> None:
    (tmp_path / "c.vtt").write_text("WEBVTT\n\nNOTE a --> b\n\n00:01.000 --> 00:02.000\n- cut\n- stir\n")
    assert spans(judged(tmp_path / "c.vtt")) == {"c": [("cut", 1, 2), ("stir", 1, 2)]}
