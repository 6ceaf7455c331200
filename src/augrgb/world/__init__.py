"""The embedded world: a shaded 3D figure doing daily-living actions, filmed to MP4 with poses and annotations."""

from augrgb.world.actions import ACTIONS, CLASS_NAMES
from augrgb.world.given_motion import MotionLibrary, load_bvh_motion, load_packed_motion
from augrgb.world.plan import VideoPlan, make_splits, plan_videos
from augrgb.world.settings import WorldSettings

__all__ = [
    "ACTIONS",
    "CLASS_NAMES",
    "MotionLibrary",
    "VideoPlan",
    "WorldSettings",
    "load_bvh_motion",
    "load_packed_motion",
    "make_splits",
    "plan_videos",
]
