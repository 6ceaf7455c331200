"""How much of one network's features a linear map reads off another's: the thermometer of distillation.

Conventions: R2 is one minus the squared error over the squared distance from the mean of the evaluated rows, summed
over channels: 1 = exact, 0 = no better than that mean, negative = worse. Channels are standardized by the rows that the
map was fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused

Floats = NDArray[np.float64]
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
_PARTS = 5


@dataclass(frozen=True)
class LinearProbe:
    """A ridge regression from features x (N, Cx) to features y (N, Cy).

    Args:
        weights: (Cx, Cy), between standardized channels.
        x_scale, y_scale: Mean and standard deviation of each channel.
        ridge: Weight of the squared coefficients, per row.
        held_out: R2 on groups of the fitted rows that were held out in turn.
    """

    weights: Floats
    x_scale: tuple[Floats, Floats]
    y_scale: tuple[Floats, Floats]
    ridge: float
    held_out: float

    def r2(self, x: ArrayLike, y: ArrayLike) -> float:
        """How well the map predicts y from x."""
        return _r2(_scaled(x, self.x_scale) @ self.weights, _scaled(y, self.y_scale))


def fit_probe(x: ArrayLike, y: ArrayLike, groups: Sequence[object], *, ridges: Sequence[float] = RIDGES) -> LinearProbe:
    """Fit a ridge regression; of `ridges` the one that predicts held-out groups best.

    Args:
        x, y: Features (N, Cx) and (N, Cy) of the same rows.
        groups: (N,) what is held out as a whole, such as the video of each row: five parts in turn.
        ridges: To choose from.

    Raises:
        InputRefused: E-MET-001, other shapes, or fewer than two groups.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 3))
    >>> round(fit_probe(x, x @ np.ones((3, 2)), [n // 10 for n in range(100)]).held_out, 2)
    1.0
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    _, numbers = np.unique(np.asarray([str(group) for group in groups]), return_inverse=True)
    if a.ndim != 2 or b.ndim != 2 or not len(a) == len(b) == len(numbers) or len(numbers) < 2 or numbers.max() < 1:
        problem = (
            f"features {a.shape} and {b.shape}, {len(numbers)} groups; expected as many rows, of two groups or more"
        )
        raise InputRefused("E-MET-001", "linear probe", problem)
    x_scale, y_scale = _scale(a), _scale(b)
    a, b = _scaled(a, x_scale), _scaled(b, y_scale)
    part = numbers % _PARTS
    found = [
        (float(np.mean([_held_out(a, b, part == held, ridge) for held in np.unique(part)])), ridge) for ridge in ridges
    ]
    best, ridge = max(found)
    return LinearProbe(_ridge(a, b, ridge), x_scale, y_scale, ridge, float(best))


def _held_out(x: Floats, y: Floats, held: NDArray[np.bool_], ridge: float) -> float:
    return _r2(x[held] @ _ridge(x[~held], y[~held], ridge), y[held])


def _ridge(x: Floats, y: Floats, ridge: float) -> Floats:
    return np.asarray(np.linalg.solve(x.T @ x + ridge * len(x) * np.eye(x.shape[1]), x.T @ y), np.float64)


def _scale(x: Floats) -> tuple[Floats, Floats]:
    std: Floats = np.maximum(x.std(axis=0), 1e-6)
    return x.mean(axis=0), std


def _scaled(x: ArrayLike, scale: tuple[Floats, Floats]) -> Floats:
    scaled: Floats = (np.asarray(x, np.float64) - scale[0]) / scale[1]
    return scaled


def _r2(found: Floats, y: Floats) -> float:
    return float(1 - np.square(y - found).sum() / max(float(np.square(y - y.mean(axis=0)).sum()), 1e-12))
