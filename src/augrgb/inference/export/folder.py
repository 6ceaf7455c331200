"""Export folders, and running one: onnxruntime, PyAV and NumPy, without torch.

    export.json       classes, clock, sizes of frames and states, hashes of the files, measured differences
    encoder.onnx      windows (N, window, H, W, 3) uint8 -> features (N, C)
    stream.onnx       features (T, C) -> scores, logits (T, K)
    detector.onnx     both in one: windows (T, window, H, W, 3) uint8 -> scores, logits (T, K)
    step.onnx         only for filters with a look-ahead: features, real, states -> scores, logits, shown, next states
    *.pt2             the same for `torch.export.load`
    thresholds.json   the bundle's, if it has one
    sample.*          a short clip and what the bundle gave for it, for `augrgb detect --self-test`
    CARD.md           what the model is, in words

`export.json` is written last: a folder without it is not complete. The metadata of every ONNX file holds its text too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.onnx_runtime import import_onnxruntime
from augrgb.core.opening import regular_file, sha256_file
from augrgb.core.overlap import in_windows
from augrgb.core.probability import probabilities
from augrgb.core.sealed import read_sealed
from augrgb.core.timeline import Clock
from augrgb.features.pipeline import overlapped
from augrgb.inference.thresholds import read_thresholds
from augrgb.inference.training_facts import read_training_facts, with_mean
from augrgb.video.decode import DecodeReport, FrameTarget, Partial, sample_frames, sample_given_frames
from augrgb.video.frame_choice import frame_choice
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo
from augrgb.video.windows import iter_windows, warn_of_padding

EXPORT_FILE = "export.json"
SCHEMA = "augrgb.export/2"
Values = NDArray[np.float32]


@dataclass(frozen=True)
class ExportSettings:
    """What `export.json` says.

    Args:
        classes: In the order of the scores.
        clock: Time base of windows and scores.
        size: (width, height) of the frames.
        reach: Of the filter, see `TemporalFilter`.
        look_ahead: Snippets after an output that it sees, for filters that run step by step; None = no `step.onnx`.
        states: Shapes of the states of `step.onnx`; all start as zeros.
        encoder, filter: Names, for people.
        parameters: Number of weights.
        batch: Windows that go through the encoder at once.
        frames: Which frames of a window the encoder looks at.
        bundle: Hash of the weights it was made from.
        files: SHA-256 by name.
        differences: Largest difference of a score from torch, by number of snippets.
    """

    classes: tuple[str, ...]
    clock: Clock
    size: tuple[int, int]
    reach: int | None
    look_ahead: int | None
    states: tuple[tuple[int, ...], ...]
    encoder: str
    filter: str
    parameters: int
    batch: int
    frames: tuple[int, ...]
    bundle: str
    files: Mapping[str, str] = field(default_factory=dict)
    differences: Mapping[str, float] = field(default_factory=dict)


def is_export(folder: Path | str) -> bool:
    """Whether a folder is an exported model."""
    return (Path(folder) / EXPORT_FILE).is_file()


class ExportedModel:
    """An export folder, ready to run on the processor.

    Args:
        folder: The export folder.
        threads: Of onnxruntime for one network; 0 = one for each core.

    Raises:
        EnvironmentFault: E-ENV-003, onnxruntime is not installed.
        InputRefused: E-FILE-001/010, E-MOD-037 (not an export of this version), E-MOD-003 (a file was changed),
            E-MOD-024 (onnxruntime cannot load it), E-MOD-019 (thresholds).
    """

    def __init__(self, folder: Path | str, *, threads: int = 0) -> None:
        self.folder, self.threads = Path(folder), threads
        path = self.folder / EXPORT_FILE
        remedy = "Run `augrgb export` again."
        self.settings = read_sealed(
            path, SCHEMA, ExportSettings, what="exported model", code="E-MOD-037", remedy=remedy
        )
        self.thresholds = read_thresholds(self.folder, self.classes)
        self.training = read_training_facts(self.folder)
        self._encoder, self._stream = self.session("encoder"), self.session("stream")

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the scores."""
        return self.settings.classes

    @property
    def clock(self) -> Clock:
        """Time base of the scores."""
        return self.settings.clock

    @property
    def checksum(self) -> str:
        """Hash of the weights."""
        return self.settings.bundle

    def facts(self) -> tuple[tuple[str, str], ...]:
        """The model in words, for pages."""
        return (
            ("model", self.folder.name),
            ("input", "rgb"),
            ("encoder", f"{self.settings.encoder}, exported"),
            ("temporal filter", self.settings.filter),
            ("parameters", f"{self.settings.parameters / 1e6:.2f} million"),
            ("classes", str(len(self.classes))),
            ("runtime", "onnxruntime"),
        )

    def session(self, part: str) -> Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]:
        """One of the networks: inputs by name -> outputs in order."""
        path = self.folder / f"{part}.onnx"
        if not path.is_file() or sha256_file(path) != self.settings.files.get(path.name):
            raise InputRefused("E-MOD-003", path, "is absent, or not the file that export.json lists", "Export again.")
        return onnx_session(path, self.threads)

    def file_scores(
        self,
        path: Path,
        *,
        partial: Partial = "refuse",
        report: DecodeReport,
        thumbnails: Thumbnails | None = None,
        opened: Callable[[VideoInfo], object] | None = None,
    ) -> NDArray[np.float64]:
        """Raw scores (T, K) of a file; see `Bundle.file_scores`."""
        frames = sample_frames(
            path, self.clock.fps, self._targets, partial=partial, report=report, thumbnails=thumbnails, opened=opened
        )
        scores = self._scores(frames, path, report)
        warn_of_padding(path, report, self.clock)
        return scores

    def frame_scores(
        self, frames: Iterable[NDArray[np.uint8]], fps: float, *, report: DecodeReport
    ) -> NDArray[np.float64]:
        """Raw scores (T, K) of decoded frames."""
        sampled = sample_given_frames(frames, fps, self.clock.fps, self._targets, report=report)
        return self._scores(sampled, "frames", report)

    def encode(self, windows: NDArray[np.uint8]) -> Values:
        """Features of windows (N, window, H, W, 3), always `batch` together so that neighbors change nothing."""
        batch = self.settings.batch
        found = []
        for start in range(0, len(windows), batch):
            numbers = np.minimum(np.arange(start, start + batch), len(windows) - 1)
            found.append(self._encoder({"windows": windows[numbers]})[0][: len(windows) - start])
        return np.concatenate(found)

    def encode_exactly(self, windows: NDArray[np.uint8]) -> Values:
        """Features of these windows and no more: for a live source, where each snippet comes alone."""
        return np.asarray(self._encoder({"windows": windows})[0])

    @property
    def _targets(self) -> tuple[FrameTarget, ...]:
        return (FrameTarget(self.settings.size, choice=frame_choice(self.clock, self.settings.frames)),)

    def _scores(
        self, frames: Iterable[tuple[NDArray[Any], ...]], where: object, report: DecodeReport
    ) -> NDArray[np.float64]:
        windows = functools.partial(iter_windows, clock=self.clock, chunk=self.settings.batch)
        pieces = with_mean(self._features(overlapped(frames, [(0, windows)]), where), report)

        def run(features: Values) -> NDArray[np.float64]:
            return probabilities(self._stream({"features": features})[1])

        return in_windows(run, pieces, reach=self.settings.reach)

    def _features(self, chunks: Any, where: object) -> Iterator[Values]:
        empty = True
        try:
            for _, chunk in chunks:
                empty = False
                yield self.encode(chunk)
        finally:
            chunks.close()
        if empty:
            raise InputRefused("E-FEA-006", where, f"too short for one snippet of {self.clock}")


def onnx_session(path: Path, threads: int = 0) -> Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]:
    """Load an ONNX file; threads that wait do not spin.

    Raises:
        EnvironmentFault: E-ENV-003, onnxruntime is not installed.
        InputRefused: E-MOD-024, it cannot be loaded.
    """
    onnxruntime = import_onnxruntime(path, "exported models need", "runtime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    regular_file(path, "model file")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common base but this
        problem = f"cannot be loaded by onnxruntime {onnxruntime.__version__} ({str(error)[:200]})"
        raise InputRefused("E-MOD-024", path, problem, "Update onnxruntime, or export again.") from error

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        return list(session.run(None, dict(inputs)))

    return run
