"""Nouns that every other package speaks: annotations, time, batches, errors, catalogs, safe files."""
