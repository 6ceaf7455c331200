"""How an encoder with given weights is tuned where nobody says otherwise: by `augrgb fit`, and the recipe of `init`."""

from __future__ import annotations

TUNED_WEIGHTS = "efficientnet_lite0"
TUNED_FROZEN = ("net.stem.*", "net.blocks.[0-9].*", "net.blocks.1[0-2].*")
"""All but the last three blocks and the classifier, as patterns of `init.freeze`."""
TUNED_STEPS = 300
TUNED_BATCH = 16
"""Snippets in a batch."""
TUNED_LEARNING_RATE = 3e-4
