"""A local folder of a Hugging Face model -> an encoder folder: checked, tested, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.plain_data import read_json
from augrgb.core.timeline import Clock
from augrgb.core.weights import build_alike, check_state, read_weights
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.hf_backbone import HfBackbone, model_settings, without_code
from augrgb.encoders.import_weights import CARD, checked_hash, read_pickle
from augrgb.encoders.parts.hf_images import read_image_settings
from augrgb.encoders.weight_card import WeightCard, self_test, write_card

_IMAGE_CLOCK = Clock(25.0, 16, 16)
_VIDEO_FPS = 7.5  # every fourth frame of 30 a second, the usual sampling of published weights
_SIZE = (340, 256)
_VIDEO_TYPES = ("videomae", "vivit", "timesformer", "vjepa2")
_WHOLE, _PICKLE, _SHARDS = "model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"


def import_hf(
    source: Path,
    target: Path,
    *,
    sha256: str | None = None,
    trust: bool = False,
    card: WeightCard | None = None,
    options: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
    size: tuple[int, int] | None = None,
    timeout_s: float = 600.0,
) -> WeightCard:
    """Make an encoder folder, with a `card.json`, of a downloaded model; nothing is written if a check fails.

    Args:
        source: A folder with `config.json`, `preprocessor_config.json` and `model.safetensors` (a lone
            `pytorch_model.bin` is a pickle: it needs `sha256` and `trust`, and is read in a sandboxed process).
        target: The encoder folder to write; it is self-contained, so the source may be deleted.
        sha256: Hex SHA-256 that the weights file must have.
        trust: Allow reading a pickle.
        card: What is known about the weights; its numbers must come out.
        options: Of the encoder `hf`, over what the folder says (`pool`, `frames`, `shortest`, ...).
        clock: Frame rate and windows for extraction; default 25 fps and 16 frames, or the frames of a video
            backbone at 7.5 fps, every 4.
        size: (width, height) of frames for extraction; default 340 x 256.

    Returns:
        The card that was written, with the features of the self-test.

    Raises:
        EnvironmentFault: E-ENV-003, `transformers` is not installed; the disk.
        UsageFault: E-MOD-015, a pickle without `sha256` and `trust`; wrong options.
        InputRefused: E-ENC-012 (no such model), E-ENC-013 (the folder lacks a file), E-ENC-014 (images), and as
            `import_weights`.
    """
    source, target = Path(source), Path(target)
    config, images, weights = model_files(source)
    config_values = without_code(_vision(read_json(config, "model configuration")))
    chosen = _options(config_values, read_image_settings(images, read_json(images, "image settings")))
    chosen = check_options(ENCODERS, HfBackbone.name, {**chosen, **(options or {})}, "encoder", "import")
    checksum, state = _read(weights, target, sha256, trust, timeout_s)
    model = build_alike(weights, state, lambda: HfBackbone(**chosen), _names_of_net)
    if card is not None and card.sha256.lower() != checksum:
        raise InputRefused(
            "E-MOD-003", weights, f"the card {card.name} is of a file with SHA-256 {card.sha256[:16]}..."
        )
    expected = model.state_dict()
    state = _renamed(state, str(getattr(model.net, "base_model_prefix", "")), expected)
    check_state(weights, state, expected)
    model.load_state_dict(state)
    model.eval().requires_grad_(False)
    card = card or WeightCard(source.name, HfBackbone.name, "", checksum, "unknown")
    card = replace(card, self_test=replace(card.self_test, frames=max(card.self_test.frames, chosen["frames"])))
    result = self_test(model, card)
    card = replace(card, self_test=replace(card.self_test, expected=card.self_test.expected or result.features))
    if clock is None:
        clock = _IMAGE_CLOCK if model.kind == "image" else Clock(_VIDEO_FPS, model.frames, max(1, model.frames // 4))
    notes = {"weights": card.name, "source": card.source_url, "license": card.license, "sha256": checksum}
    write_card(target / CARD, card)
    save_encoder(target, model, EncoderSettings(clock, size or _SIZE, (), notes))
    return card


def model_files(source: Path) -> tuple[Path, Path, Path]:
    """Configuration, image settings and weights of a model folder (E-ENC-013)."""
    if not source.is_dir():
        remedy = "Download the model on a machine with a network, and give its folder."
        raise InputRefused("E-ENC-013", source, "is not a folder", remedy)
    here = sorted(path.name for path in source.iterdir())
    weights = next((name for name in (_WHOLE, _PICKLE) if name in here), None)
    missing = [name for name in ("config.json", "preprocessor_config.json") if name not in here]
    if weights is None:
        missing.append(f"{_WHOLE} (weights in several files are not read)" if _SHARDS in here else _WHOLE)
    if missing or weights is None:
        found = f"lacks {', '.join(missing)}; it has {', '.join(here[:10]) or 'nothing'}"
        raise InputRefused("E-ENC-013", source, found, "Download these files of the model as well.")
    return source / "config.json", source / "preprocessor_config.json", source / weights


def _vision(config: Any) -> dict[str, Any]:
    """The vision part of a configuration, for models of images and text."""
    if not isinstance(config, dict):
        raise InputRefused("E-ENC-012", "config.json", "is not a mapping", "Give a model's own config.json.")
    inner = config.get("vision_config")
    if not isinstance(inner, dict):
        return config
    outer = str(config.get("model_type", ""))
    kind = str(inner.get("model_type", outer))
    return {**inner, "model_type": f"{outer}_vision_model" if kind == outer else kind}


def _options(config: dict[str, Any], images: Any) -> dict[str, Any]:
    """Options of the encoder that a model's files ask for."""
    frames = config.get("num_frames", config.get("frames_per_clip"))
    kind: Literal["image", "video"] = "video" if config.get("model_type") in _VIDEO_TYPES else "image"
    if kind == "video" and frames is None:
        settings = model_settings(config)
        frames = getattr(settings, "num_frames", None) or getattr(settings, "frames_per_clip", 16)
    pool = "mean" if kind == "video" else "pooler" if _has_pooler(str(config.get("model_type"))) else "mean"
    return {
        "config": config,
        "kind": kind,
        "frames": frames if kind == "video" else 4,
        "pool": pool,
        "height": images.height,
        "width": images.width,
        "shortest": images.shortest,
        "mean": images.mean,
        "std": images.std,
        "resample": images.resample,
    }


def _has_pooler(model_type: str) -> bool:
    """Models whose pooled output is part of what was trained; of the others the patches are averaged."""
    return model_type.startswith(("dinov2", "dinov3", "siglip", "clip", "convnext"))


def _read(
    weights: Path, target: Path, sha256: str | None, trust: bool, timeout_s: float
) -> tuple[str, dict[str, Tensor]]:
    """Checksum and tensors, floats as float32."""
    if weights.name == _PICKLE:
        if not trust or sha256 is None:
            remedy = f"Better: get {_WHOLE}. Or give its SHA-256 and trust, if you know its source."
            raise UsageFault("E-MOD-015", weights, "is a pickle, which is read only with permission", remedy)
        checksum = checked_hash(weights, sha256)
        return checksum, read_pickle(weights, target, None, timeout_s)
    checksum = checked_hash(weights, sha256)
    state = read_weights(weights)
    return checksum, {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def _names_of_net(state: Mapping[str, Tensor], model: HfBackbone, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return _renamed(state, str(getattr(model.net, "base_model_prefix", "")), expected)


def _renamed(state: Mapping[str, Tensor], prefix: str, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's names: without a head's prefix, heads, the text half, and counters."""
    if (
        prefix
        and any(name.startswith(f"{prefix}.") for name in state)
        and not any(name.startswith(f"net.{prefix}.") for name in expected)
    ):
        state = {
            name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")
        }
    tops = {name.split(".")[1] for name in expected}
    return {f"net.{name}": value for name, value in state.items() if name.split(".")[0] in tops}
