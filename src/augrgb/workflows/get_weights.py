"""`augrgb weights get`: fetch named weights, run their self-test, and make an encoder folder of them if asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.weights.cache import entry_file, weights_entry
from augrgb.weights.entry import WeightsEntry
from augrgb.weights.self_tests import TfliteTest, check_tflite


@dataclass(frozen=True)
class GotWeights:
    """Weights that are in the cache now.

    Args:
        entry: What the catalog knows about them.
        file: In the cache.
        difference: Of the self-test from the expected numbers; None where none are known, or the test did not run.
        tested: Whether a self-test ran.
        folder: The encoder folder that was written, if any.
    """

    entry: WeightsEntry
    file: Path
    difference: float | None
    tested: bool = True
    folder: Path | None = None


def get_weights(
    name: str, out: Path | None = None, *, clock: Clock | None = None, sha256: str | None = None
) -> GotWeights:
    """Fetch, check and test named weights.

    A network for TensorFlow Lite is tested where the package that runs it is installed.

    Args:
        name: Of the catalog.
        out: Encoder folder to write, for `extract` and `train-encoder`.
        clock: Of that folder.
        sha256: Of the published file, for weights that the catalog knows without their hash.

    Raises:
        UsageFault: E-CFG-003 (`sha256` other than the catalog's, or `out` for what is no encoder).
        AugrgbError: See `weights_file`, `self_test` and `check_tflite`.
    """
    entry = weights_entry(name)
    if sha256 is not None:
        if entry.sha256 and entry.sha256 != sha256.strip().lower():
            raise UsageFault("E-CFG-003", "--sha256", f"the catalog has {entry.sha256}", "Leave it out.")
        entry = replace(entry, sha256=sha256.strip().lower())
    if out is not None and not entry.encoder:
        raise UsageFault("E-CFG-003", "--out", f"{name} is not an encoder", "Leave the option out.")
    file = entry_file(entry)
    if isinstance(entry.test, TfliteTest):
        from importlib.util import find_spec

        if find_spec("ai_edge_litert") is None:
            return GotWeights(entry, file, None, tested=False)
        return GotWeights(entry, file, check_tflite(file, entry.test))
    from augrgb.encoders.files import save_encoder
    from augrgb.encoders.import_weights import CARD
    from augrgb.encoders.pretrained import card_of, encoder_of, tested_encoder, usual_settings
    from augrgb.encoders.weight_card import self_test, write_card

    card = card_of(entry)
    result = self_test(tested_encoder(entry), card)
    if out is not None:
        encoder = encoder_of(entry)
        unknown = replace(card, self_test=replace(card.self_test, expected=()))  # frames are normalized there
        card = replace(card, self_test=replace(card.self_test, expected=self_test(encoder, unknown).features))
        # The description of the folder is written last, so a folder that opens has its card.
        write_card(out / CARD, card)
        save_encoder(out, encoder, usual_settings(entry, clock))
    return GotWeights(entry, file, result.difference, folder=out)
