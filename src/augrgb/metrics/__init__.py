"""Metrics of temporal action detection: pure NumPy functions and the catalogue of named protocols."""
