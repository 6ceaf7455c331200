"""Annotations and the videos they mean: by which id, of what rate and length, and where their times begin."""
