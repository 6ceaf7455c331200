"""One video, from its plan to its two files; a pure function of settings and plan."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.types import Event
from augrgb.video.mp4 import write_mp4
from augrgb.world.appearance import make_light, make_look
from augrgb.world.camera import make_camera
from augrgb.world.motion import Performance, perform
from augrgb.world.plan import VideoPlan
from augrgb.world.pose_sensor import sense_pose, write_pose
from augrgb.world.render import render_frames
from augrgb.world.room import paint_occluder, paint_room
from augrgb.world.schedule import make_subject, plan_events, to_annotations
from augrgb.world.settings import WorldSettings


def act(settings: WorldSettings, plan: VideoPlan) -> tuple[Performance, tuple[Event, ...]]:
    """The exact motion and the annotations of one procedural video."""
    subject = make_subject(settings, plan.subject)
    planned = plan_events(settings, subject, plan.video_id)
    return perform(settings, subject, planned, plan.video_id), to_annotations(planned)


def film(
    settings: WorldSettings, plan: VideoPlan, performance: Performance, *, video_file: Path, pose_file: Path
) -> None:
    """Render and sense one performance: write the pose file, then the MP4 (each complete or absent)."""
    camera = make_camera(settings, plan.camera, plan.video_id)
    look, light = make_look(settings, plan.subject, plan.video_id), make_light(settings, plan.video_id)
    room = paint_room(settings, camera, light, plan.video_id)
    occluder = paint_occluder(settings, camera, light, plan.video_id)
    pose = sense_pose(settings, performance, camera, occluder, plan.video_id)
    write_pose(pose_file, pose, performance, settings.fps, camera)
    frames = render_frames(settings, performance, camera, look, light, room, occluder, plan.video_id)
    write_mp4(video_file, frames, settings.fps)
