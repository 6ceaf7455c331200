"""In which order people look at suggestions.

Four orders: near the threshold first, where two models disagree most, where boundaries are in doubt, or by chance. All
are spread over the videos. In the first three, every seventh suggestion is drawn from the others by chance and judged
*blind*: the page does not show what the model thinks of it. People who only see doubtful events never learn of
confident mistakes, and what they say about the drawn ones is an unbiased estimate of how often the model is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, get_args

from augrgb.core.seeds import rng_at
from augrgb.server.review.suggestions import Suggestion

Order = Literal["threshold", "disagreement", "boundaries", "chance"]
ORDERS: tuple[Order, ...] = get_args(Order)
USUAL_ORDER: Order = "threshold"
"""What the page begins with. None of the orders has been shown to be the best, see docs/benchmarks.md."""
_SPREAD = 0.03
_RANDOM_EVERY = 7


def _side(one: Suggestion) -> str:
    return f"score {one.score:.2f}, {one.distance:.2f} {'above' if one.found else 'below'} the threshold"


def _disagreement(one: Suggestion) -> tuple[float, str]:
    if one.disagreement is None:
        return 1.0 + one.distance, _side(one)
    return 1.0 - one.disagreement, f"two models differ by {one.disagreement:.2f}"


_DOUBT: MappingProxyType[Order, Callable[[Suggestion], tuple[float, str]]] = MappingProxyType(
    {
        "threshold": lambda one: (one.distance, _side(one)),
        "disagreement": _disagreement,
        "boundaries": lambda one: (1.0 - one.unsureness, f"{one.unsureness:.0%} of its time is in doubt"),
    }
)
"""By order: how early a suggestion comes (the lower, the earlier), and why."""


def in_order(suggestions: Sequence[Suggestion], order: Order = USUAL_ORDER) -> list[Suggestion]:
    """Suggestions in the order in which they are worth a look.

    The result does not depend on the order of the arguments.

    Args:
        suggestions: Of any videos.
        order: See the module.
    """
    fixed = sorted(suggestions, key=lambda one: (one.video, one.start_s, one.end_s, one.label))
    rng = rng_at(len(fixed), "review")
    if order == "chance":
        return [_drawn(fixed[place]) for place in rng.permutation(len(fixed)).tolist()]
    doubt = _DOUBT[order]
    by_video: dict[str, int] = {}
    keyed: list[tuple[float, Suggestion]] = []
    for one in sorted(fixed, key=lambda one: doubt(one)[0]):
        value, reason = doubt(one)
        rank = by_video[one.video] = by_video.get(one.video, -1) + 1
        keyed.append((value + _SPREAD * rank, replace(one, reason=reason)))
    waiting = [one for _, one in sorted(keyed, key=lambda entry: entry[0])]
    ordered: list[Suggestion] = []
    while waiting:
        if len(ordered) % _RANDOM_EVERY == _RANDOM_EVERY - 1:
            ordered.append(_drawn(waiting.pop(int(rng.integers(len(waiting))))))
        else:
            ordered.append(waiting.pop(0))
    return ordered


def _drawn(one: Suggestion) -> Suggestion:
    return replace(one, reason="by chance", blind=True)
