"""Losses in anyone's loop: plain tensors, functions, a batch that is only a mask, and separate backward passes."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

import augrgb.losses
from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.catalog import options_model
from augrgb.core.errors import UsageFault
from augrgb.losses import LOSSES, AtomicContrastive
from support.loss_pairs import make_pair

SAME = StreamDims(student=6, teacher=6, classes=3)
BOTH = {"mtut", "fsp", "dcmd", "graph_distillation"}  # look at features and logits
LEARNED = {"admd", "crd", "dcmd", "ft", "graph_distillation", "hint", "pkd", "pose_induction", "vid"}


@pytest.fixture(params=sorted(LOSSES))
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


def plain(name: Any, output: Any) -> Any:
    return output.logits if LOSSES[name].compares == "scores" else output.features


def test_sizes_by_name_build_the_same_module(name: Any) -> None:
    values = []
    for arguments, sizes in (((SAME,), {}), ((), {"student": 6, "teacher": 6, "classes": 3})):
        torch.manual_seed(0)
        loss = LOSSES[name](*arguments, **sizes)
        torch.manual_seed(1)
        values.append(loss(*make_pair(dims=SAME)))
        assert loss.dims == SAME
    assert values[0] == values[1]


def test_missing_sizes_are_named(name: Any) -> None:
    needed = LOSSES[name].needs
    options = {"form": "program"} if name == "ft" else {"layers": "hidden"} if name == "fsp" else {}
    if not needed:
        LOSSES[name](**options)
        return
    with pytest.raises(UsageFault, match=f"E-MOD-033 {name}: needs {needed[0]}="):
        LOSSES[name]()
    LOSSES[name](**dict.fromkeys(needed, 4))


def test_sizes_are_not_options(name: Any) -> None:
    assert not {"student", "teacher", "classes", "samples", "sizes"} & set(options_model(LOSSES[name]).model_fields)


def test_plain_tensors_give_the_same_as_outputs(name: Any) -> None:
    student, teacher, batch = make_pair(dims=SAME)
    if name in BOTH:
        with pytest.raises(UsageFault, match="E-MOD-032"):
            LOSSES[name](SAME)(student.features, teacher.features, batch)
        return
    tensors = plain(name, student), plain(name, teacher)
    labels = {"labels": batch.labels, "labelled": batch.labelled}
    calls = [(student, teacher, batch), (*tensors, batch), (*tensors, batch.mask)]
    values = []
    for arguments in calls:
        torch.manual_seed(0)
        loss = LOSSES[name](SAME)
        torch.manual_seed(1)
        values.append(loss(*arguments, **(labels if arguments[-1] is batch.mask else {})))
    torch.testing.assert_close(values[1], values[0])
    torch.testing.assert_close(values[2], values[0])


def test_every_loss_has_a_function_of_its_name(name: Any) -> None:
    function, entry = getattr(augrgb.losses, name), LOSSES[name]
    assert function.__name__ == name and name in augrgb.losses.__all__
    parameters = inspect.signature(function).parameters
    assert list(parameters)[:5] == ["student", "teacher", "mask", "labels", "labelled"]
    assert list(parameters)[5:] == list(options_model(entry).model_fields)
    assert function.__doc__.startswith(inspect.getdoc(entry).split("\n")[0])
    assert "dims" not in function.__doc__ and "mask: (B, T) bool" in function.__doc__


def test_a_function_gives_what_the_module_gives(name: Any) -> None:
    student, teacher, batch = make_pair(dims=SAME)
    given = (student, teacher) if name in BOTH else (plain(name, student), plain(name, teacher))
    function = getattr(augrgb.losses, name)
    arguments = {"labels": batch.labels, "labelled": batch.labelled}
    if name in LEARNED:
        with pytest.raises(UsageFault, match=rf"E-MOD-034 {name}: learns .*augrgb\.losses\.{LOSSES[name].__name__}\("):
            function(*given, batch.mask, **arguments)
        return
    torch.manual_seed(1)
    value = function(*given, batch.mask, **arguments)
    torch.manual_seed(1)
    torch.testing.assert_close(value, LOSSES[name](SAME)(student, teacher, batch))
    value.backward()


def test_a_function_says_why_it_cannot_do_without_a_module() -> None:
    mask = torch.ones(1, 3, dtype=torch.bool)
    with pytest.raises(UsageFault, match="learns a projection between widths 4 and 5"):
        augrgb.losses.mars(torch.zeros(1, 3, 4), torch.zeros(1, 3, 5), mask)
    with pytest.raises(UsageFault, match="keeps a memory between calls"):
        s = torch.zeros(1, 3, 4)
        augrgb.losses.atomic_contrastive(s, s, mask, labels=torch.ones(1, 3, 2), negatives="memory_bank")


def test_losses_are_sent_backward_one_by_one() -> None:
    student, teacher, batch = make_pair(dims=SAME)
    losses = [LOSSES[name](SAME) for name in sorted(LOSSES)]
    gradients = []
    for together in (False, True):
        student.features.grad = student.logits.grad = None
        output = student.sharing() if together else student
        values = []
        for number, loss in enumerate(losses):
            torch.manual_seed(number)
            values.append(loss.eval()(output, teacher, batch))
            if not together:
                values.pop().backward()
        if together:
            torch.stack(values).sum().backward()
        gradients.append(student.features.grad.clone())  # type: ignore[attr-defined]
    torch.testing.assert_close(*gradients)


def test_a_batch_needs_only_a_mask() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    batch = Batch(mask=mask)
    assert batch.labels.shape == (2, 2, 0) and batch.labelled.tolist() == [False, False]
    assert batch.video_ids == ("0", "1") and batch.indices.tolist() == [0, 1] and batch.available == {}
    labels = torch.tensor([[[1], [0]], [[1], [0]]])
    assert Batch(mask, labels).labelled.all() and Batch(mask, labels).labels.dtype == torch.float32


@pytest.mark.parametrize(
    "arguments",
    [
        {"mask": torch.ones(2)},
        {"mask": torch.ones(2, 3)},
        {"mask": torch.ones(2, 3) > 0, "labels": torch.ones(2, 4, 1)},
    ],
)
def test_a_batch_that_does_not_fit_is_refused(arguments: Any) -> None:
    with pytest.raises(UsageFault, match="E-MOD-030"):
        Batch(**arguments)


def test_losses_that_need_labels_refuse_a_batch_without() -> None:
    student, teacher, batch = make_pair(dims=SAME)
    for name in ("atomic_contrastive", "admd", "dcmd", "dkd", "mtut"):
        with pytest.raises(UsageFault, match=f"E-MOD-031 {name}: needs labels"):
            LOSSES[name](SAME)(student, teacher, Batch(batch.mask))
    AtomicContrastive(SAME, negatives="random")(student, teacher, Batch(batch.mask))


def test_a_plain_tensor_of_another_shape_is_refused() -> None:
    mask, s = torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 3, 6)
    for wrong in (torch.zeros(2, 4, 6), torch.zeros(3, 6), torch.zeros(2, 3, 7)):
        with pytest.raises(UsageFault, match=r"E-MOD-030 mars: teacher: shape .* expected \(2, 3, 6\)"):
            LOSSES["mars"](SAME)(s, wrong, mask)


def test_an_output_needs_no_logits() -> None:
    output = StreamOutput(torch.zeros(2, 3, 6))
    assert output.logits.shape == (2, 3, 0) and output.sharing().logits.shape == (2, 3, 0)
