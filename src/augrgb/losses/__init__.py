"""Distillation losses. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.losses.atomic_contrastive import AtomicContrastive
from augrgb.losses.atomic_regression import AtomicRegression
from augrgb.losses.boundary_saliency import BoundarySaliency
from augrgb.losses.distillation_loss import DistillationLoss
from augrgb.losses.global_relation import GlobalRelation
from augrgb.losses.hint import Hint
from augrgb.losses.logit_kd import LogitKd

LOSSES = catalog(DistillationLoss, globals())  # type: ignore[type-abstract]

__all__ = [
    "LOSSES",
    "AtomicContrastive",
    "AtomicRegression",
    "BoundarySaliency",
    "DistillationLoss",
    "GlobalRelation",
    "Hint",
    "LogitKd",
]
