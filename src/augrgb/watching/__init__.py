"""Watching a live source with a causal model: frames in, events out, for days."""
