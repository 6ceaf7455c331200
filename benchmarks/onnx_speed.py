"""An exported model against torch, and int8 forms of its encoder against its float form, on one thread.

    python benchmarks/onnx_speed.py [--model RUN] [--encoder small_rgb|efficientnet_lite] [--runs 9]

Parts run in turn on the same windows; median of the ratios. int8: dynamic, and static (QDQ, per channel, calibrated on
the windows); "differ" is the largest difference of a feature over the largest feature.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from detect_cost import CLOCK, SETTINGS
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.inference import load_bundle
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.inference.export.folder import ExportedModel, onnx_session
from augrgb.inference.export.write import export_bundle
from augrgb.streams.files import StreamSettings, build_stream, save_stream
from augrgb.streams.predict import predict


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Gives the windows once."""

    def __init__(self, windows: np.ndarray[Any, Any]) -> None:
        self.waiting = [{"windows": windows}]

    def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
        """The next input, None at the end."""
        return self.waiting.pop() if self.waiting else None


def make_model(folder: Path, name: str) -> Path:
    """Random weights."""
    torch.manual_seed(0)
    encoder = ENCODERS[name]()
    side = getattr(encoder, "side", None)
    save_encoder(folder / ENCODER_FOLDER, encoder, EncoderSettings(CLOCK, (side, side) if side else (64, 48)))
    settings = StreamSettings("rgb", "sd_tcn", encoder.dim, SETTINGS.classes, CLOCK, {"layers": 5, "width": 128})
    save_stream(folder, build_stream(settings), settings)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--encoder", default="small_rgb")
    parser.add_argument("--runs", type=int, default=9)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = given.model or make_model(folder / "model", given.encoder)
        export_bundle(model, folder / "exported")
        bundle, exported = load_bundle(model, "cpu"), ExportedModel(folder / "exported", threads=1)
        encoder, size = bundle.encoder.encoder, bundle.encoder.settings.size or (64, 48)
        shape = (encoder.batch, bundle.clock.window, size[1], size[0], 3)
        windows = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        features = np.random.default_rng(1).normal(size=(1024, encoder.dim)).astype(np.float32)
        stream = exported.session("stream")
        works: dict[str, Callable[[], Any]] = {
            "encoder, torch": lambda: encode_windows(encoder, windows),
            "encoder, onnx": lambda: exported.encode(windows),
            "filter, torch": lambda: predict(bundle.stream.stream, features),
            "filter, onnx": lambda: stream({"features": features})[0],
        }
        prepared = folder / "prepared.onnx"
        quant_pre_process(str(folder / "exported" / "encoder.onnx"), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(prepared, folder / "dynamic.onnx", weight_type=QuantType.QInt8)
        quantize_static(prepared, folder / "static.onnx", Calibration(windows), per_channel=True)
        expected = exported.encode(windows)
        for kind in ("dynamic", "static"):
            try:
                run = onnx_session(folder / f"{kind}.onnx", 1)
                difference = np.abs(run({"windows": windows})[0] - expected).max() / np.abs(expected).max()
            except Exception as error:  # noqa: BLE001 - whatever onnxruntime lacks
                print(f"int8 {kind}: does not run on onnxruntime {onnxruntime.__version__} ({str(error)[:90]})")
                continue
            print(f"int8 {kind}: features differ by {difference:.3f}")
            works[f"encoder, int8 {kind}"] = lambda run=run: run({"windows": windows})
        times: dict[str, list[float]] = {key: [] for key in works}
        for turn in range(given.runs + 1):  # the first warms up
            for key, work in works.items():
                began = time.process_time()
                work()
                if turn:
                    times[key].append(time.process_time() - began)
        for key, values in times.items():
            base = "filter, torch" if key.startswith("filter") else "encoder, torch"
            base = "encoder, onnx" if "int8" in key else base
            ratio = statistics.median(one / other for one, other in zip(values, times[base], strict=True))
            print(f"{key:24} {1e3 * statistics.median(values):8.1f} ms  {ratio:.2f} of {base}")


if __name__ == "__main__":
    main()
