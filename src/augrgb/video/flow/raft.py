"""RAFT flow by torchvision, for machines with a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.opening import sha256_file
from augrgb.video.flow.method import FlowMethod
from augrgb.video.flow.settings import FlowSettings

_UPDATES = 12
_LEAST_SIDE = 128
"""RAFT correlates images at an eighth of their size, four times halved: below 128 pixels nothing is left."""


class RaftFlow(FlowMethod):
    """RAFT (large) on RGB images, on the GPU if there is one.

    Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020; torchvision's network,
    twelve updates. Images are repeated at their borders to multiples of 8, 128 at least. Weights come from a
    safetensors file with the names of torchvision's `raft_large`, pinned by its SHA-256.
    Deviation: results on a GPU are equal from run to run only as far as its kernels are.
    """

    name = "raft"
    pixels = "rgb24"

    def __init__(self, settings: FlowSettings) -> None:
        super().__init__(settings)
        weights, checksum = _pinned(settings)
        import torch  # here, because worker processes that only decode need none

        from augrgb.core.weights import check_state, read_weights

        try:
            from torchvision.models.optical_flow import raft_large
        # A torchvision of another build than torch's fails in either of these ways.
        except (ImportError, RuntimeError, OSError) as error:
            remedy = "pip install 'augrgb[raft]' with the torchvision that belongs to this torch."
            raise EnvironmentFault("E-ENV-003", "flow.method raft", f"needs torchvision ({error})", remedy) from error
        if not weights.is_file():
            raise InputRefused("E-FILE-001", weights, "no such weights file", "See flow.weights.")
        found = sha256_file(weights)
        if found != checksum:
            problem = f"SHA-256 is {found}, expected {checksum}"
            raise InputRefused("E-MOD-003", weights, problem, "Download it again, or correct flow.sha256.")
        state = read_weights(weights)
        self._network: Any = raft_large(weights=None)
        check_state(weights, state, self._network.state_dict())
        self._network.load_state_dict(state)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._torch = torch
        self._network.to(self._device).eval().requires_grad_(False)

    @classmethod
    def recipe(cls, settings: FlowSettings) -> dict[str, Any]:
        return {"method": "raft-large", "updates": _UPDATES, "sha256": _pinned(settings)[1]}

    def flow(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = before.shape[:2]
        bottom, right = (max(_LEAST_SIDE, -(-side // 8) * 8) - side for side in (height, width))
        pair = []
        for image in (before, after):
            x = self._torch.from_numpy(np.ascontiguousarray(image)).to(self._device).permute(2, 0, 1)[None].float()
            x = self._torch.nn.functional.pad(x, (0, right, 0, bottom), mode="replicate")
            pair.append(x.mul_(2 / 255).sub_(1))
        with self._torch.inference_mode():
            refined = self._network(*pair, num_flow_updates=_UPDATES)[-1]  # (1, 2, H, W), the last is the best
        found: NDArray[np.float32] = refined[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        return np.ascontiguousarray(found)


def _pinned(settings: FlowSettings) -> tuple[Path, str]:
    if not settings.weights or not settings.sha256:
        remedy = "Give flow.weights (a safetensors file) and flow.sha256."
        raise UsageFault("E-CFG-014", "flow.method raft", "needs weights and their SHA-256", remedy)
    return Path(settings.weights), settings.sha256.strip().lower()
