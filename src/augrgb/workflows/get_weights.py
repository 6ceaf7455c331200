"""`augrgb weights get`: fetch named weights, run their self-test, and make an encoder folder of them if asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from augrgb.core.timeline import Clock
from augrgb.encoders.weights.cache import weights_entry, weights_file
from augrgb.encoders.weights.entry import WeightsEntry


@dataclass(frozen=True)
class GotWeights:
    """Weights that are in the cache now.

    Args:
        file: In the cache.
        difference: Of the self-test from the expected numbers.
        folder: The encoder folder that was written, if any.
    """

    entry: WeightsEntry
    file: Path
    difference: float | None
    folder: Path | None = None


def get_weights(name: str, out: Path | None = None, *, clock: Clock | None = None) -> GotWeights:
    """Fetch, check and test named weights.

    Args:
        name: Of the catalog.
        out: Encoder folder to write, for `extract` and `train-encoder`.
        clock: Of that folder.

    Raises:
        AugrgbError: See `weights_file`, `self_test`.
    """
    entry = weights_entry(name)
    file = weights_file(name)
    from augrgb.encoders.files import save_encoder
    from augrgb.encoders.import_weights import CARD
    from augrgb.encoders.pretrained import card_of, pretrained_encoder, usual_settings
    from augrgb.encoders.weight_card import self_test, write_card

    encoder, card = pretrained_encoder(name), card_of(entry)
    difference = self_test(encoder, card).difference
    if out is not None:
        # The description of the folder is written last, so a folder that opens has its card.
        write_card(out / CARD, card)
        save_encoder(out, encoder, usual_settings(entry, clock))
    return GotWeights(entry, file, difference, out)
