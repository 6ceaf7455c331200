"""Published PyTorch weights -> an encoder folder: pinned by hash, read in a sandboxed process, checked, tested."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from augrgb.core.catalog import check_choice, check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import disk_faults, existing_parent
from augrgb.core.nested import merge
from augrgb.core.opening import sha256_file
from augrgb.core.timeline import Clock
from augrgb.core.weights import build_alike, check_state, read_weights
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.i3d import FLOW_RANGE_PIXELS
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS
from augrgb.encoders.weight_card import WeightCard, self_test, write_card
from augrgb.parallel.walled_child import convert_in_child

CARD = "card.json"


@dataclass(frozen=True, slots=True)
class _Published:
    """How the published weights of an encoder are laid out, and what they are used with.

    Args:
        classifier: Beginning of the names that are left out.
        clock: What they were trained for, as far as one clock can say.
        size: (width, height) of frames.
        options: Of the encoder, where not the defaults.
        prefix: Before the other names.
        renames: Regular expressions in the other names, and what replaces them, in order.
    """

    classifier: str
    clock: Clock
    size: tuple[int, int] | None
    options: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    renames: tuple[tuple[str, str], ...] = ()


_KINECT = LAYOUTS["kinect25"]
_SKELETON = {"names": _KINECT.names, "parents": _KINECT.parents, "persons": 2, "norm": "stored"}
_EFFICIENTNET = (
    (r"^_conv_stem", "stem.conv"),
    (r"^_bn0", "stem.norm"),
    (r"^_conv_head", "head.conv"),
    (r"^_bn1", "head.norm"),
    (r"^_blocks", "blocks"),
    (r"_(expand|depthwise|project)_conv", r"\1.conv"),
    (r"_bn0", "expand.norm"),
    (r"_bn1", "depthwise.norm"),
    (r"_bn2", "project.norm"),
)
PUBLISHED = {
    "i3d_rgb": _Published("logits.", Clock(25.0, 16, 16), (340, 256)),
    "i3d_flow": _Published(
        "logits.", Clock(25.0, 16, 16), (340, 256), {"flow": {"method": "tvl1", "bound": FLOW_RANGE_PIXELS}}
    ),
    "agcn": _Published(
        "fc.",
        Clock(30.0, 32, 8),
        None,
        {**_SKELETON, "axes": "spine_each"},
    ),
    "stgcn_pp": _Published("cls_head.", Clock(30.0, 32, 8), None, {**_SKELETON, "axes": "spine"}, "backbone."),
    "efficientnet_lite": _Published("_fc.", Clock(16.0, 16, 8), (320, 240), renames=_EFFICIENTNET),
}
"""Encoders with published weights."""


def import_weights(
    source: Path,
    encoder: str,
    target: Path,
    *,
    sha256: str,
    trust: bool = False,
    card: WeightCard | None = None,
    options: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
    size: tuple[int, int] | None = None,
    memory_mib: int | None = None,
    timeout_s: float = 300.0,
) -> WeightCard:
    """Make an encoder folder, with a `card.json`, of a published `.pt` file; nothing is written if a check fails.

    Args:
        source: A PyTorch file that holds nothing but named tensors.
        encoder: `i3d_rgb`, `i3d_flow`, `agcn`, `stgcn_pp` or `efficientnet_lite`.
        target: The encoder folder to write; `extract` takes it as it is.
        sha256: Hex SHA-256 that the file must have, from where it was published.
        trust: Allow reading a pickle.
        card: What is known about the weights; its numbers must come out. Without one, the test is only that the
            features are not constant.
        options: Of the encoder, over those that published weights usually need (of `i3d_flow`: TV-L1 flow up to 20
            pixels, which extraction makes with the extra `tvl1`; `{"flow": {"method": "dis"}}` avoids that dependency).
        clock: Frame rate and windows for extraction; default 25 fps and 16 frames (poses: 30 fps, 32 frames, stride 8).
        size: (width, height) of frames for extraction; default 340 x 256.
        memory_mib: Memory of the reading process; default three times the file and 512 MiB.
        timeout_s: How long it may read.

    Returns:
        The card that was written: with the features of the self-test, so that any copy can be tested again.

    Raises:
        UsageFault: E-CFG-002 (no published weights are known for that encoder), E-MOD-015 (no `trust`).
        InputRefused: E-FILE-001 (no such file), E-MOD-003 (another hash), E-MOD-001/011 (cannot be read safely),
            E-MOD-002 (names or shapes differ), E-MOD-004/012/013/014 (see `self_test`).
        EnvironmentFault: The disk is full, read-only or forbidden.
    """
    source, target = Path(source), Path(target)
    check_choice({name: ENCODERS[name] for name in PUBLISHED}, encoder, "encoder with published weights", "import")
    published = PUBLISHED[encoder]
    if not trust:
        raise UsageFault(
            "E-MOD-015",
            source,
            "is a pickle, which is read only with permission",
            "Pass --trust if you know its source.",
        )
    checksum = checked_hash(source, sha256)
    if card is not None and card.sha256.lower() != checksum:
        raise InputRefused("E-MOD-003", source, f"the card {card.name} is of a file with SHA-256 {card.sha256[:16]}...")
    chosen = check_options(ENCODERS, encoder, merge(published.options, options or {}), "encoder", "import")
    state = encoder_state(encoder, read_pickle(source, target, memory_mib, timeout_s))
    model = build_alike(source, state, lambda: ENCODERS[encoder](**chosen))
    check_state(source, state, model.state_dict())
    model.load_state_dict(state)
    model.eval().requires_grad_(False)
    card = card or WeightCard(source.stem, encoder, "", checksum, "unknown")
    result = self_test(model, card)
    card = replace(card, self_test=replace(card.self_test, expected=card.self_test.expected or result.features))
    frames = None if model.modality == "pose" else size or published.size
    notes = {"weights": card.name, "source": card.source_url, "license": card.license, "sha256": checksum}
    # The description of the folder is written last, so a folder that opens has its card.
    write_card(target / CARD, card)
    save_encoder(target, model, EncoderSettings(clock or published.clock, frames, (), notes))
    return card


def checked_hash(source: Path, sha256: str | None) -> str:
    """Hex SHA-256 of a file, which must be the given one (E-FILE-001, E-MOD-003); None takes any."""
    if not source.is_file():
        raise InputRefused("E-FILE-001", source, "no such weights file")
    found = sha256_file(source)
    if sha256 is not None and found != sha256.strip().lower():
        problem = f"SHA-256 is {found}, expected {sha256.strip().lower()}"
        raise InputRefused("E-MOD-003", source, problem, "Download it again, or ask its publisher for the right hash.")
    return found


def read_pickle(source: Path, target: Path, memory_mib: int | None, timeout_s: float) -> dict[str, Tensor]:
    """Tensors of a pickled file, converted by the sandboxed process in a folder beside `target`."""
    memory_mib = memory_mib if memory_mib is not None else 512 + 3 * (source.stat().st_size // 2**20 + 1)
    parent = existing_parent(target)
    with disk_faults(target), tempfile.TemporaryDirectory(prefix=".import-", dir=parent) as folder:
        converted = Path(folder) / "tensors.safetensors"
        convert_in_child(source, converted, memory_mib=memory_mib, timeout_s=timeout_s)
        return {name: tensor.clone() for name, tensor in read_weights(converted).items()}


def encoder_state(encoder: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published tensors under the encoder's names; without the classifier, and the batch counters of newer files."""
    published = PUBLISHED[encoder]
    kept: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name.startswith(published.classifier) or name.endswith(".num_batches_tracked"):
            continue
        name = name.removeprefix(published.prefix)
        for pattern, ours in published.renames:
            name = re.sub(pattern, ours, name)
        kept[f"net.{name}"] = tensor
    return kept
