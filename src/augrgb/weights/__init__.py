"""Published weights by name: where they come from, how they are fetched and checked, where they are kept."""

from augrgb.weights.cache import kept_file, weights_entry, weights_file
from augrgb.weights.entries import WEIGHTS
from augrgb.weights.entry import AddressSource, WeightsEntry, WheelSource

__all__ = ["WEIGHTS", "AddressSource", "WeightsEntry", "WheelSource", "kept_file", "weights_entry", "weights_file"]
