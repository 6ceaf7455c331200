"""Teach an RGB-only video network to see what flow and pose see (Dai, Das, Bremond, ICCV 2021)."""

__version__ = "0.1.0"
