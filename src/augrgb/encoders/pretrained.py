"""Encoders with weights of the catalog (`augrgb weights list`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augrgb.core.catalog import check_options
from augrgb.core.errors import InputRefused
from augrgb.core.nested import merge
from augrgb.core.timeline import Clock
from augrgb.core.weights import check_state, read_weights
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings
from augrgb.encoders.import_weights import PUBLISHED, encoder_state
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.encoders.weight_card import WeightCard
from augrgb.weights.cache import entry_file, weights_entry
from augrgb.weights.entry import WeightsEntry
from augrgb.weights.self_tests import SelfTest


def pretrained_encoder(name: str, options: Mapping[str, Any] | None = None) -> SnippetEncoder:
    """The encoder of named weights, with these loaded, in evaluation mode; fetched if need be.

    Args:
        name: Of the weights, such as `efficientnet_lite0`.
        options: Of the encoder, over those that belong to the weights.

    Raises:
        AugrgbError: See `weights_file` and `load_pretrained`.
    """
    return encoder_of(weights_entry(name), options)


def encoder_of(entry: WeightsEntry, options: Mapping[str, Any] | None = None) -> SnippetEncoder:
    """`pretrained_encoder` of an entry that need not be in the catalog."""
    wanted = merge(usual_options(entry), options or {})
    encoder = ENCODERS[entry.encoder](**check_options(ENCODERS, entry.encoder, wanted, "encoder", entry.name))
    _load(encoder, entry)
    return encoder.eval()


def usual_options(entry: WeightsEntry) -> dict[str, Any]:
    """Options of the encoder that belong to the weights of an entry."""
    return merge(PUBLISHED[entry.encoder].options, entry.options)


def tested_encoder(entry: WeightsEntry) -> SnippetEncoder:
    """The encoder as the numbers of the self-test were made: frames as they are."""
    return encoder_of(entry, {"normalize": "none"} if "normalize" in ENCODERS[entry.encoder].data_options else {})


def load_pretrained(encoder: SnippetEncoder, name: str) -> None:
    """Give an encoder the named weights.

    Raises:
        UsageFault: E-CFG-002 (no such weights), E-MOD-094 (not fetched by this program).
        InputRefused: E-ENC-001 (of another encoder), E-ENC-002 (of other options), and see `weights_file`.
        EnvironmentFault: See `weights_file`.
    """
    entry = weights_entry(name)
    if entry.encoder != encoder.name:
        problem = f"the weights {name} are of {entry.encoder or 'no encoder'}, not of {encoder.name}"
        raise InputRefused("E-ENC-001", "init.weights", problem, "Name the same encoder, or other weights.")
    wrong = {key: value for key, value in entry.options.items() if encoder.options.get(key) != value}
    if wrong:
        problem = f"the weights {name} need {entry.encoder} with {wrong}"
        raise InputRefused("E-ENC-002", "init.weights", problem, "Change these options, or name other weights.")
    _load(encoder, entry)


def card_of(entry: WeightsEntry) -> WeightCard:
    """The weight card of an entry, with its self-test."""
    test = entry.test if isinstance(entry.test, SelfTest) else SelfTest()
    return WeightCard(entry.name, entry.encoder, entry.page, entry.sha256, entry.license, test, f"from {entry.source}")


def usual_settings(entry: WeightsEntry, clock: Clock | None = None) -> EncoderSettings:
    """Clock and frame size for extraction with the weights of an entry."""
    usual = PUBLISHED[entry.encoder]
    notes = {"weights": entry.name, "source": str(entry.source), "license": entry.license, "sha256": entry.sha256}
    return EncoderSettings(clock or usual.clock, usual.size, (), notes)


def _load(encoder: SnippetEncoder, entry: WeightsEntry) -> None:
    path = entry_file(entry)
    state = encoder_state(encoder.name, read_weights(path))
    check_state(path, state, encoder.state_dict())
    encoder.load_state_dict(state)
