"""Windows -> snippet features. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.encoders.agcn import Agcn
from augrgb.encoders.efficientnet_lite import EfficientNetLite
from augrgb.encoders.hf_backbone import HfBackbone
from augrgb.encoders.i3d import I3dFlow, I3dRgb
from augrgb.encoders.signal_tcn import SignalTcn
from augrgb.encoders.small_flow import SmallFlow
from augrgb.encoders.small_grid import SmallGrid
from augrgb.encoders.small_pose import SmallPose
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.encoders.stgcn_pp import StgcnPp

ENCODERS = catalog(SnippetEncoder, globals())  # type: ignore[type-abstract]

__all__ = [
    "ENCODERS",
    "Agcn",
    "EfficientNetLite",
    "HfBackbone",
    "I3dFlow",
    "I3dRgb",
    "SignalTcn",
    "SmallFlow",
    "SmallGrid",
    "SmallPose",
    "SmallRGB",
    "SnippetEncoder",
    "StgcnPp",
]
