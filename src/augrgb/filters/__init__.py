"""Temporal filters. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.core.dropout import Rows, ShardedDropout, set_rows
from augrgb.filters.gru import Gru
from augrgb.filters.linear import Linear
from augrgb.filters.ms_tct import MsTct
from augrgb.filters.ms_temba import MsTemba
from augrgb.filters.parts.temporal_filter import TemporalFilter
from augrgb.filters.pdan import Pdan
from augrgb.filters.sd_tcn import SdTcn
from augrgb.filters.tgm import Tgm
from augrgb.filters.transformer import Transformer

FILTERS = catalog(TemporalFilter, globals())  # type: ignore[type-abstract]

__all__ = [
    "FILTERS",
    "Gru",
    "Linear",
    "MsTct",
    "MsTemba",
    "Pdan",
    "Rows",
    "SdTcn",
    "ShardedDropout",
    "TemporalFilter",
    "Tgm",
    "Transformer",
    "set_rows",
]
