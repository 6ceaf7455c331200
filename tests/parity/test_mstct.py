"""MS-TCT against numbers captured from its authors' code (fixtures README, sections 2 and 8)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from augrgb.core.types import Event
from augrgb.filters import MsTct
from augrgb.filters.parts.heat_map import HeatMapTerm, heat_map_focal, heat_map_focal_published, heat_map_published
from support import number_recipes
from support.places import PARITY

WHOLE = json.loads((PARITY / "mstct.json").read_text())
CASES = {case["name"]: case for case in WHOLE["cases"]}
NAMES = [name if name != "paper" else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
PROTOCOLS = json.loads((PARITY / "rasterise.json").read_text())["protocols"]


PARTS = {
    "norm1": "norm_attention",
    "norm2": "norm_local",
    "Global_Relational_Block.q": "query",
    "Global_Relational_Block.kv": "key_value",
    "Global_Relational_Block.proj": "attended",
    "Local_Relational_Block.linear1": "widen",
    "Local_Relational_Block.TC": "depthwise",
    "Local_Relational_Block.linear2": "narrow",
}


def our_name(name: str) -> str | None:
    """The place of a reference parameter in `Reference`, None for the one that the reference never uses."""
    module, layer, *rest = name.split(".")
    kind = rest.pop()
    if module == "TemporalEncoder":
        stage = f"filter.stages.{int(''.join(filter(str.isdigit, layer))) - 1}"
        if layer.startswith("Temporal_Merging_Block"):
            return f"{stage}.{'merge' if rest == ['proj'] else 'enter'}.{kind}"
        if layer.startswith("norm"):
            return f"{stage}.leave.{kind}"
        return f"{stage}.blocks.{rest[0]}.{PARTS['.'.join(rest[1:])]}.{kind}"
    if module == "Temporal_Mixer":
        if layer.startswith("linear_f"):
            return f"filter.project.{int(layer[-1]) - 1}.{kind}"
        place = {"linear1": 2, "linear2": 1, "linear3": 0}.get(layer)
        return None if place is None else f"filter.add_coarsest.{place}.{kind}"
    heads = {"linear_fuse": "filter.fuse", "linear_pred": "classifier"}
    if layer == "hm":
        return f"term.{'mix' if rest == ['0'] else 'predict'}.{kind}"
    return f"{heads[layer]}.{kind}"


class Reference(nn.Module):
    """Our filter, classifier and heat-map branch with the weights of a case."""

    def __init__(self, case: Any) -> None:
        super().__init__()
        c = case["config"]
        E, K = c["final_embedding_dim"], c["num_classes"]
        self.filter = MsTct(
            c["in_feat_dim"],
            width=E,
            stages=tuple(c["inter_channels"]),
            blocks=c["num_block"],
            heads=c["head"],
            expansion=c["mlp_ratio"],
        )
        self.classifier = nn.Linear(E, K)
        self.term = HeatMapTerm([E] * 4, K)
        state = {}
        for name, value in number_recipes.state_dict(case["state_dict"], WHOLE["gain"]).items():
            ours = our_name(name)
            if ours is not None:
                shape = self.get_parameter(ours).shape
                state[ours] = torch.from_numpy(value).reshape(shape)
        self.load_state_dict(state)  # strict: every parameter has a value

    def forward(self, x: Any, mask: Any) -> Any:
        features, hidden = self.filter(x, mask)
        return self.classifier(features), self.term.heat_map(hidden, mask)


def case_input(case: Any) -> Any:
    B, D, T = case["input_shape"]
    return torch.from_numpy(number_recipes.features(case["input_p"], (B, D, T))).transpose(1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_logits_heat_map_losses_and_gradient_equal_the_reference(name: Any) -> None:
    case = CASES[name]
    x, arrays = case_input(case), np.load(PARITY / "mstct.npz")
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    net = Reference(case).eval()
    logits, heat = net(x, mask)
    np.testing.assert_allclose(logits.detach().numpy(), arrays[f"{name}/logits"], atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(heat.mT.detach().numpy(), arrays[f"{name}/heatmap"], atol=1e-4, rtol=1e-4)
    B, T, K = logits.shape
    labels = torch.from_numpy(number_recipes.labels(case["label_p"], (B, T, K), [T] * B, case["label_threshold"]))
    target = torch.from_numpy(number_recipes.u(case["heatmap_target_p"], B * T * K).reshape(B, T, K))
    target = torch.where(target > 0.9, 1.0, target).float()
    bce = F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / mask.sum()
    focal = heat_map_focal_published(heat, target, mask)
    assert bce.item() == pytest.approx(case["loss_bce"], rel=1e-5)
    assert focal.item() == pytest.approx(case["loss_focal"], rel=1e-5)
    if B == 1:
        assert heat_map_focal(heat, target, mask).item() == pytest.approx(case["loss_focal"], rel=1e-5)
    else:
        assert heat_map_focal(heat, target, mask).item() != pytest.approx(case["loss_focal"], rel=1e-3)
    (bce + 0.05 * focal).backward()
    total = torch.stack([p.grad.norm() for p in net.parameters()]).norm().item()
    assert total == pytest.approx(case["grad_total_norm_bce_plus_0p05_focal"], rel=1e-3)


@pytest.mark.parametrize("name", ["small", "odd_length"])
def test_a_padded_batch_gives_the_reference_of_each_video_alone(name: Any) -> None:
    case = CASES[name]
    x = case_input(case)
    net = Reference(case).eval()
    B, T = x.shape[:2]
    long = torch.cat([x, torch.randn(B, 43, x.shape[2])], 1)
    mask = (torch.arange(T + 43) < T).expand(B, -1)
    with torch.no_grad():
        logits, heat = net(long, mask)
    arrays = np.load(PARITY / "mstct.npz")
    np.testing.assert_allclose(logits[:, :T].numpy(), arrays[f"{name}/logits"], atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(heat.mT[..., :T].numpy(), arrays[f"{name}/heatmap"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("video", PROTOCOLS["mstct_charades"]["order"] if PROTOCOLS else [])
def test_published_heat_maps(video: Any) -> None:
    source, expected = PROTOCOLS["pdan_charades"], PROTOCOLS["mstct_charades"]["heatmap"][video]
    about = source["json"][video]
    classes = [str(k) for k in range(source["num_classes"])]
    events = [Event(str(label), start, end) for label, start, end in about["actions"]]
    heat = heat_map_published(events, classes, about["duration"], source["num_features"][video])
    whole = np.zeros_like(heat)
    for t, k, value in expected["heatmap_nonzero"]:
        whole[t, k] = value
    assert np.array_equal(heat, whole)
    assert heat.sum(dtype=np.float64) == pytest.approx(expected["heatmap_sum"], abs=1e-9)
