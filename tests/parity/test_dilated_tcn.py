"""SD-TCN against numbers captured from dairui01/Toyota_Smarthome (fixtures README, section 8)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from augrgb.filters import SdTcn
from support import number_recipes
from support.places import PARITY

CASES = json.loads((PARITY / "dilated_tcn.json").read_text())["cases"]


def our_name(name: str) -> str:
    layer, kind = name.split(".")
    number = int(layer.removeprefix("conv").removeprefix("bottle"))
    if layer.startswith("conv"):
        return f"blocks.{number - 1}.dilated.{kind}"
    return f"enter.{kind}" if number == 0 else f"blocks.{number - 1}.mix.{kind}"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_logits_equal_the_reference(case: Any) -> None:
    whole = json.loads((PARITY / "dilated_tcn.json").read_text())
    weights = {k: torch.from_numpy(v) for k, v in number_recipes.state_dict(case["state_dict"], whole["gain"]).items()}
    config, (B, D, T) = case["config"], case["input_shape"]
    net = SdTcn(D, width=config["num_f_maps"], mask_input=False).eval()
    head = nn.Conv1d(config["num_f_maps"], config["num_classes"], 1)
    head.load_state_dict({kind: weights.pop(f"bottle6.{kind}") for kind in ("weight", "bias")})
    net.load_state_dict({our_name(name): value for name, value in weights.items()})
    x = torch.from_numpy(number_recipes.features(case["input_p"], (B, D, T)))
    mask = torch.arange(T) < torch.tensor(case["lengths"])[:, None]
    with torch.no_grad():
        logits = head(net(x.transpose(1, 2), mask)[0].transpose(1, 2)) * mask[:, None]
        ours, _ = SdTcn.forward(_masked(net), x.transpose(1, 2), mask)
    expected = np.load(PARITY / "dilated_tcn.npz")[f"{case['name']}/output"]
    np.testing.assert_allclose(logits.numpy(), expected, atol=1e-4, rtol=1e-4)
    if min(case["lengths"]) < T:  # our own default must differ only where padding leaks
        assert not torch.allclose(head(ours.transpose(1, 2)) * mask[:, None], logits, atol=1e-4)


def _masked(net: SdTcn) -> SdTcn:
    net.mask_input = True
    return net
