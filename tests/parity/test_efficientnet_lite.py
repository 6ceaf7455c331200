"""EfficientNet-Lite against numbers captured from efficientnet-lite-pytorch 0.1.0."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.encoders.import_weights import encoder_state
from augrgb.encoders.parts.efficientnet_net import SCALES, EfficientNetLiteNet
from support import number_recipes
from support.places import PARITY

WHOLE = json.loads((PARITY / "efficientnet_lite.json").read_text())


@pytest.mark.parametrize("case", WHOLE["cases"], ids=[case["name"] for case in WHOLE["cases"]])
def test_features_equal_the_reference(case: Any) -> None:
    table = number_recipes.state_dict(WHOLE["state_dicts"][case["table"]], WHOLE["gain"])
    state = encoder_state("efficientnet_lite", {name: torch.from_numpy(value) for name, value in table.items()})
    net = EfficientNetLiteNet(SCALES[case["name"]])
    net.load_state_dict({name.removeprefix("net."): tensor for name, tensor in state.items()})
    x = torch.from_numpy(number_recipes.clip(case["input_p"], case["input_shape"]))[:, :, 0]
    expected = np.load(PARITY / "efficientnet_lite.npz")
    with torch.no_grad():
        for features in (net(x), net.fast(x)):
            np.testing.assert_allclose(features.numpy(), expected[f"{case['name']}/features"], atol=1e-4, rtol=1e-4)
