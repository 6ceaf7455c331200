"""Every distillation loss under one contract, and each against a naive loop written from its equation."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses import LOSSES
from augrgb.losses.parts.negatives import Snippets, TeacherBank, allowed

DIMS = StreamDims(student=5, teacher=6, classes=3, samples=4)


def make_pair(
    *,
    lengths: Any = (7, 4, 1),
    pad: int = 0,
    labelled: Any = (True, False, True),
    dims: StreamDims = DIMS,
    seed: int = 0,
) -> tuple[StreamOutput, StreamOutput, Batch]:
    generator = torch.Generator().manual_seed(seed)
    B, T = len(lengths), max(lengths, default=0) + pad
    mask = torch.zeros(B, T, dtype=torch.bool)
    values = {
        "s": (B, T, dims.student), "g": (B, T, dims.teacher), "ls": (B, T, dims.classes), "lt": (B, T, dims.classes)
    }  # fmt: skip
    tensors = {name: torch.full(shape, 1e3) for name, shape in values.items()}  # rubbish at padding
    labels = torch.zeros(B, T, dims.classes)
    for row, length in enumerate(lengths):
        mask[row, :length] = True
        for tensor in tensors.values():
            tensor[row, :length] = torch.randn(length, tensor.shape[-1], generator=generator)
        drawn = (torch.rand(length, dims.classes, generator=generator) < 0.4).float()
        labels[row, :length] = drawn * labelled[row]
    tensors["s"].requires_grad_()
    tensors["ls"].requires_grad_()
    batch = Batch(mask, labels, torch.tensor(labelled))
    return StreamOutput(tensors["s"], tensors["ls"]), StreamOutput(tensors["g"], tensors["lt"]), batch


def build(name: str, dims: StreamDims = DIMS, **options: Any) -> Any:
    torch.manual_seed(0)
    return LOSSES[name](dims, **options)


@pytest.fixture(params=sorted(LOSSES))
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_padding_never_changes_a_loss(name: Any) -> None:
    results = []
    for pad in (0, 7):
        student, teacher, batch = make_pair(pad=pad)
        loss = build(name).eval()(student, teacher, batch)
        loss.backward()
        gradient = torch.zeros(()) if student.features.grad is None else student.features.grad
        assert pad == 0 or gradient.ndim == 0 or gradient[~batch.mask].abs().max() == 0
        results.append((loss.detach(), gradient[batch.mask] if gradient.ndim else gradient))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.parametrize("lengths", [(1,), (1, 1, 1), (0, 0), (2, 0, 1)])
def test_defined_where_there_is_nothing_to_compare(name: Any, lengths: Any) -> None:
    student, teacher, batch = make_pair(lengths=lengths, labelled=(False,) * len(lengths), pad=1)
    loss = build(name)(student, teacher, batch)
    assert loss.ndim == 0 and torch.isfinite(loss)
    loss.backward()
    for tensor in (student.features, student.logits):
        assert tensor.grad is None or torch.isfinite(tensor.grad).all()
    if sum(lengths) == 0:
        assert loss == 0


def test_defined_for_constant_and_zero_features(name: Any) -> None:
    for value in (0.0, 3.3):
        student, teacher, batch = make_pair()
        with torch.no_grad():
            student.features.fill_(value)
            teacher.features.fill_(value)
        loss = build(name)(student, teacher, batch)
        loss.backward()
        assert torch.isfinite(loss)
        assert student.features.grad is None or torch.isfinite(student.features.grad).all()


def test_gradient_reaches_the_student_and_own_parameters_only(name: Any) -> None:
    student, teacher, batch = make_pair()
    loss = build(name).train()
    value = loss(student, teacher, batch)
    if name == "atomic_contrastive":
        assert value > 0
    value.backward()
    reached = [t.grad is not None and t.grad.abs().sum() > 0 for t in (student.features, student.logits)]
    assert any(reached)
    assert teacher.features.grad is None and teacher.logits.grad is None
    assert all(parameter.grad is not None for parameter in loss.parameters())


def test_unequal_and_equal_widths(name: Any) -> None:
    for teacher_width in (5, 9):
        dims = StreamDims(student=5, teacher=teacher_width, classes=3)
        assert torch.isfinite(build(name, dims)(*make_pair(dims=dims)))


def test_random_choices_follow_the_torch_seed(name: Any) -> None:
    loss = build(name)
    values = []
    for _ in range(2):
        torch.manual_seed(5)
        values.append(loss(*make_pair()))
    assert values[0] == values[1]


SAME = StreamDims(student=6, teacher=6, classes=3)
close = torch.testing.assert_close


def snippets(batch: Any) -> Any:
    return [(b, t) for b in range(len(batch.mask)) for t in range(batch.mask.shape[1]) if batch.mask[b, t]]


def is_negative(rule: Any, batch: Any, i: Any, j: Any) -> Any:
    (bi, ti), (bj, tj) = i, j
    if i == j:
        return False
    if rule == "random":
        return True
    if rule == "same_video":
        return bi == bj
    if rule == "other_videos":
        return bi != bj
    if not (batch.labelled[bi] and batch.labelled[bj]):
        return True
    yi, yj = batch.labels[bi, ti], batch.labels[bj, tj]
    if rule == "class_disjoint":
        return bool((yi != yj).any()) and not bool((yi * yj).any())
    return bool((yi != yj).any())


def contrastive_oracle(s: Any, g: Any, batch: Any, rule: Any, tau: Any) -> Any:
    places = snippets(batch)
    total = 0.0
    for i in places:
        si = F.normalize(s[i], dim=-1)
        positive = math.exp(si @ F.normalize(g[i], dim=-1) / tau)
        rest = sum(math.exp(si @ F.normalize(g[j], dim=-1) / tau) for j in places if is_negative(rule, batch, i, j))
        total -= math.log(positive / (positive + rest))
    return total / len(places)


@pytest.mark.parametrize("rule", ["different_labels", "class_disjoint", "random", "same_video", "other_videos"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_atomic_contrastive(rule: Any, symmetric: Any) -> None:
    student, teacher, batch = make_pair(lengths=(7, 4, 1, 5), labelled=(True, False, True, True), dims=SAME)
    loss = build("atomic_contrastive", SAME, negatives=rule, symmetric=symmetric, max_negatives=None)
    s, g = student.features.detach().double(), teacher.features.double()
    expected = contrastive_oracle(s, g, batch, rule, 0.1)
    if symmetric:
        expected = 0.5 * (expected + contrastive_oracle(g, s, batch, rule, 0.1))
    assert loss(student, teacher, batch).item() == pytest.approx(expected, rel=1e-4)


def test_atomic_contrastive_in_pieces_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for chunk in (2**23, 40):
        monkeypatch.setattr(import_module("augrgb.losses.atomic_contrastive"), "_CHUNK", chunk)
        student, teacher, batch = make_pair()
        loss = build("atomic_contrastive")(student, teacher, batch)
        loss.backward()
        results.append((loss.detach(), student.features.grad))
    close(results[0], results[1])


def sampled(
    most: Any, *, seed: Any = 0, negatives: Any = "different_labels", temperature: Any = 0.1, **options: Any
) -> Any:
    student, teacher, batch = make_pair(lengths=(30, 20), labelled=(True, True), **options)
    loss = build("atomic_contrastive", negatives=negatives, max_negatives=most, temperature=temperature)
    torch.manual_seed(seed)
    return loss, student, teacher, batch


@pytest.mark.parametrize("rule", ["different_labels", "class_disjoint", "random"])
def test_few_negatives_stand_for_all(rule: Any) -> None:
    values = {}
    for most in (12, None):
        drawn = []
        for seed in range(30 if most else 1):
            loss, *pair = sampled(most, seed=seed, negatives=rule, temperature=1.0)
            drawn.append(loss(*pair).detach())
        values[most] = torch.stack(drawn)
    assert values[12].std() > 0.01
    assert values[12].mean() == pytest.approx(values[None].item(), abs=0.05)


def test_sampled_negatives_against_the_formula() -> None:
    loss, student, teacher, batch = sampled(7)
    value = loss(student, teacher, batch)
    torch.manual_seed(0)
    picked = torch.randperm(50)[:7].tolist()
    places = snippets(batch)
    total = 0.0
    with torch.no_grad():
        s = {p: F.normalize(loss.project(student.features[p]), dim=0) for p in places}
        g = {p: F.normalize(teacher.features[p], dim=0) for p in places}
        for i in places:
            candidates = [places[n] for n in picked if is_negative("different_labels", batch, i, places[n])]
            total += math.log(1 + 50 / 7 * sum(math.exp(s[i] @ (g[j] - g[i]) / 0.1) for j in candidates))
    assert value.item() == pytest.approx(total / 50, rel=1e-4)


def test_snippets_that_are_not_there_are_never_candidates() -> None:
    values = []
    for rubbish in (0.0, 1e3):
        loss, student, teacher, batch = sampled(7, pad=4)
        there = torch.ones_like(batch.mask)
        there[0, 3:25] = False
        teacher.features[0, 3:25] = rubbish
        values.append(loss(student, teacher, batch.restricted_to(there)))
        values[-1].backward()
        assert student.features.grad[0, 3:25].abs().max() == 0 and student.features.grad[0, :3].abs().min() > 0
    assert values[0] == values[1]


def test_teachers_of_a_step_share_candidates_and_what_is_derived_of_the_student() -> None:
    _, student, teacher, batch = sampled(7, dims=SAME)
    student = student.sharing()
    loss = build("atomic_contrastive", SAME, max_negatives=7)
    torch.manual_seed(3)
    first = loss(student, teacher, batch)
    assert loss(student, teacher, batch) == first, "one shared output: no second draw"
    assert loss(replace(student), teacher, batch) != first


def test_label_sets_of_many_classes_are_told_apart() -> None:
    labels = torch.zeros(1, 4, 130)
    labels[0, 1, 129] = labels[0, 2, 24] = labels[0, 3, 24] = 1
    batch = replace(make_pair(lengths=(4,), labelled=(True,))[2], labels=labels)
    every = Snippets.of(batch)
    same = ~allowed("different_labels", every, every)
    assert same.int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_snippets_without_labels_compare_with_none_but_differ_from_all() -> None:
    _, _, batch = make_pair(lengths=(2, 2), labelled=(True, False))
    bank = TeacherBank(8, 1, 3)
    every = Snippets.of(replace(batch, labels=torch.zeros_like(batch.labels)))
    bank.push(torch.zeros(4, 1), every)
    assert allowed("different_labels", every, every).int().tolist() == [
        [0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]
    ]  # fmt: skip
    known = bank.content(torch.float32)[1]
    use = allowed("different_labels", every, known)
    assert torch.equal(use, ~(every.labelled[:, None] & known.labelled))


def test_no_negatives_is_zero() -> None:
    for rule in ("different_labels", "same_video", "memory_bank"):
        student, teacher, batch = make_pair(lengths=(1,), labelled=(True,))
        assert build("atomic_contrastive", negatives=rule)(student, teacher, batch) == 0


def test_memory_bank_keeps_the_newest_and_survives_saving() -> None:
    bank = TeacherBank(4, 1, 3)
    _, _, batch = make_pair(lengths=(3,), labelled=(True,))
    for start in (0, 3):
        bank.push(torch.arange(start, start + 3.0)[:, None], Snippets.of(batch))
    content, what = bank.content(torch.float32)
    assert len(content) == 4 and set(content[:, 0].tolist()) > {3.0, 4.0, 5.0}
    again = TeacherBank(4, 1, 3)
    again.load_state_dict(bank.state_dict())
    close(again.content(torch.float32)[0], content)
    assert (what.number == -1).all()


def test_memory_bank_contrasts_with_earlier_batches() -> None:
    loss = build("atomic_contrastive", negatives="memory_bank").train()
    first = make_pair(labelled=(True, True, True))
    assert loss(*first) == 0
    student, teacher, batch = make_pair(labelled=(True, True, True), seed=1)
    value = loss(student, teacher, batch)
    value.backward()
    assert value > 0 and student.features.grad.abs().sum() > 0
    before = loss.bank.count.clone()
    loss.eval()(student, teacher, batch)
    assert loss.bank.count == before, "evaluation must leave the bank alone"


def test_background_is_not_a_negative_of_background() -> None:
    _, _, batch = make_pair(lengths=(2,), labelled=(True,))
    empty = Snippets.of(replace(batch, labels=torch.zeros_like(batch.labels)))
    for rule in ("different_labels", "class_disjoint"):
        assert not allowed(rule, empty, empty).any()


def test_atomic_regression() -> None:
    for form in ("cosine", "mse"):
        student, teacher, batch = make_pair(dims=SAME)
        values = []
        for place in snippets(batch):
            s, g = student.features[place], teacher.features[place]
            values.append(1 - F.cosine_similarity(s, g, dim=0) if form == "cosine" else ((s - g) ** 2).mean())
        close(build("atomic_regression", SAME, form=form)(student, teacher, batch), torch.stack(values).mean())


def test_hint() -> None:
    student, teacher, batch = make_pair()
    loss = build("hint")
    errors = [
        (loss.project.weight @ student.features[p] + loss.project.bias - teacher.features[p]) ** 2
        for p in snippets(batch)
    ]
    close(loss(student, teacher, batch), torch.stack(errors).mean())


@pytest.mark.parametrize("form", ["paper", "scale_free", "correlation"])
def test_global_relation(form: Any) -> None:
    student, teacher, batch = make_pair(dims=SAME)
    values = []
    for row in range(len(batch.mask)):
        real = batch.mask[row]
        if real.sum() < 2:
            continue
        z = []
        for f in (student.features[row, real], teacher.features[row, real]):
            if form == "correlation":
                z.append(torch.corrcoef(f.T))
            else:
                z.append(torch.cov(f.T, correction=0))
        if form == "scale_free":
            values.append(((z[0] / z[0].norm() - z[1] / z[1].norm()) ** 2).sum())
        else:
            values.append(((z[0] - z[1]) ** 2).sum() / 36)
    close(build("global_relation", SAME, form=form)(student, teacher, batch), torch.stack(values).mean())


@pytest.mark.parametrize("form", ["paper", "scale_free", "per_channel"])
def test_boundary_saliency(form: Any) -> None:
    student, teacher, batch = make_pair(dims=SAME)
    values = []
    for row in range(len(batch.mask)):
        for t in range(int(batch.mask[row].sum()) - 1):
            changes = []
            for f in (student.features[row], teacher.features[row]):
                a, b = f[t], f[t + 1]
                if form != "paper":
                    a, b = a / a.norm() * math.sqrt(6), b / b.norm() * math.sqrt(6)
                changes.append((b - a).abs() if form == "per_channel" else (b - a).abs().sum() / 6)
            values.append(((changes[0] - changes[1]) ** 2).mean())
    close(build("boundary_saliency", SAME, form=form)(student, teacher, batch), torch.stack(values).mean())


@pytest.mark.parametrize("only_unlabelled", [False, True])
def test_logit_kd(only_unlabelled: Any) -> None:
    student, teacher, batch = make_pair()
    values = []
    for b, t in snippets(batch):
        if only_unlabelled and batch.labelled[b]:
            continue
        for s, g in zip(student.logits[b, t] / 2, teacher.logits[b, t] / 2, strict=True):
            p, q = torch.sigmoid(g), torch.sigmoid(s)
            values.append(p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log())
    loss = build("logit_kd", temperature=2.0, only_unlabelled=only_unlabelled)
    close(loss(student, teacher, batch), 4 * torch.stack(values).mean())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("atomic_regression", {}),
        ("atomic_regression", {"form": "mse"}),
        ("global_relation", {}),
        ("global_relation", {"form": "paper"}),
        ("global_relation", {"form": "correlation"}),
        ("boundary_saliency", {}),
        ("boundary_saliency", {"form": "paper"}),
        ("boundary_saliency", {"form": "per_channel"}),
        ("logit_kd", {}),
    ],
)
def test_zero_at_equality(name: Any, options: Any) -> None:
    student, _, batch = make_pair(dims=SAME)
    same = StreamOutput(student.features.detach(), student.logits.detach())
    assert build(name, SAME, **options)(student, same, batch).abs() < 1e-6


def test_contrastive_prefers_the_own_teacher_snippet() -> None:
    student, teacher, batch = make_pair(dims=SAME)
    loss = build("atomic_contrastive", SAME, max_negatives=None)
    equal = StreamOutput(teacher.features.clone(), teacher.logits)
    assert loss(equal, teacher, batch) < loss(student, teacher, batch)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("atomic_contrastive", {}),
        ("atomic_regression", {}),
        ("global_relation", {}),
        ("global_relation", {"form": "correlation"}),
        ("boundary_saliency", {}),
        ("boundary_saliency", {"form": "per_channel"}),
    ],
)
def test_scale_free_forms_do_not_see_scale(name: Any, options: Any) -> None:
    student, teacher, batch = make_pair(dims=SAME)
    loss = build(name, SAME, **options)
    scaled = (
        StreamOutput(student.features * 37.0, student.logits),
        StreamOutput(teacher.features * 0.02, teacher.logits),
    )
    close(loss(*scaled, batch), loss(student, teacher, batch), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"negatives": "memory_bank", "symmetric": True}, {"temperature": 0.0}, {"max_negatives": 0}]
)
def test_senseless_contrasts_are_refused(options: Any) -> None:
    with pytest.raises(UsageFault, match=r"bank|positive"):
        build("atomic_contrastive", DIMS, **options)


def test_a_sharp_contrast_with_an_empty_bank_is_nothing() -> None:
    student, teacher, batch = make_pair()
    loss = build("atomic_contrastive", negatives="memory_bank", temperature=0.01)
    first, second = loss(student, teacher, batch), loss(student, teacher, batch)
    assert first == 0 and second > 0


METHOD = [
    ("atomic_contrastive", {}),
    ("atomic_contrastive", {"negatives": "class_disjoint", "symmetric": True, "project": "linear"}),
    ("global_relation", {"form": "paper"}),
    ("global_relation", {"form": "scale_free"}),
    ("global_relation", {"form": "correlation"}),
    ("boundary_saliency", {"form": "paper"}),
    ("boundary_saliency", {"form": "scale_free"}),
    ("boundary_saliency", {"form": "per_channel"}),
]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("dims", [DIMS, StreamDims(student=5, teacher=5, classes=3)])
@pytest.mark.parametrize(("name", "options"), METHOD)
def test_the_method_in_a_loop_with_autocast(name: Any, options: Any, dims: Any, dtype: Any) -> None:
    size, found = 1 if options.get("form") == "paper" else 300, []  # squared lengths of 300 leave float16
    for lower in (False, True):
        student, teacher, batch = make_pair(dims=dims, pad=2)
        features = student.features.detach() * size * batch.mask[..., None]
        features = features.to(dtype).to(dtype if lower else torch.float32).requires_grad_()
        with torch.autocast("cpu", dtype, enabled=lower):
            loss = build(name, dims, **options)(StreamOutput(features, student.logits), teacher, batch)
        loss.backward()
        found.append((loss.detach(), features.grad.float() * size))
    assert found[1][0].dtype == torch.float32
    close(found[1], found[0], rtol=0.1, atol=0.05 * float(found[0][1].abs().max()))


@pytest.mark.parametrize(("name", "options"), METHOD)
def test_a_look_without_gradients_takes_none_away(name: Any, options: Any) -> None:
    gradients = []
    for looked in (False, True):
        student, teacher, batch = make_pair()
        loss = build(name, **options)
        if looked:
            with torch.no_grad():
                loss(student, teacher, batch)
        loss(student, teacher, batch).backward()
        gradients.append(student.features.grad)
    assert gradients[0].abs().max() > 0
    close(gradients[1], gradients[0])


def test_global_relation_on_a_long_video_stays_small() -> None:
    dims = StreamDims(student=4, teacher=4, classes=2)
    student, teacher, batch = make_pair(lengths=(60_000,), labelled=(False,), dims=dims)  # T^2 would be 14 GB
    assert torch.isfinite(build("global_relation", dims)(student, teacher, batch))
