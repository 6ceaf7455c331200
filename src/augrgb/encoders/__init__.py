"""Windows -> snippet features. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.encoders.small_flow import SmallFlow
from augrgb.encoders.small_pose import SmallPose
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.encoders.snippet_encoder import SnippetEncoder

ENCODERS = catalog(SnippetEncoder, globals())  # type: ignore[type-abstract]

__all__ = ["ENCODERS", "SmallFlow", "SmallPose", "SmallRGB", "SnippetEncoder"]
