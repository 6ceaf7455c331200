"""Parsers and helpers that the annotation formats share."""
