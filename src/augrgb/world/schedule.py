"""People with habits, and what they do when: two independent chains of events with idle time in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augrgb.core.seeds import rng_at
from augrgb.core.types import Event
from augrgb.world.actions import ACTIONS, Action, Body
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import Proportions


@dataclass(frozen=True, slots=True)
class Subject:
    """One simulated person.

    Args:
        name: For example `S01`.
        proportions: Body measures.
        tempo: Factor on speed; 1 = average.
        amplitude: Factor on the size of movements.
        right_handed: Probability of using the right hand where an action leaves the choice.
        posture_seed: Determines this person's way of doing each action.
        fidget: Factor on idle movement.
    """

    name: str
    proportions: Proportions
    tempo: float
    amplitude: float
    right_handed: float
    posture_seed: int
    fidget: float


@dataclass(frozen=True, slots=True)
class Planned:
    """One event to be performed.

    Args:
        action: What.
        start_s, end_s: When.
        side, other: Acting side and the other one, `l` or `r`.
        period_s: Cycle time.
        amplitude: Factor on all angles.
    """

    action: Action
    start_s: float
    end_s: float
    side: str
    other: str
    period_s: float
    amplitude: float


def make_subject(settings: WorldSettings, name: str) -> Subject:
    """The person called `name` in this world."""
    rng = rng_at(settings.seed, "subject", name)
    spread = settings.style_spread

    def factor(sigma: float) -> float:
        return float(np.exp(np.clip(rng.normal(), -2, 2) * sigma * spread))

    return Subject(
        name=name,
        proportions=Proportions(factor(0.05), factor(0.04), factor(0.04), factor(0.06), factor(0.12)),
        tempo=factor(0.12),
        amplitude=factor(0.09),
        right_handed=0.85 if rng.random() < 0.7 else 0.15,
        posture_seed=int(rng.integers(2**31)),
        fidget=factor(0.3),
    )


def plan_events(settings: WorldSettings, subject: Subject, video_id: str) -> tuple[Planned, ...]:
    """What happens in a video: per half of the body, classes from shuffled bags with idle gaps, sorted by start."""
    rng = rng_at(settings.seed, "video", video_id, "events")
    planned: list[Planned] = []
    bodies: tuple[Body, Body] = ("lower", "upper")
    for body in bodies:
        menu = [action for action in ACTIONS if action.body == body]
        bag: list[Action] = []
        clock_s = float(rng.uniform(0.3, 2.5))
        while True:
            if not bag:
                bag = [menu[i] for i in rng.permutation(len(menu))]
            event = _perform(bag.pop(), clock_s, settings, subject, rng)
            if event.end_s > settings.duration_s - 0.3:
                break
            planned.append(event)
            clock_s = event.end_s + float(rng.uniform(0.4, 3.0))
    return tuple(sorted(planned, key=lambda event: (event.start_s, event.action.name)))


def to_annotations(planned: tuple[Planned, ...]) -> tuple[Event, ...]:
    """The events as annotations, times rounded to milliseconds."""
    return tuple(Event(p.action.name, round(p.start_s, 3), round(p.end_s, 3)) for p in planned)


def _perform(
    action: Action, start_s: float, settings: WorldSettings, subject: Subject, rng: np.random.Generator
) -> Planned:
    spread = settings.style_spread
    side = action.side or ("r" if rng.random() < subject.right_handed else "l")
    duration_s = float(rng.uniform(*action.duration_s)) / subject.tempo**0.5
    period_s = float(rng.uniform(*action.period_s)) / subject.tempo
    amplitude = subject.amplitude * float(np.exp(np.clip(rng.normal(), -2, 2) * 0.06 * spread))
    other = "l" if side == "r" else "r"
    return Planned(action, start_s, start_s + duration_s, side, other, period_s, amplitude)
