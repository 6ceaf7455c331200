"""Frozen networks that a student learns from: cached outputs, mixing, snippet and joint targets."""
