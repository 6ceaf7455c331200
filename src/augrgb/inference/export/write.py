"""Writing an export folder: every part as ONNX and as a torch.export program, checked from raw file to events."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.files import check_output_folder, make_folder, move_file, write_bytes, write_text
from augrgb.core.onnx_runtime import import_onnxruntime
from augrgb.core.opening import is_file, read_bytes, resolved, sha256_file
from augrgb.core.sealed import write_sealed
from augrgb.core.timeline import Clock
from augrgb.filters import SdTcn
from augrgb.inference.bundle import Bundle
from augrgb.inference.card import CARD_FILE, MEASURED_FILE, model_card
from augrgb.inference.detector import Detector
from augrgb.inference.export.folder import EXPORT_FILE, SCHEMA, ExportSettings, onnx_session
from augrgb.inference.export.graphs import DetectorGraph, StepGraph, StreamGraph
from augrgb.inference.export.plain_encoders import EncoderGraph
from augrgb.inference.export.self_test import SAMPLE_VIDEO, run_self_test, write_sample
from augrgb.inference.thresholds import THRESHOLDS_FILE
from augrgb.inference.training_facts import FILE as TRAINING_FILE
from augrgb.video.mp4 import write_mp4

TOLERANCE = 1e-4
SNIPPETS = (1, 2, 9, 37)
"""Lengths on which an export is compared with torch."""
_SAMPLE_SNIPPETS = 9
_EXAMPLE = 37  # of the dynamic length while tracing: 0 and 1 would become constants


@dataclass(frozen=True)
class Exported:
    """The files of an export, and the largest difference of a score from torch by number of snippets."""

    files: tuple[Path, ...]
    differences: dict[int, float]


def export_bundle(folder: Path | str, out: Path | str) -> Exported:
    """Export a bundle; nothing is written unless it gives the results of the bundle.

    Args:
        folder: A bundle of an RGB encoder and any filter.
        out: The export folder, see `augrgb.inference.export.folder`.

    Raises:
        EnvironmentFault: E-ENV-003, onnx, onnxscript or onnxruntime is not installed.
        UsageFault: E-MOD-035, a model that cannot be exported; E-CFG-018, `out` is the bundle.
        InputRefused: See `load_bundle`; E-MOD-036, the results differ.
    """
    folder, out = Path(folder), Path(out)
    _need_packages(folder)
    if resolved(out) == resolved(folder):
        raise UsageFault("E-CFG-018", out, "is the bundle itself", "Choose another folder.")
    check_output_folder(out)
    detector = Detector(folder, "cpu")
    bundle = cast(Bundle, detector.bundle)
    make_folder(out.parent)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
        made = Path(name)
        settings = _write_parts(bundle, made)
        write_text(made / CARD_FILE, model_card(bundle))
        for file in (THRESHOLDS_FILE, TRAINING_FILE, MEASURED_FILE):
            if is_file(folder / file):
                write_bytes(made / file, read_bytes(folder / file))
        _write_settings(made, settings)
        differences = _compare(detector, made)
        settings = replace(settings, differences={str(count): value for count, value in differences.items()})
        _write_settings(made, settings)
        write_mp4(made / SAMPLE_VIDEO, _moving_noise(_frames(bundle.clock, _SAMPLE_SNIPPETS)), bundle.clock.fps)
        write_sample(made, detector)
        run_self_test(made)
        make_folder(out)
        (out / EXPORT_FILE).unlink(missing_ok=True)
        names = sorted(path.name for path in made.iterdir() if path.name != EXPORT_FILE)
        for file in [*names, EXPORT_FILE]:
            move_file(made / file, out / file)
    return Exported(tuple(out / file for file in [*names, EXPORT_FILE]), differences)


def _need_packages(folder: Path) -> None:
    import_onnxruntime(folder, "exporting needs", "export")
    for package in ("onnx", "onnxscript"):
        try:
            __import__(package)
        except (ImportError, OSError) as error:
            problem = f"exporting needs {package} ({error})"
            raise EnvironmentFault("E-ENV-003", folder, problem, "pip install 'augrgb[export]'") from error


def _write_parts(bundle: Bundle, out: Path) -> ExportSettings:
    size = bundle.encoder.settings.size
    stream = bundle.stream.stream.requires_grad_(False)
    encoder, whole = EncoderGraph(bundle.encoder).eval(), StreamGraph(stream).eval()
    assert size is not None  # the graph refused it
    clock, filter = bundle.clock, stream.filter
    windows = torch.zeros((_EXAMPLE, clock.window, size[1], size[0], 3), dtype=torch.uint8)
    features = torch.zeros(_EXAMPLE, bundle.encoder.encoder.dim)
    look_ahead = filter.look_ahead_snippets if isinstance(filter, SdTcn) else None
    steps = StepGraph(stream).eval() if look_ahead is not None else None
    states = steps.start() if steps is not None else ()
    settings = ExportSettings(
        classes=bundle.classes,
        clock=clock,
        size=size,
        reach=filter.reach,
        look_ahead=look_ahead,
        states=tuple(tuple(state.shape) for state in states),
        encoder=bundle.encoder.encoder.name,
        filter=bundle.stream.settings.filter,
        parameters=bundle.parameters,
        batch=bundle.encoder.encoder.batch,
        frames=tuple(bundle.encoder.encoder.frames_read(clock.window)),
        bundle=bundle.checksum,
    )
    where = bundle.folder
    texts = {"augrgb": json.dumps({"schema": SCHEMA, **asdict(settings)}), "augrgb.card": model_card(bundle)}
    write = _Writer(out, where, texts)
    write(encoder, "encoder", {"windows": windows}, ["features"])
    write(whole, "stream", {"features": features}, ["scores", "logits"])
    write(DetectorGraph(encoder, whole).eval(), "detector", {"windows": windows}, ["scores", "logits"])
    if steps is not None:
        inputs = {"features": features, "real": torch.ones(_EXAMPLE)}
        inputs |= {f"state_{number}": state for number, state in enumerate(states)}
        write(
            steps,
            "step",
            inputs,
            ["scores", "logits", "shown", *(f"next_state_{n}" for n in range(len(states)))],
            dynamic=2,
        )
    return replace(settings, files={path.name: sha256_file(path) for path in sorted(out.iterdir())})


@dataclass(frozen=True)
class _Writer:
    out: Path
    where: Path
    metadata: dict[str, str]

    def __call__(
        self, module: nn.Module, name: str, inputs: dict[str, Tensor], outputs: Sequence[str], *, dynamic: int = 1
    ) -> None:
        """One part in both forms; the first `dynamic` inputs have a free length."""
        with _quiet():
            try:
                program = _traced(module, tuple(inputs.values()), dynamic, steps=name == "step")
                program = program.run_decompositions(_DECOMPOSED)
                made = torch.onnx.export(
                    program, input_names=list(inputs), output_names=list(outputs), dynamo=True, verbose=False
                )
            except Exception as error:  # the exporters raise whatever their passes raise
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
                problem = f"the {name} cannot be exported with a free length ({reason})"
                raise UsageFault("E-MOD-035", self.where, problem, "Use the model itself; please report it.") from error
            assert made is not None
            proto = made.model_proto
            for key, text in self.metadata.items():
                proto.metadata_props.add(key=key, value=text)
            first = proto.graph.input[0].type.tensor_type.shape.dim[0]
            if not first.dim_param:
                raise UsageFault("E-MOD-035", self.where, f"the {name} was exported with a fixed length")
            write_bytes(self.out / f"{name}.onnx", proto.SerializeToString())
            buffer = io.BytesIO()
            torch.export.save(program, buffer)
            write_bytes(self.out / f"{name}.pt2", buffer.getvalue())


def _pool3d(x: Tensor, size: Sequence[int]) -> Tensor:
    """Adaptive average pooling of known sizes as slices and means, for which ONNX has words."""
    for axis, count in zip((2, 3, 4), size, strict=True):
        n = x.shape[axis]
        borders = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
        x = torch.stack([x.narrow(axis, first, last - first).mean(axis) for first, last in borders], axis)
    return x


_DECOMPOSED: dict[Any, Any] = {
    torch.ops.aten.adaptive_avg_pool3d.default: _pool3d,
    torch.ops.aten._adaptive_avg_pool3d.default: _pool3d,
}


def _traced(module: nn.Module, inputs: tuple[Tensor, ...], dynamic: int, *, steps: bool) -> Any:
    """The program of a module. Some operations trace only if lengths 0 and 1 may be told apart, others only if not."""
    from torch.fx.experimental import _config

    length = torch.export.Dim("length", min=1)
    shapes: list[Any] = [{0: length} if number < dynamic else None for number in range(len(inputs))]
    given = (*shapes[:dynamic], tuple(shapes[dynamic:])) if steps else tuple(shapes)
    try:
        return torch.export.export(module, inputs, dynamic_shapes=given, strict=False)
    except Exception:  # noqa: BLE001 - the exporters raise whatever their passes raise
        with cast(Any, _config).patch(backed_size_oblivious=True):
            return torch.export.export(module, inputs, dynamic_shapes=given, strict=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporters log what does not concern the user."""
    names = ("torch.onnx", "torch.export", "torch._export", "torch.fx", "onnxscript", "onnx_ir")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _write_settings(folder: Path, settings: ExportSettings) -> None:
    write_sealed(folder / EXPORT_FILE, SCHEMA, asdict(settings))


def _compare(detector: Detector, made: Path) -> dict[int, float]:
    """Largest differences of scores, from raw file to events, on videos of several lengths."""
    clock, there = detector.bundle.clock, Detector(made, "cpu")
    differences = {}
    for count in SNIPPETS:
        with tempfile.TemporaryDirectory() as name:
            video = Path(name) / "clip.mp4"
            write_mp4(video, _moving_noise(_frames(clock, count)), clock.fps)
            score = float(np.median(detector(video).scores))
            one, other = detector(video, min_score=score), there(video, min_score=score)
        raw = float(np.abs(one.raw_scores - other.raw_scores).max())
        differences[count] = max(raw, float(np.abs(one.scores - other.scores).max()))
        same = [(e.label, e.start_s, e.end_s) for e in one.detections] == [
            (e.label, e.start_s, e.end_s) for e in other.detections
        ]
        close = np.abs(one.scores - score).min() <= 10 * TOLERANCE  # then a rounding may move an end
        if differences[count] > TOLERANCE or not (same or close):
            found = f"scores differ by {differences[count]:.2g} on {count} snippets (at most {TOLERANCE:g})"
            problem = found if differences[count] > TOLERANCE else f"events differ on {count} snippets"
            remedy = "Use the model itself; please report it."
            if raw <= TOLERANCE < differences[count]:
                problem += f", before their calibration by {raw:.2g}: it has steep steps"
                remedy = "Calibrate by scaling: `augrgb fit` without --isotonic."
            raise InputRefused("E-MOD-036", detector.bundle.folder, problem, remedy)
    _compare_detector(detector, made)
    return differences


def _compare_detector(detector: Detector, made: Path) -> None:
    """The network that is both in one."""
    bundle = cast(Bundle, detector.bundle)
    size, run = bundle.encoder.settings.size, onnx_session(made / "detector.onnx")
    graph = DetectorGraph(EncoderGraph(bundle.encoder), StreamGraph(bundle.stream.stream)).eval()
    for count in SNIPPETS:
        shape = (count, bundle.clock.window, size[1], size[0], 3) if size else ()
        windows: NDArray[np.uint8] = np.random.default_rng(count).integers(0, 256, shape, dtype=np.uint8)
        with torch.inference_mode():
            difference = float(np.abs(run({"windows": windows})[0] - graph(torch.from_numpy(windows))[0].numpy()).max())
        if difference > TOLERANCE:
            problem = f"detector.onnx differs by {difference:.2g} on {count} snippets (at most {TOLERANCE:g})"
            raise InputRefused("E-MOD-036", bundle.folder, problem, "Use the model itself; please report it.")


def _frames(clock: Clock, snippets: int) -> int:
    return clock.offset + clock.window + (snippets - 1) * clock.stride


def _moving_noise(count: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 40, 3), dtype=np.uint8)
    texture = np.repeat(np.repeat(coarse, 10, 0), 10, 1)
    for number in range(count):
        yield np.ascontiguousarray(np.roll(texture, 3 * number, axis=1)[:, :160])
