"""Streams: a temporal filter and a classifier on one modality; their files, and what they say about a video."""

from augrgb.streams.ensemble import StreamEnsemble, load_ensemble
from augrgb.streams.files import LoadedStream, StreamSettings, build_stream, load_stream, save_stream
from augrgb.streams.predict import filter_sequence, predict
from augrgb.streams.stream import Stream

__all__ = [
    "LoadedStream",
    "Stream",
    "StreamEnsemble",
    "StreamSettings",
    "build_stream",
    "filter_sequence",
    "load_ensemble",
    "load_stream",
    "predict",
    "save_stream",
]
