"""The rivals: what the contract does not say. Each form over padded videos against one video at a time, and options."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from augrgb.core.batch import StreamDims, StreamOutput
from augrgb.core.catalog import check_options
from augrgb.core.errors import UsageFault
from augrgb.losses import LOSSES, PoseInduction
from augrgb.losses.parts.channel_products import squared_products
from support.loss_pairs import DIMS, make_pair

SAME = StreamDims(student=6, teacher=6, classes=3, samples=4)
FORMS = [
    ("cc", {"form": "neighbour_product"}),
    ("ft", {"form": "program"}),
    ("fsp", {"layers": "hidden", "last": 3}),
    ("ab", {"last": 2}),
    ("crd", {"segments": 3, "draw": "per_batch", "negatives": 50}),
    ("dkd", {"form": "softmax"}),
    ("logit_kd", {"form": "softmax", "temperature": 4.0}),
    ("mtut", {"focal": False}),
    ("admd", {"adversary": "labels"}),
    ("rkd", {"squared": True}),
    ("pkd", {"horizon": 2, "steps_per_snippet": 1}),
    ("pose_induction", {"classify": 0.3}),
]
close = torch.testing.assert_close


def build(name: Any, dims: Any = DIMS, **options: Any) -> Any:
    torch.manual_seed(0)
    return LOSSES[name](dims, **options)


def videos_of(student: Any, teacher: Any, batch: Any) -> Any:
    """(student features, teacher features) of each video, without padding."""
    for row in range(len(batch.mask)):
        real = batch.mask[row]
        if real.any():
            yield student.features[row, real], teacher.features[row, real]


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_defaults_bind_as_recipe_options(name: Any) -> None:
    options = check_options(LOSSES, name, {}, "loss", "distill.losses")
    LOSSES[name](DIMS, **options)


@pytest.mark.parametrize(("name", "options"), FORMS)
def test_other_forms_keep_the_contract(name: Any, options: Any) -> None:
    results = []
    for lengths in ((7, 4, 1), (7, 4, 1, 0)):  # a video without any snippet, and a batch of other shape
        student, teacher, batch = make_pair(lengths=(7, 4, 1), hidden=3, dims=SAME)
        if len(lengths) == 4:
            student, teacher = (_padded(output) for output in (student, teacher))
            batch = replace(
                batch,
                mask=F.pad(batch.mask, (0, 2, 0, 1)),
                labels=F.pad(batch.labels, (0, 0, 0, 2, 0, 1)),
                labelled=F.pad(batch.labelled, (0, 1)),
                known=F.pad(batch.known, (0, 2, 0, 1), value=True),
                indices=torch.arange(4),
            )
        loss = build(name, SAME, **options).eval()
        value = loss(student, teacher, batch)
        value.backward()
        assert all(parameter.grad is not None for parameter in loss.parameters())
        assert teacher.features.grad is None
        results.append(value.detach())
    assert torch.isfinite(results[0]) and results[0] != 0
    close(results[0], results[1])
    student, teacher, batch = make_pair(lengths=(1, 1), labelled=(False, False), hidden=3, dims=SAME)
    assert torch.isfinite(build(name, SAME, **options)(student, teacher, batch))
    empty = batch.restricted_to(torch.zeros_like(batch.mask))
    assert build(name, SAME, **options)(student, teacher, empty) == 0


def _padded(output: Any) -> Any:
    def pad(x: Any) -> Any:
        return F.pad(x.detach(), (0, 0, 0, 2, 0, 1), value=1e3).requires_grad_(x.requires_grad)

    return StreamOutput(pad(output.features), pad(output.logits), tuple(pad(x) for x in output.hidden))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_training_goes_on_exactly_from_a_saved_state(name: Any) -> None:
    """A loss restored from its state (and its optimiser's) gives the same third step."""

    def step(loss: Any, optimizer: Any, number: Any) -> Any:
        torch.manual_seed(100 + number)
        student, teacher, batch = make_pair(seed=number)
        value = loss.train()(student, teacher, batch)
        if optimizer is not None:
            optimizer.zero_grad()
        value.backward()
        if optimizer is not None:
            optimizer.step()
        return value.detach(), student.features.grad

    def optimizer_of(loss: Any) -> Any:
        return torch.optim.AdamW(loss.parameters()) if list(loss.parameters()) else None

    loss = build(name)
    optimizer = optimizer_of(loss)
    for number in range(2):
        step(loss, optimizer, number)
    torch.manual_seed(77)
    again = LOSSES[name](DIMS)
    again.load_state_dict({key: value.clone() for key, value in loss.state_dict().items()})
    other = optimizer_of(again)
    if optimizer is not None:
        other.load_state_dict(deepcopy(optimizer.state_dict()))  # else both would share their moments
    assert_equal = {"rtol": 0, "atol": 0}
    close(step(again, other, 2), step(loss, optimizer, 2), **assert_equal)
    close(again.state_dict(), loss.state_dict(), **assert_equal)


@pytest.mark.parametrize("name", ["mars", "at", "sp", "rkd", "pkt", "cc", "nst", "fsp", "mtut"])
def test_zero_at_equality(name: Any) -> None:
    student, _, batch = make_pair(dims=SAME)
    same = StreamOutput(student.features.detach(), student.logits.detach())
    assert build(name, SAME)(student, same, batch).abs() < 1e-5


def test_d3d_by_hand() -> None:
    mask = torch.tensor([[True, True, False]])
    student = torch.tensor([[[1.0, -2.0], [0.0, 3.0], [9.0, 9.0]]])
    teacher = torch.tensor([[[0.0, 0.0], [2.0, 2.0], [-9.0, 0.0]]])
    assert LOSSES["d3d"]()(student, teacher, mask).item() == (1 + 4 + 4 + 1) / 4


def test_pose_induction_by_hand() -> None:
    dims = StreamDims(student=2, teacher=2, classes=1)
    loss = PoseInduction(dims, classify=0.5)
    with torch.no_grad():
        loss.project.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        loss.project.bias.zero_()
        loss.classifier.weight.copy_(torch.tensor([[1.0, 0.0]]))
        loss.classifier.bias.zero_()
    student = torch.tensor([[[1.0, 1.0]], [[0.5, 0.0]]])  # induced: (2, 1) and (1, 0)
    teacher = torch.tensor([[[0.0, 1.0]], [[1.0, 3.0]]])  # squared differences 4, 0, 0, 9
    labels, labelled = torch.tensor([[[1.0]], [[0.0]]]), torch.tensor([True, False])
    value = loss(student, teacher, torch.ones(2, 1, dtype=torch.bool), labels=labels, labelled=labelled)
    assert value.item() == pytest.approx(13 / 4 + 0.5 * math.log(1 + math.exp(-2.0)), rel=1e-6)


def test_pose_induction_needs_labels_only_to_classify() -> None:
    student, teacher, batch = make_pair()
    bare = replace(batch, labels=batch.labels[..., :0])
    with pytest.raises(UsageFault, match="E-MOD-031"):
        build("pose_induction")(student, teacher, bare)
    without = build("pose_induction", classify=0.0)(student, teacher, batch)
    _, far, _ = make_pair(seed=5)
    assert without != build("pose_induction", classify=0.0)(student, far, batch)
    assert without < build("pose_induction")(student, teacher, batch)


@pytest.mark.parametrize("name", ["dkd", "logit_kd"])
def test_logit_losses_are_zero_at_equality(name: Any) -> None:
    student, _, batch = make_pair(dims=SAME)
    same = StreamOutput(student.features.detach(), student.logits.detach())
    for form in {"dkd": ("binary", "softmax"), "logit_kd": ("sigmoid", "softmax")}[name]:
        assert build(name, SAME, form=form)(student, same, batch).abs() < 1e-6


@pytest.mark.parametrize("name", ["logit_kd", "d3d", "dkd", "fsp", "mtut", "graph_distillation", "dcmd"])
def test_a_teacher_without_logits_is_refused(name: Any) -> None:
    student, teacher, batch = make_pair()
    silent = StreamOutput(teacher.features, teacher.logits[..., :0])
    with pytest.raises(UsageFault, match="E-MOD-008"):
        build(name)(student, silent, batch)


def test_missing_hidden_layers_are_refused() -> None:
    student, teacher, batch = make_pair(hidden=2, dims=SAME)
    for name, options in (("fsp", {"layers": "hidden", "last": 2}), ("ab", {"last": 2})):
        assert torch.isfinite(build(name, SAME, **options)(student, teacher, batch))
        with pytest.raises(UsageFault, match="E-MOD-010"):
            build(name, SAME, **options)(student, replace(teacher, hidden=()), batch)
    student, teacher, batch = make_pair(hidden=2)
    with pytest.raises(UsageFault, match="widths differ"):
        build("fsp", layers="hidden")(student, teacher, batch)


@pytest.mark.parametrize("name", ["sp", "pkt", "cc", "rkd"])
def test_relations_do_not_ask_for_more_than_their_share(name: Any) -> None:
    student, teacher, batch = make_pair(lengths=(300, 200), labelled=(True, True))
    loss = build(name, max_snippets=20)
    loss(student, teacher, batch).backward()
    assert (student.features.grad.abs().sum(-1) > 0).sum() <= 20
    values = []
    for _ in range(2):
        torch.manual_seed(3)
        values.append(loss(student, teacher, batch))
    assert values[0] == values[1]
    assert loss(student, teacher, batch) != values[0], "another draw"


def test_attention_and_selectivity_over_padded_videos_are_those_of_each_video() -> None:
    student, teacher, batch = make_pair()
    attention, selectivity, flows = [], [], []
    for s, g in videos_of(student, teacher, batch):
        a_s, a_g = (F.normalize((x**2).mean(1), dim=0) for x in (s, g))
        attention += [(x - y) ** 2 for x, y in zip(a_s, a_g, strict=True)]
        n_s, n_g = (F.normalize(x, dim=0) for x in (s, g))
        k = [((a.T @ b) ** 2).mean() for a, b in ((n_g, n_g), (n_s, n_s), (n_s, n_g))]
        selectivity.append(k[0] + k[1] - 2 * k[2])
        flows.append(len(s))
    close(build("at")(student, teacher, batch), torch.stack(attention).mean())
    close(build("nst")(student, teacher, batch), torch.stack(selectivity).mean(), atol=1e-6, rtol=1e-4)


def test_solution_flow_of_features_and_logits() -> None:
    student, teacher, batch = make_pair(dims=SAME)
    errors = []
    for row in range(3):
        n = int(batch.mask[row].sum())
        flows = [
            sum(torch.outer(output.features[row, t], output.logits[row, t]) for t in range(n)) / n
            for output in (student, teacher)
        ]
        errors.append(((flows[0] - flows[1]) ** 2).mean())
    close(build("fsp", SAME)(student, teacher, batch), torch.stack(errors).mean())


def test_congruence_kernel_is_the_gaussian_in_the_limit() -> None:
    student, teacher, batch = make_pair(lengths=(6,), labelled=(True,))
    s, g = (F.normalize(output.features[0].detach().double(), dim=1) for output in (student, teacher))
    gaussian = [torch.exp(-0.4 * torch.cdist(x, x) ** 2) for x in (s, g)]
    expected = ((gaussian[0] - gaussian[1]) ** 2).mean()
    close(build("cc", order=12)(student, teacher, batch).double(), expected, rtol=1e-4, atol=1e-7)
    two = [1 + 0.8 * (x @ x.T) + 0.32 * (x @ x.T) ** 2 for x in (s, g)]
    expected = (math.exp(-0.8) ** 2 * (two[0] - two[1]) ** 2).mean()
    close(build("cc")(student, teacher, batch).double(), expected, rtol=1e-4, atol=1e-7)


def test_rkd_is_finite_where_two_snippets_are_equal() -> None:
    student, teacher, batch = make_pair()
    with torch.no_grad():
        student.features[0, 1] = student.features[0, 0]
    build("rkd")(student, teacher, batch).backward()
    assert student.features.grad.abs().max() < 1e3


def test_rkd_sees_neither_scale_nor_rotation() -> None:
    student, teacher, batch = make_pair(dims=SAME)
    turn = torch.linalg.qr(torch.randn(6, 6))[0]
    turned = replace(student, features=3.0 * student.features @ turn)
    loss = build("rkd", SAME)
    close(loss(turned, teacher, batch), loss(student, teacher, batch), rtol=1e-3, atol=1e-4)


def test_activation_boundaries_of_a_student_on_the_right_side_cost_nothing() -> None:
    _, teacher, batch = make_pair(dims=SAME)
    right = StreamOutput(2.0 * teacher.features.sign(), teacher.logits)
    assert build("ab", SAME)(right, teacher, batch) == 0
    assert build("ab", SAME)(StreamOutput(-right.features, teacher.logits), teacher, batch) > 0


def test_vid_learns_the_noise_of_the_teacher() -> None:
    torch.manual_seed(1)
    loss = LOSSES["vid"](StreamDims(2, 1, 1))
    student, teacher, batch = make_pair(lengths=(200,), labelled=(True,), dims=StreamDims(2, 1, 1))
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        value = loss(student, teacher, batch)
        value.backward()
        optimizer.step()
    variance = F.softplus(loss.log_scale).item()
    assert 0.5 < variance < 1.3, "unrelated teacher of variance 1"


def test_factor_transfer_leaves_the_paraphraser_to_the_teacher() -> None:
    student, teacher, batch = make_pair()
    loss = build("ft")
    loss(student, teacher, batch).backward()
    assert loss.paraphraser[0].weight.grad.abs().sum() > 0
    alone = build("ft")
    error = (
        (alone.restore(alone.paraphraser(teacher.features[batch.mask])) - teacher.features[batch.mask]) ** 2
    ).mean()
    error.backward()
    close(loss.paraphraser[0].weight.grad, alone.paraphraser[0].weight.grad)


def test_factor_transfer_does_not_grow_with_length() -> None:
    values = []
    for length in (10, 1000):
        student, teacher, batch = make_pair(lengths=(length,), labelled=(True,))
        values.append(build("ft")(student, teacher, batch).item())
    assert 0.5 < values[0] / values[1] < 2


@pytest.mark.parametrize(("name", "options"), [("fsp", {"last": 1}), ("ab", {"last": 0}), ("pkd", {"horizon": 0})])
def test_senseless_options_are_refused(name: Any, options: Any) -> None:
    with pytest.raises(UsageFault, match=r"needs|begins"):
        build(name, **options)


@pytest.mark.parametrize("positions", [3, 50])
def test_squared_products_either_way_round(positions: Any) -> None:
    s, t = torch.randn(2, positions, 7), torch.randn(2, positions, 5)
    expected = [((a.transpose(1, 2) @ b) ** 2).sum((1, 2)) for a, b in ((s, s), (t, t), (s, t))]
    close(list(squared_products(s, t)), expected, rtol=1e-4, atol=1e-4)
