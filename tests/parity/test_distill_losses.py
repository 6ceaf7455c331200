"""Losses against numbers captured from RepDistiller and mdistiller (fixtures README, section 10)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses import LOSSES
from augrgb.losses.activation_boundaries import activation_boundaries
from augrgb.losses.attention_transfer import attention_transfer
from augrgb.losses.correlation_congruence import neighbour_product
from augrgb.losses.crd import nce_loss
from augrgb.losses.dkd import decoupled_kl
from augrgb.losses.factor_transfer import factor_transfer
from augrgb.losses.fsp import solution_flow
from augrgb.losses.logit_kd import softened_kl
from augrgb.losses.nst import neuron_selectivity
from augrgb.losses.pkt import probabilistic_transfer
from augrgb.losses.rkd import angle_wise, distance_wise
from augrgb.losses.similarity_preserving import similarity_preserving
from augrgb.losses.vid import gaussian_misfit
from support.places import PARITY

WHOLE = json.loads((PARITY / "distill_losses.json").read_text())
CASES = {case["name"]: case for case in WHOLE["cases"]}


@pytest.fixture(scope="module")
def arrays() -> Any:
    with np.load(PARITY / "distill_losses.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


def same_height(s: Any, t: Any) -> Any:
    """Published programs pool the larger map to the smaller one's height; our positions are already alike."""
    h = min(s.shape[2], t.shape[2])
    return tuple(x if x.shape[2] == h else F.adaptive_avg_pool2d(x, (h, h)) for x in (s, t))


def positions(x: Any) -> Any:
    """(B, C, H, W) -> (B, H W, C)."""
    return x.flatten(2).transpose(1, 2)


def on_positions(function: Any, s: Any, t: Any, *options: Any) -> Any:
    s, t = (positions(x) for x in same_height(s, t))
    return function(s, t, torch.ones(s.shape[:2], dtype=torch.bool), *options)


def layer_sum(function: Any) -> Any:
    return lambda s, t, _params: sum(function(a, b) for a, b in zip(s, t, strict=True))


def hint(s: Any, t: Any, _params: Any) -> Any:
    loss = LOSSES["hint"](StreamDims(6, 6, 1), bias=False).to(s[0].dtype)  # type: ignore[call-arg]
    with torch.no_grad():
        loss.project.weight.copy_(torch.eye(6))  # the reference leaves the regressor out
    s, t = positions(s[0]), positions(t[0])
    return loss(StreamOutput(s, s), StreamOutput(t, t), full_batch(s))


def mars(s: Any, t: Any, _params: Any) -> Any:
    s, t = positions(s[0]), positions(t[0])
    return LOSSES["mars"](StreamDims(6, 6, 1))(StreamOutput(s, s), StreamOutput(t, t), full_batch(s))


def full_batch(x: Any, indices: Any = None) -> Any:
    B, T = x.shape[:2]
    return Batch(
        features={}, mask=torch.ones(B, T, dtype=torch.bool), labels=torch.zeros(B, T, 1),
        labelled=torch.ones(B, dtype=torch.bool), available={}, video_ids=tuple(map(str, range(B))),
        indices=torch.arange(B) if indices is None else indices,
    )  # fmt: skip


def flow(s: Any, t: Any, _params: Any) -> Any:
    size = min(x.shape[2] for x in (*s, *t))
    pooled = [tuple(positions(F.adaptive_avg_pool2d(x, (size, size))) for x in pair) for pair in zip(s, t, strict=True)]
    return solution_flow(pooled, torch.ones(pooled[0][0].shape[:2], dtype=torch.bool))


def vid(s: Any, t: Any, params: Any, arrays: Any) -> Any:
    loss = LOSSES["vid"](StreamDims(6, 8, 1), hidden=7, initial_variance=params["init_pred_var"]).to(s[0].dtype)  # type: ignore[call-arg]
    with torch.no_grad():
        for number in (0, 2, 4):
            loss.regressor[number].weight.copy_(arrays[f"vid/regressor.{number}.weight"][:, :, 0, 0])
    assert loss.log_scale[0].item() == pytest.approx(params["params"][0][3], abs=1e-5)
    return gaussian_misfit(loss.regressor(positions(s[0])), positions(t[0]), loss.log_scale).mean()


def rkd(s: Any, t: Any, params: Any) -> Any:
    squared = params.get("squared", False)
    return params["w_d"] * distance_wise(s[0], t[0], squared=squared) + params["w_a"] * angle_wise(s[0], t[0])


def dkd(s: Any, t: Any, params: Any) -> Any:
    return decoupled_kl(s[0], t[0], t[1], params["alpha"], params["beta"], params["T"]).mean()


def softmax_kd(s: Any, t: Any, params: Any) -> Any:
    return softened_kl(s[0], t[0], params["T"]).mean()


def attention_case(s: Any, t: Any, params: Any) -> Any:
    return sum(on_positions(attention_transfer, a, b, params["p"]) for a, b in zip(s, t, strict=True))


OURS = {
    "hinton_T1": softmax_kd, "hinton_T4": softmax_kd, "md_kd_T4": softmax_kd, "fitnet": hint,
    "at_p2": attention_case, "at_pool_teacher": attention_case, "at_pool_student": attention_case,
    "md_at_p2": attention_case,
    "sp": layer_sum(lambda a, b: similarity_preserving(a.flatten(1), b.flatten(1))),
    "sp_vec": layer_sum(similarity_preserving),
    "rkd": rkd, "rkd_distance_only": rkd, "rkd_angle_only": rkd, "md_rkd_squared": rkd,
    "pkt": layer_sum(probabilistic_transfer), "cc": layer_sum(neighbour_product),
    "nst": layer_sum(lambda a, b: on_positions(neuron_selectivity, a, b)),
    "md_nst_pool": layer_sum(lambda a, b: on_positions(neuron_selectivity, a, b)),
    "fsp": flow,
    "ft_p1_2_p2_1": lambda s, t, p: on_positions(factor_transfer, s[0], t[0], p["p1"], p["p2"]),
    "ft_p1_2_p2_2": lambda s, t, p: on_positions(factor_transfer, s[0], t[0], p["p1"], p["p2"]),
    "ab": lambda s, t, p: activation_boundaries(list(zip(s, t, strict=True)), p["margin"]),
    "dkd": dkd, "dkd_tckd_only": dkd, "dkd_nckd_only": dkd,
}  # fmt: skip


def evaluate(name: Any, arrays: Any, dtype: Any) -> Any:
    """Our value of a case, and the gradients."""
    case = CASES[name]

    def load(key: Any) -> Any:
        return arrays[key].to(dtype) if arrays[key].is_floating_point() else arrays[key]

    students = [load(key).clone().requires_grad_() for key in case["student_inputs"]]
    others = [load(key) for key in case["other_inputs"]]
    if name == "vid":
        value = vid(students, others, case["params"], arrays)
    else:
        value = OURS[name](students, others, case["params"])
    value.backward()
    return value.detach(), [x.grad for x in students]


@pytest.mark.parametrize("name", sorted(CASES))
def test_value_and_gradients_equal_the_reference(name: Any, arrays: Any) -> None:
    case, tolerance = CASES[name], WHOLE["tolerance"]
    value, gradients = evaluate(name, arrays, torch.float32)
    assert value.item() == pytest.approx(case["loss"], abs=tolerance["atol"], rel=tolerance["rtol"])
    for key, gradient, norm in zip(case["student_inputs"], gradients, case["grad_norms"], strict=True):
        assert norm > 0 and gradient.norm().item() == pytest.approx(norm, rel=1e-3)
        expected = arrays[f"grad/{name}/{key}"]
        torch.testing.assert_close(gradient, expected, atol=tolerance["atol"], rtol=tolerance["rtol"])


@pytest.mark.parametrize("name", sorted(CASES))
def test_value_equals_the_reference_in_double_precision(name: Any, arrays: Any) -> None:
    case = CASES[name]
    value, gradients = evaluate(name, arrays, torch.float64)
    assert value.item() == pytest.approx(case["loss_float64"], rel=1e-6)
    for gradient, norm in zip(gradients, case["grad_norms_float64"], strict=True):
        assert gradient.norm().item() == pytest.approx(norm, rel=1e-5)


def test_mars_is_the_fitnet_error_without_a_regressor(arrays: Any) -> None:
    value = mars([arrays["map_s"]], [arrays["map_t6"]], {})
    assert value.item() == pytest.approx(CASES["fitnet"]["loss"], rel=1e-5)


def test_at_list_losses_are_each_equal(arrays: Any) -> None:
    layers = zip(CASES["at_p2"]["student_inputs"], CASES["at_p2"]["other_inputs"], strict=True)
    ours = [on_positions(attention_transfer, arrays[s], arrays[t], 2).item() for s, t in layers]
    assert ours == pytest.approx(CASES["at_p2"]["loss_list"], rel=1e-4)


def test_crd_two_steps(arrays: Any) -> None:
    reference, tolerance = WHOLE["crd"], WHOLE["tolerance"]
    dims = StreamDims(reference["s_dim"], reference["t_dim"], 1, reference["n_data"])
    loss = LOSSES["crd"](dims, dim=reference["feat_dim"], negatives=reference["nce_k"], temperature=reference["nce_t"])  # type: ignore[call-arg]
    assert loss.bank is not None and loss.bank.momentum == reference["nce_m"]
    linear = {"s": loss.embed_student, "t": loss.embed_teacher}
    with torch.no_grad():
        for side, layer in linear.items():
            layer.weight.copy_(arrays[f"crd/embed_{side}.linear.weight"])
            layer.bias.copy_(arrays[f"crd/embed_{side}.linear.bias"])
        loss.bank.student.copy_(arrays["crd/memory_v1"])
        loss.bank.teacher.copy_(arrays["crd/memory_v2"])
    loss.train()
    for number, step in enumerate(reference["steps"]):
        s = arrays["crd/feat_s"][number].clone().requires_grad_()
        index = arrays[f"crd/contrast_idx{number}"]
        assert torch.equal(index[:, 0], arrays[f"crd/idx{number}"])
        loss.zero_grad()
        value = loss.contrast(s, arrays["crd/feat_t"][number], index[:, 0], index[:, 1:])
        before = loss.bank.student.clone()
        value.backward()
        assert not torch.equal(before, loss.bank.student)
        assert value.item() == pytest.approx(step["loss"], rel=tolerance["rtol"])
        torch.testing.assert_close(s.grad, arrays[f"crd/grad_feat_s{number}"], atol=1e-5, rtol=1e-4)
        assert s.grad.norm().item() == pytest.approx(step["grad_norm_feat_s"], rel=1e-4)
        for side, layer in linear.items():
            for kind in ("weight", "bias"):
                expected = step["grad_norms_params"][f"embed_{side}.linear.{kind}"]
                assert getattr(layer, kind).grad.norm().item() == pytest.approx(expected, rel=1e-4)
        assert loss.constants.tolist() == pytest.approx([step["Z_v1"], step["Z_v2"]], rel=1e-4)
        torch.testing.assert_close(loss.bank.student, arrays[f"crd/memory_v1_after{number}"], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(loss.bank.teacher, arrays[f"crd/memory_v2_after{number}"], atol=1e-5, rtol=1e-4)


def test_crd_contrast_loss_alone(arrays: Any) -> None:
    only = WHOLE["crd"]["contrast_loss_only"]
    likeness = arrays[only["input"]].squeeze(-1)
    assert nce_loss(likeness, only["n_data"]).item() == pytest.approx(only["loss"], rel=1e-5)
