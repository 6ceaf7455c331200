"""PDAN against numbers captured from dairui01/PDAN (fixtures README, section 8)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from augrgb.filters import Pdan
from support import number_recipes
from support.places import PARITY

WHOLE = json.loads((PARITY / "pdan.json").read_text())
CASES = {case["name"]: case for case in WHOLE["cases"]}


class Reference(nn.Module):
    """One filter and one classifier per stage; every further stage reads the logits of the one before."""

    def __init__(self, case: Any, mask_input: bool) -> None:
        super().__init__()
        config = case["config"]
        K, F = config["num_classes"], config["num_f_maps"]
        dims = [config["dim"]] + [K] * (config["num_stages"] - 1)
        self.stages = nn.ModuleList(
            Pdan(dim, layers=config["num_layers"], width=F, mask_input=mask_input) for dim in dims
        )
        self.heads = nn.ModuleList(nn.Linear(F, K) for _ in dims)
        self.names = {}  # ours -> reference
        for s in range(len(dims)):
            theirs = f"stage{s + 1}" if s == 0 else f"stages.{s - 1}"
            for kind in ("weight", "bias"):
                self.names[f"stages.{s}.enter.{kind}"] = [f"{theirs}.conv_1x1.{kind}"]
                self.names[f"heads.{s}.{kind}"] = [f"{theirs}.conv_out.{kind}"]
            for i in range(config["num_layers"]):
                block, layer = f"stages.{s}.blocks.{i}", f"{theirs}.layers.{i}"
                for kind in ("weight", "bias"):
                    self.names[f"{block}.mix.{kind}"] = [f"{layer}.conv_1x1.{kind}"]
                self.names[f"{block}.tap_term"] = [f"{layer}.conv_attention.rel_t"]
                self.names[f"{block}.query_key_value.weight"] = [
                    f"{layer}.conv_attention.{part}_conv.weight" for part in ("query", "key", "value")
                ]
        weights = number_recipes.state_dict(case["state_dict"], WHOLE["gain"])
        for ours, theirs in self.names.items():
            value = np.concatenate([weights.pop(name) for name in theirs])
            value = value[:, 0].T if ours.endswith("tap_term") else value.squeeze(-1) if value.ndim == 3 else value
            self.get_parameter(ours).data.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        assert not weights, "every parameter of the reference must have a place"

    def forward(self, x: Any, mask: Any) -> Any:
        outputs = []
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = head(stage(x, mask)[0]) * mask[..., None]
            outputs.append(x)
        return outputs


def case_input(case: Any) -> Any:
    B, D, T = case["input_shape"]
    x = torch.from_numpy(number_recipes.features(case["input_p"], (B, D, T))).transpose(1, 2)
    mask = torch.arange(T) < torch.tensor(case["lengths"])[:, None]
    return x, mask


@pytest.mark.parametrize("name", CASES)
def test_logits_loss_and_gradients_equal_the_reference(name: Any) -> None:
    case = CASES[name]
    x, mask = case_input(case)
    net = Reference(case, mask_input=False).eval()
    logits = net(x, mask)
    expected = np.load(PARITY / "pdan.npz")[f"{name}/output"]
    np.testing.assert_allclose(torch.stack(logits).transpose(2, 3).detach().numpy(), expected, atol=1e-4, rtol=1e-4)
    labels = number_recipes.labels(case["label_p"], logits[-1].shape, case["lengths"], case["label_threshold"])
    loss = F.binary_cross_entropy_with_logits(logits[-1], torch.from_numpy(labels), reduction="sum") / mask.sum()
    assert loss.item() == pytest.approx(case["loss"], rel=1e-5)
    loss.backward()
    ours = {name: value.grad for name, value in net.named_parameters()}
    checked = 0
    for our_name, theirs in net.names.items():
        pieces = ours[our_name].chunk(len(theirs))
        for piece, their_name in zip(pieces, theirs, strict=True):
            if their_name in case["grad_norms"]:
                assert piece.norm().item() == pytest.approx(case["grad_norms"][their_name], rel=1e-3), their_name
                checked += 1
    assert checked == len(case["grad_norms"]) > 0


@pytest.mark.parametrize("name", CASES)
def test_the_default_differs_only_where_padding_leaks(name: Any) -> None:
    case = CASES[name]
    x, mask = case_input(case)
    with torch.no_grad():
        ours = Reference(case, mask_input=True).eval()(x, mask)[-1]
        published = Reference(case, mask_input=False).eval()(x, mask)[-1]
    for row, length in enumerate(case["lengths"]):
        assert torch.allclose(ours[row], published[row], atol=1e-6) == (length == x.shape[1])
