"""TV-L1 flow, which published flow networks saw: by scikit-image, or by OpenCV's contributed modules.

Zach, Pock and Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007. The two programs
differ in pyramid and stopping rule, so they are two methods that never mix.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import EnvironmentFault
from augrgb.video.flow.method import FlowMethod
from augrgb.video.flow.settings import FlowSettings

_OPTIONS: dict[str, Any] = {"attachment": 15, "tightness": 0.3, "num_warp": 5, "num_iter": 10, "tol": 1e-4}


class Tvl1Flow(FlowMethod):
    """TV-L1 by scikit-image, on gray images of the track's own size."""

    name = "tvl1"

    def __init__(self, settings: FlowSettings) -> None:
        super().__init__(settings)
        try:
            from skimage.registration import optical_flow_tvl1
        except ImportError as error:
            remedy = "pip install 'augrgb[tvl1]', or choose another flow method."
            raise EnvironmentFault("E-ENV-003", "flow.method tvl1", "needs scikit-image", remedy) from error
        self._solve: Any = optical_flow_tvl1

    @classmethod
    def recipe(cls, settings: FlowSettings) -> dict[str, Any]:
        return {"method": "tvl1-scikit-image", **_OPTIONS}

    def flow(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
        # The regulariser's strengths are meant for images from 0 to 1.
        pair = (before.astype(np.float32) / 255, after.astype(np.float32) / 255)
        down, right = self._solve(*pair, dtype=np.float32, **_OPTIONS)
        return np.stack([right, down], axis=-1).astype(np.float32, copy=False)


class Tvl1OpenCv(FlowMethod):
    """TV-L1 by OpenCV's contributed modules, the program behind most published flow features."""

    name = "tvl1_opencv"

    def __init__(self, settings: FlowSettings) -> None:
        super().__init__(settings)
        modules: Any = getattr(cv2, "optflow", None)
        if modules is None or not hasattr(modules, "DualTVL1OpticalFlow_create"):
            remedy = "Install opencv-contrib-python-headless instead of opencv-python-headless, or choose tvl1."
            problem = f"this OpenCV ({cv2.__version__}) lacks the contributed module optflow"
            raise EnvironmentFault("E-ENV-003", "flow.method tvl1_opencv", problem, remedy)
        self._search: Any = modules.DualTVL1OpticalFlow_create()

    @classmethod
    def recipe(cls, settings: FlowSettings) -> dict[str, Any]:
        return {"method": "tvl1-opencv"}

    def flow(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._search.calc(before, after, None)
        return found
