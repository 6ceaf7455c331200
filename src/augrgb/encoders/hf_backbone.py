"""Video and image backbones of Hugging Face `transformers` as snippet encoders; needs the extra `hf`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.encoders.parts.brightness import Normalize, relit
from augrgb.encoders.parts.frame_choice import spaced
from augrgb.encoders.parts.hf_images import ImageSettings, prepare_images
from augrgb.encoders.snippet_encoder import SnippetEncoder, check_windows

Pool = Literal["mean", "class", "pooler"]
Resample = Literal["bilinear", "bicubic"]
_TOGETHER = 32  # images (or frames of clips) that go through the network at once where no gradients are wanted
_NEVER = (  # of other programs, or naming code or files to load
    *("auto_map", "architectures", "transformers_version", "quantization_config", "torch_dtype", "dtype"),
    *(
        "_name_or_path",
        "name_or_path",
        "id2label",
        "label2id",
        "attn_implementation",
        "_attn_implementation",
        "_attn_implementation_internal",
    ),
)
_FETCHING = ("backbone", "backbone_config", "use_timm_backbone", "use_pretrained_backbone")


class HfBackbone(SnippetEncoder):
    """Any Hugging Face video or image backbone (VideoMAE, DINOv2/v3, SigLIP, ...); made by `import-weights hf`.

    A video backbone sees the window resampled to its number of frames; an image backbone sees `frames` frames of the
    window, evenly spaced, whose features are averaged. Normalisation is per token, or by stored
    statistics, so snippets do not see each other.

    Args:
        config: The model's `config.json`, plain values, by default that of the weights it starts from. `model_type`
            chooses among the models of `transformers`, and it is rebuilt from these values alone: nothing is fetched,
            and no code named by the file is run.
        kind: `image`, or `video`, whose input has a time axis.
        frames: How many frames of a window are looked at; a video backbone's own number.
        pool: `mean` of the patches' features (of a video: of all tokens), the `class` token, or the model's own
            `pooler`.
        height, width: Of its images, pixels.
        shortest: Resize the shorter side to this and cut the middle out; null stretches whole images.
        mean, std: Of each color, in fractions of white.
        resample: Interpolation.
        normalize: `window` brings brightness and contrast of every window to usual values; `none` leaves frames as they
            are, as the published weights saw them.

    Shape: windows (N, window, H, W, 3) uint8 -> (N, hidden size).

    Raises:
        EnvironmentFault: E-ENV-003, `transformers` is not installed.
        UsageFault: E-CFG-014, no configuration.
        InputRefused: E-ENC-012, no such model in `transformers`, or one that would fetch its parts.
    """

    name = "hf"
    modality = "rgb"
    data_options = (
        "config",
        "kind",
        "frames",
        "pool",
        "height",
        "width",
        "shortest",
        "mean",
        "std",
        "resample",
        "normalize",
    )
    verified = (
        "features within 1e-4 of ten classes of transformers 4.57, from VideoMAE to DINOv3 (tiny random weights), "
        "images within two gray levels of its image processors; published weights were not available"
    )

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        kind: Literal["image", "video"] = "image",
        frames: int = 4,
        pool: Pool = "mean",
        height: int = 224,
        width: int = 224,
        shortest: int | None = None,
        mean: tuple[float, float, float] = (0.485, 0.456, 0.406),
        std: tuple[float, float, float] = (0.229, 0.224, 0.225),
        resample: Resample = "bicubic",
        normalize: Normalize = "none",
    ) -> None:
        super().__init__()
        if config is None:
            remedy = "Start from a model: `init: FOLDER` of `augrgb import-weights hf`; or give the model's config."
            raise UsageFault("E-CFG-014", "encoder.hf.config", "is required", remedy)
        if frames < 1 or min(height, width) < 1 or min(std) <= 0:
            raise UsageFault("E-CFG-003", self.name, f"frames, sides and std must be positive, got {frames}, {std}")
        self.kind, self.frames, self.pool, self.normalize = kind, frames, pool, normalize
        self.images = ImageSettings(height, width, shortest, mean, std, resample)
        self.options = {
            "config": without_code(config),
            "kind": kind,
            "frames": frames,
            "pool": pool,
            "height": height,
            "width": width,
            "shortest": shortest,
            "mean": list(mean),
            "std": list(std),
            "resample": resample,
            "normalize": normalize,
        }
        self.net = build_model(self.options["config"])
        pooler = getattr(self.net, "pooler", None)
        if pool != "pooler" and isinstance(pooler, nn.Module) and any(True for _ in pooler.parameters()):
            self.net.pooler = None  # type: ignore[assignment]  # else published weights without one would not fit
        self.dim = _width(self.net)
        self.batch = 4 if kind == "video" else 16

    def train(self, mode: bool = True) -> Self:
        """As usual, but the statistics of batch normalisation stay: snippets must not see each other."""
        super().train(mode)
        for module in self.net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def frames_read(self, window: int) -> Sequence[int]:
        """Evenly spaced ones."""
        return [int(number) for number in spaced(window, self.frames)]

    def prepare(self, windows: NDArray[Any]) -> Tensor:
        """Evenly spaced frames, resized and normalised: (N, frames, height, width, 3)."""
        check_windows(windows, np.uint8, (None, None, 3))
        seen = windows[:, spaced(windows.shape[1], self.frames)]
        return prepare_images(relit(seen, self.normalize), self.images)

    def forward(self, x: Tensor) -> Tensor:
        count, frames = x.shape[:2]
        x = x.permute(0, 1, 4, 2, 3)
        if self.kind == "image":
            x = x.flatten(0, 1)
        together = max(1, _TOGETHER // frames) if self.kind == "video" else _TOGETHER
        pieces = [x] if torch.is_grad_enabled() else list(torch.split(x, together))
        features = torch.cat([self._pooled(piece) for piece in pieces]) if count else x.new_zeros(0, self.dim)
        return features.view(count, -1, self.dim).mean(dim=1) if self.kind == "image" and count else features

    def _pooled(self, x: Tensor) -> Tensor:
        try:
            outputs = self.net(**{str(self.net.main_input_name): x})
        except TypeError as error:
            problem = f"{type(self.net).__name__} needs more inputs than images ({error})"
            raise InputRefused("E-ENC-012", "config.json", problem, "Use a plain backbone.") from error
        if self.pool == "pooler":
            pooled = getattr(outputs, "pooler_output", None)
            if pooled is None:
                raise UsageFault("E-CFG-003", "hf.pool", "this model has no pooler", "Choose mean or class.")
            return pooled.flatten(1)  # type: ignore[no-any-return]
        tokens: Tensor = outputs.last_hidden_state
        if tokens.ndim == 4:  # a convolutional network: (N, C, H, W)
            return tokens.mean(dim=(2, 3))
        return tokens[:, 0] if self.pool == "class" else tokens[:, self._extra(tokens.shape[1]) :].mean(dim=1)

    def _extra(self, count: int) -> int:
        """Class and register tokens in front of the patches."""
        patch = getattr(self.net.config, "patch_size", None)
        if self.kind == "video" or not isinstance(patch, int):
            return 0
        patches = (self.images.height // patch) * (self.images.width // patch)
        return count - patches if count > patches > 0 else 0


def without_code(config: Mapping[str, Any]) -> dict[str, Any]:
    """A model's configuration less what names code, files or precision."""
    return {
        key: without_code(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if key not in _NEVER
    }


def build_model(config: Mapping[str, Any]) -> nn.Module:
    """A model of `transformers` with random weights, from its configuration alone: no network, no remote code.

    Raises:
        EnvironmentFault: E-ENV-003, `transformers` is not installed.
        InputRefused: E-ENC-012, the configuration is not one of a plain backbone.
    """
    settings = model_settings(config)
    from transformers import AutoModel

    with _refusing(config):
        model = AutoModel.from_config(settings, trust_remote_code=False)
    assert isinstance(model, nn.Module)
    return model.float()


def model_settings(config: Mapping[str, Any]) -> Any:
    """The configuration with the defaults of `transformers` filled in; nothing is built.

    Raises:
        AugrgbError: As `build_model`.
    """
    try:
        from transformers import AutoConfig
    except (ImportError, RuntimeError, OSError) as error:
        remedy = "pip install 'augrgb[hf]'; the other encoders work without it (augrgb list)."
        raise EnvironmentFault("E-ENV-003", "transformers", f"cannot be imported ({error})", remedy) from error
    values = dict(config)
    model_type = values.pop("model_type", None)
    fetching = [key for key in _FETCHING if values.get(key)]
    if not isinstance(model_type, str) or model_type.startswith("timm") or fetching:
        named = f"model_type {model_type!r}" + (f" with {', '.join(fetching)}" if fetching else "")
        raise InputRefused("E-ENC-012", "config.json", f"{named} is not a standalone model", "Use a plain backbone.")
    with _refusing(config):
        return AutoConfig.for_model(model_type, **values)


@contextlib.contextmanager
def _refusing(config: Mapping[str, Any]) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        remedy = "Use a model that this version of transformers has, or another version."
        raise InputRefused(
            "E-ENC-012", "config.json", f"no {config.get('model_type')!r} model can be built: {lines[0][:200]}", remedy
        ) from error


def _width(model: nn.Module) -> int:
    width = getattr(model.config, "hidden_size", None) or (getattr(model.config, "hidden_sizes", None) or [None])[-1]
    if not isinstance(width, int):
        problem = f"{type(model).__name__} has no hidden_size, so the width of its features is not known"
        raise InputRefused("E-ENC-012", "config.json", problem, "Use a backbone with one hidden_size.")
    return width
