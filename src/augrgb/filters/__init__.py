"""Temporal filters. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.filters.dropout import Rows, ShardedDropout, set_rows
from augrgb.filters.linear import Linear
from augrgb.filters.pdan import Pdan
from augrgb.filters.sd_tcn import SdTcn
from augrgb.filters.temporal_filter import TemporalFilter

FILTERS = catalog(TemporalFilter, globals())  # type: ignore[type-abstract]

__all__ = ["FILTERS", "Linear", "Pdan", "Rows", "SdTcn", "ShardedDropout", "TemporalFilter", "set_rows"]
