"""Distillation losses. The import line is the registration."""

from augrgb.core.catalog import catalog
from augrgb.losses.activation_boundaries import ActivationBoundaries
from augrgb.losses.admd import Admd
from augrgb.losses.atomic_contrastive import AtomicContrastive
from augrgb.losses.atomic_regression import AtomicRegression
from augrgb.losses.attention_transfer import AttentionTransfer
from augrgb.losses.boundary_saliency import BoundarySaliency
from augrgb.losses.correlation_congruence import CorrelationCongruence
from augrgb.losses.crd import Crd
from augrgb.losses.dcmd import Dcmd
from augrgb.losses.dkd import Dkd
from augrgb.losses.factor_transfer import FactorTransfer
from augrgb.losses.fsp import Fsp
from augrgb.losses.global_relation import GlobalRelation
from augrgb.losses.graph_distillation import GraphDistillation
from augrgb.losses.hint import Hint
from augrgb.losses.logit_kd import LogitKd
from augrgb.losses.mars import Mars
from augrgb.losses.mtut import Mtut
from augrgb.losses.nst import Nst
from augrgb.losses.parts.distillation_loss import DistillationLoss
from augrgb.losses.pkd import Pkd
from augrgb.losses.pkt import Pkt
from augrgb.losses.pseudo_labels import PseudoLabels
from augrgb.losses.rkd import Rkd
from augrgb.losses.similarity_preserving import SimilarityPreserving
from augrgb.losses.vid import Vid

LOSSES = catalog(DistillationLoss, globals())  # type: ignore[type-abstract]

__all__ = [
    "LOSSES",
    "ActivationBoundaries",
    "Admd",
    "AtomicContrastive",
    "AtomicRegression",
    "AttentionTransfer",
    "BoundarySaliency",
    "CorrelationCongruence",
    "Crd",
    "Dcmd",
    "DistillationLoss",
    "Dkd",
    "FactorTransfer",
    "Fsp",
    "GlobalRelation",
    "GraphDistillation",
    "Hint",
    "LogitKd",
    "Mars",
    "Mtut",
    "Nst",
    "Pkd",
    "Pkt",
    "PseudoLabels",
    "Rkd",
    "SimilarityPreserving",
    "Vid",
]
