"""The embedded world: a shaded 3D figure doing daily-living actions, filmed to MP4 with poses and annotations."""

from augrgb.world.actions import ACTIONS, CLASS_NAMES
from augrgb.world.plan import VideoPlan, make_splits, plan_videos
from augrgb.world.settings import WorldSettings

__all__ = ["ACTIONS", "CLASS_NAMES", "VideoPlan", "WorldSettings", "make_splits", "plan_videos"]
