"""Datasets on disk, snippet features, and the batches made from them."""
