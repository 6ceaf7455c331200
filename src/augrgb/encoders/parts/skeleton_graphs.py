"""Skeletons as graphs: named layouts, and the adjacency matrices of graph convolutions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.poses.layouts import LAYOUTS, SkeletonLayout

__all__ = ["LAYOUTS", "SkeletonLayout", "adjacency", "check_parents"]


def adjacency(parents: tuple[int, ...]) -> NDArray[np.float32]:
    """Three matrices (3, V, V) for a tree of joints: itself, inward (child to parent), outward (parent to child).

    Entry [subset, to, from] is 1 for an edge, each column that is not empty divided by its sum.
    Shi et al., "Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based Action Recognition", CVPR 2019,
    section 3.2; the normalisation is that of the published program.

    Raises:
        UsageFault: E-POS-004, the parents are not a tree of the joints.
    """
    check_parents(parents)
    count = len(parents)
    graphs = np.zeros((3, count, count), np.float32)
    graphs[0] = np.eye(count)
    for child, parent in enumerate(parents):
        if parent >= 0:
            graphs[1, parent, child] = graphs[2, child, parent] = 1.0
    sums = graphs.sum(axis=1, keepdims=True)
    return (graphs / np.where(sums > 0, sums, 1)).astype(np.float32)


def check_parents(parents: tuple[int, ...]) -> None:
    """Refuse parents that do not exist or go in circles (E-POS-004)."""
    for joint, parent in enumerate(parents):
        steps, at = 0, joint
        while 0 <= at < len(parents) and steps <= len(parents):
            at, steps = parents[at], steps + 1
        if at != -1:
            problem = f"joint {joint} has parent {parent}, which leads to no root among {len(parents)} joints"
            raise UsageFault("E-POS-004", "skeleton", problem, "Parents are joint numbers, -1 for the root.")
