"""Published weights by name: where they come from, how they are fetched and checked, where they are kept."""

from augrgb.encoders.weights.cache import weights_file
from augrgb.encoders.weights.entries import WEIGHTS
from augrgb.encoders.weights.entry import WeightsEntry, WheelSource

__all__ = ["WEIGHTS", "WeightsEntry", "WheelSource", "weights_file"]
