"""I3D against numbers captured from piergiaj/pytorch-i3d (fixtures README, section 7)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from augrgb.encoders.i3d import I3dNet
from support import number_recipes
from support.places import PARITY

WHOLE = json.loads((PARITY / "i3d.json").read_text())
CASES = {case["name"]: case for case in WHOLE["cases"]}


def published(case: Any) -> Any:
    table = WHOLE["state_dicts"][case["table"]]
    return {k: torch.from_numpy(v) for k, v in number_recipes.state_dict(table, WHOLE["gain"]).items()}


def clip(case: Any) -> Any:
    return torch.from_numpy(number_recipes.clip(case["input_p"], case["input_shape"]))


def check(case: Any, features: Any, weight: Any, bias: Any) -> None:
    expected = np.load(PARITY / "i3d.npz")
    np.testing.assert_allclose(features.numpy(), expected[f"{case['name']}/features"], atol=1e-4, rtol=1e-4)
    logits = F.conv3d(features, weight, bias).squeeze(4).squeeze(3)
    np.testing.assert_allclose(logits.numpy(), expected[f"{case['name']}/logits"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("table", WHOLE.get("state_dicts", {}))
def test_state_has_the_published_names_and_shapes(table: Any) -> None:
    entries = WHOLE["state_dicts"][table]
    names = {name: tuple(shape) for _, name, shape, kind in entries if kind != "skip" and "logits" not in name}
    ours = I3dNet(names["Conv3d_1a_7x7.conv3d.weight"][1]).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in ours.items()} == names


@pytest.mark.parametrize("name", [name for name in CASES if "10x" in name])
def test_fast_reading_equals_the_reference(name: Any) -> None:
    case = CASES[name]
    state = published(case)
    weight, bias = state.pop("logits.conv3d.weight"), state.pop("logits.conv3d.bias")
    net = I3dNet(case["in_channels"])
    net.load_state_dict(state)
    with torch.no_grad():
        check(case, net.fast(clip(case)), weight, bias)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_stage_equals_the_reference(name: Any) -> None:
    case = CASES[name]
    state = published(case)
    weight, bias = state.pop("logits.conv3d.weight"), state.pop("logits.conv3d.bias")
    net = I3dNet(case["in_channels"])
    net.load_state_dict(state)
    with torch.no_grad():
        x = clip(case)
        for stage_name, stage in net.named_children():
            x = stage(x)
            want = case["endpoints"][stage_name]
            assert list(x.shape) == want["shape"], stage_name
            np.testing.assert_allclose(
                [float(x.mean()), float(x.std(correction=0)), float(x.abs().max())],
                [want["mean"], want["std"], want["absmax"]],
                atol=1e-4,
                rtol=1e-4,
                err_msg=stage_name,
            )
        plain, fast = net(clip(case)), net.fast(clip(case))
        check(case, plain, weight, bias)
        check(case, fast, weight, bias)
        torch.testing.assert_close(fast, plain, atol=1e-4, rtol=1e-4)
