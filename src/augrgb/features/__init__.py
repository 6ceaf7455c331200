"""Snippet features: the store, the extraction of one file, aligned data for streams."""
