"""Class colors: fixed by the class's place in the dataset, legible on white and on dark paper, never the only cue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

PAPER = "#ffffff"
DARK_PAPER = "#15181d"

# Each has a contrast of at least 3 with both papers (WCAG 1.4.11); neighbours differ in hue.
CLASS_COLORS = (
    "#3f74bd",
    "#cf6d1f",
    "#2f8f60",
    "#c4515f",
    "#7f66bb",
    "#8b6f3e",
    "#c75e9c",
    "#5d7d8e",
    "#85831d",
    "#2492a5",
    "#b07c12",
    "#6468bd",
    "#658a2a",
    "#a8559a",
    "#b9572f",
    "#458881",
)


def colors_of(classes: Sequence[str], shown: Iterable[str] = ()) -> Mapping[str, int]:
    """Index into `CLASS_COLORS` of every class; shown classes that the dataset does not list come after, sorted.

    Colors repeat after sixteen classes: lanes are labelled, so color is a help and not the key.
    """
    order = list(dict.fromkeys([*classes, *sorted(set(shown) - set(classes))]))
    return {label: place % len(CLASS_COLORS) for place, label in enumerate(order)}
