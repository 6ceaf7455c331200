"""AGCN against numbers captured from lshiwjx/2s-AGCN (fixtures README, section 9)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from augrgb.encoders.agcn import AgcnNet
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS, adjacency
from support import number_recipes
from support.places import PARITY

WHOLE = json.loads((PARITY / "agcn.json").read_text())


@pytest.mark.parametrize(
    ("layout", "graph", "array"),
    [
        ("kinect25", "graph.ntu_rgb_d.Graph", "graph_ntu/A"),
        ("openpose18", "graph.kinetics.Graph", "graph_openpose18/A"),
    ],
)
def test_graphs_equal_the_reference(layout: Any, graph: Any, array: Any) -> None:
    parents = LAYOUTS[layout].parents
    edges = {(child, parent) for child, parent in enumerate(parents) if parent >= 0}
    assert edges == {tuple(edge) for edge in WHOLE["graphs"][graph]["inward_edges_zero_based_child_parent"]}
    np.testing.assert_allclose(adjacency(parents), np.load(PARITY / "agcn.npz")[array], atol=1e-7)


@pytest.mark.parametrize("case", WHOLE["cases"], ids=[case["name"] for case in WHOLE["cases"]])
def test_network_equals_the_reference(case: Any) -> None:
    table = number_recipes.state_dict(case["state_dict"], WHOLE["gain"])
    state = {name: torch.from_numpy(value) for name, value in table.items()}
    weight, bias = state.pop("fc.weight"), state.pop("fc.bias")
    net = AgcnNet(adjacency(LAYOUTS["kinect25"].parents), persons=case["config"]["num_person"])
    assert set(net.state_dict()) == set(state)
    net.load_state_dict(state)
    x = torch.from_numpy(number_recipes.features(case["input_p"], case["input_shape"]))
    expected = np.load(PARITY / "agcn.npz")
    seen = {}
    for layer in case["layers"]:
        net.get_submodule(layer).register_forward_hook(lambda _, __, y, layer=layer: seen.update({layer: y}))
    with torch.no_grad():
        last, pooled = net.layers(x), net(x)
    for layer, want in case["layers"].items():
        assert list(seen[layer].shape) == want["shape"], layer
        have = [float(seen[layer].mean()), float(seen[layer].std(correction=0))]
        np.testing.assert_allclose(have, [want["mean"], want["std"]], atol=1e-4, rtol=1e-4, err_msg=layer)
    name = case["name"]
    if f"{name}/l10" in expected:
        np.testing.assert_allclose(last.numpy(), expected[f"{name}/l10"], atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(pooled.numpy(), expected[f"{name}/pooled"], atol=1e-4, rtol=1e-4)
    logits = F.linear(pooled, weight, bias)
    np.testing.assert_allclose(logits.numpy(), expected[f"{name}/logits"], atol=1e-4, rtol=1e-4)
