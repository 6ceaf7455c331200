"""Losses that use labels, teachers' decisions or own networks: DKD, MTUT, ADMD, graph distillation, DCMD, PKD."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from augrgb.core.batch import StreamDims
from augrgb.losses import LOSSES
from augrgb.losses.dkd import decoupled_kl
from augrgb.losses.mtut import correlation_gap, focal_weight
from support.loss_pairs import DIMS, make_pair

close = torch.testing.assert_close


def build(name: Any, dims: Any = DIMS, **options: Any) -> Any:
    torch.manual_seed(0)
    return LOSSES[name](dims, **options)


def test_softmax_logit_kd() -> None:
    student, teacher, batch = make_pair()
    values = []
    for b, t in batch.mask.nonzero().tolist():
        p, q = ((output.logits[b, t] / 3.0).softmax(0) for output in (teacher, student))
        values.append(9.0 * (p * (p / q).log()).sum())
    close(build("logit_kd", form="softmax", temperature=3.0)(student, teacher, batch), torch.stack(values).mean())


def test_decoupled_kl_adds_up_to_the_ordinary_one() -> None:
    """KL = target part + (1 - p_target) * part among the rest (the paper's eq. 7)."""
    s, t = torch.randn(4, 5), torch.randn(4, 5)
    target = torch.tensor([0, 2, 4, 1])
    p = t.softmax(1)
    rest = 1 - p.gather(1, target[:, None])[:, 0]
    whole = (p * (t.log_softmax(1) - s.log_softmax(1))).sum(1)
    parts = decoupled_kl(s, t, target, 1.0, 0.0, 1.0) + rest * decoupled_kl(s, t, target, 0.0, 1.0, 1.0)
    close(parts, whole)


@pytest.mark.parametrize("form", ["binary", "softmax"])
def test_dkd_takes_classes_from_labels_or_else_from_the_teacher(form: Any) -> None:
    student, teacher, batch = make_pair()
    target, other = [], []
    for b, t in batch.mask.nonzero().tolist():
        there = batch.labels[b, t] > 0 if batch.labelled[b] else teacher.logits[b, t] > 0
        for k in range(3):
            if form == "binary":
                p, q = (torch.sigmoid(output.logits[b, t, k] / 4) for output in (teacher, student))
                gap = 16 * (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log())
                (target if there[k] else other).append(gap)
            elif there[k]:
                one = (output.logits[b, t][None] for output in (student, teacher))
                target.append(decoupled_kl(*one, torch.tensor([k]), 1.0, 8.0, 4.0)[0])  # type: ignore[call-arg]
    expected = torch.stack(target).mean() + (8 * torch.stack(other).mean() if other else 0)
    close(build("dkd", form=form)(student, teacher, batch), expected, rtol=1e-4, atol=1e-6)


def test_mtut_gap_is_that_of_the_formed_matrices() -> None:
    student, teacher, batch = make_pair()
    gaps = correlation_gap(student.features, teacher.features, batch.mask)
    for row in range(3):
        n = int(batch.mask[row].sum())
        s, g = (F.normalize(output.features[row, :n], dim=1) for output in (student, teacher))
        close(gaps[row], ((s @ s.T - g @ g.T) ** 2).sum() / n**2, atol=1e-5, rtol=1e-4)


def test_mtut_learns_from_better_teachers_only() -> None:
    weight = focal_weight(torch.tensor([1.0, 0.5]), torch.tensor([0.5, 1.0]), 2.0)
    close(weight, torch.tensor([torch.e - 1, 0.0]))
    student, teacher, batch = make_pair(labelled=(True, True, True))
    certain = 20 * (batch.labels - 0.5)
    loss = build("mtut")
    assert loss(replace(student, logits=certain), replace(teacher, logits=-certain), batch) == 0
    worse = loss(replace(student, logits=-certain), replace(teacher, logits=certain), batch)
    flat = build("mtut", focal=False)(student, teacher, batch)
    close(worse, 10 * flat)  # bounded
    unknown = replace(batch, labelled=torch.zeros(3, dtype=torch.bool))
    close(loss(replace(student, logits=certain), replace(teacher, logits=-certain), unknown), flat)


def test_mtut_needs_no_square_of_the_length() -> None:
    dims = StreamDims(4, 4, 2)
    student, teacher, batch = make_pair(lengths=(60_000,), labelled=(False,), dims=dims)  # T^2 would be 14 GB
    assert torch.isfinite(build("mtut", dims)(student, teacher, batch))


def test_admd_turns_the_gradient_for_the_student_alone() -> None:
    student, teacher, batch = make_pair()
    gradients = []
    for strength in (1.0, -1.0):  # -1: the student would help the discriminator
        loss = build("admd", strength=strength, project="linear")
        student.features.grad = None
        value = loss(student, teacher, batch)
        value.backward()
        own = loss.discriminator[0].weight.grad.clone()
        gradients.append((student.features.grad.clone(), own, value.detach()))  # type: ignore[attr-defined]
    close(gradients[0][0], -gradients[1][0])
    close(gradients[0][1:], gradients[1][1:])
    assert gradients[0][0].abs().sum() > 0


def test_admd_labels_form_holds_the_discriminator_still() -> None:
    student, teacher, batch = make_pair()
    with_student, without = build("admd", adversary="labels"), build("admd", adversary="labels", strength=0.0)
    for loss in (with_student, without):
        student.features.grad = None
        loss(student, teacher, batch).backward()
        if loss is with_student:
            moved = student.features.grad.clone()  # type: ignore[attr-defined]
    assert moved.abs().sum() > 0 and student.features.grad.abs().sum() == 0
    close(with_student.discriminator[0].weight.grad, without.discriminator[0].weight.grad)


@pytest.mark.parametrize("adversary", ["reversal", "labels"])
def test_admd_brings_the_student_to_the_teacher(adversary: Any) -> None:
    dims = StreamDims(3, 3, 2)
    loss = build("admd", dims, adversary=adversary, hidden=16)
    _, teacher, batch = make_pair(lengths=(60,), labelled=(True,), dims=dims)
    teacher = replace(teacher, features=teacher.features * 0.3 + 3.0)
    offset = torch.zeros(3, requires_grad=True)
    noise = 0.3 * torch.randn(1, 60, 3)
    optimizer = torch.optim.Adam([{"params": loss.parameters(), "lr": 1e-2}, {"params": [offset], "lr": 3e-2}])
    places = []
    for _ in range(300):
        optimizer.zero_grad()
        loss(replace(teacher, features=noise + offset), teacher, batch).backward()
        optimizer.step()
        places.append(offset.detach().clone())
    mean = torch.stack(places[100:]).mean(0)  # it circles around the teacher
    assert (mean - 3).abs().max() < 1.5, "it began 3 away"


def test_admd_ignores_class_labels_that_are_not_known() -> None:
    student, teacher, batch = make_pair(labelled=(False, False, False))
    loss = build("admd")
    other = replace(batch, labels=1 - batch.labels)
    assert loss(student, teacher, batch) == loss(student, teacher, other)


def test_graph_edges_stay_near_their_prior() -> None:
    dims = StreamDims(4, 4, 3)
    student, teacher, batch = make_pair(lengths=(40,), labelled=(True,), dims=dims)
    shares = []
    for pull in (0.0, 10.0):
        loss = build("graph_distillation", dims, pull=pull, logit_weight=10.0)
        optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
        for _ in range(100):
            optimizer.zero_grad()
            loss(student, teacher, batch).backward()
            optimizer.step()
        with torch.no_grad():
            s, z_s, g, z_g = (x[batch.mask] for o in (student, teacher) for x in (o.features, o.logits))
            seen = [loss.embed_student(s), loss.embed_logits(z_s), loss.embed_teacher(g), loss.embed_logits(z_g)]
            shares.append((0.125 * loss.edge(torch.cat(seen, 1))).softmax(1)[:, 0].mean().item())
    assert abs(shares[1] - 0.5) < 0.2 < 0.4 < abs(shares[0] - 0.5)


def test_dcmd_labels_reach_the_appearance_branch_alone() -> None:
    student, teacher, batch = make_pair()
    loss = build("dcmd", feature_weight=0.0)
    loss(student, teacher, batch).backward()
    reference = loss.motion[0].weight.grad.clone()
    loss.zero_grad()
    loss(student, teacher, replace(batch, labels=1 - batch.labels)).backward()
    close(loss.motion[0].weight.grad, reference)
    unlabelled = replace(batch, labelled=torch.zeros(3, dtype=torch.bool))
    loss.zero_grad(set_to_none=True)
    loss(student, teacher, unlabelled).backward()
    assert loss.appearance[0].weight.grad is None or loss.appearance[0].weight.grad.abs().sum() == 0


def test_pkd_foresight_grows_and_matches_the_shifted_teacher() -> None:
    student, teacher, batch = make_pair()
    loss = build("pkd", horizon=3, steps_per_snippet=2).train()
    nodes = loss.auxiliary(student.features)
    now = loss.present(torch.cat([student.features, nodes], -1))
    coming = loss.future(nodes).unflatten(-1, (3, -1))
    places = batch.mask.nonzero().tolist()
    present = torch.stack([((now[b, t] - teacher.features[b, t]) ** 2).mean() for b, t in places]).mean()
    for step in range(7):
        reach = min(3, 1 + step // 2)
        errors = [
            ((coming[b, t, d - 1] - teacher.features[b, t + d]) ** 2).mean()
            for b, t in places
            for d in range(1, reach + 1)
            if [b, t + d] in places
        ]
        close(loss(student, teacher, batch), present + torch.stack(errors).mean())
    steps = loss.steps.clone()
    loss.eval()(student, teacher, batch)
    assert loss.steps == steps == 7
