"""Distillation losses: a class and a function for each. The import line is the registration.

`LOSSES` maps the name that recipes use to the class. The function of the same name needs no object:
`atomic_contrastive(student, teacher, mask, labels=labels)`.
"""

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.catalog import catalog
from augrgb.losses.activation_boundaries import ActivationBoundaries, ab
from augrgb.losses.admd import Admd, admd
from augrgb.losses.atomic_contrastive import AtomicContrastive, atomic_contrastive
from augrgb.losses.atomic_regression import AtomicRegression, atomic_regression
from augrgb.losses.attention_transfer import AttentionTransfer, at
from augrgb.losses.boundary_saliency import BoundarySaliency, boundary_saliency
from augrgb.losses.correlation_congruence import CorrelationCongruence, cc
from augrgb.losses.crd import Crd, crd
from augrgb.losses.d3d import D3d, d3d
from augrgb.losses.dcmd import Dcmd, dcmd
from augrgb.losses.dkd import Dkd, dkd
from augrgb.losses.factor_transfer import FactorTransfer, ft
from augrgb.losses.fsp import Fsp, fsp
from augrgb.losses.global_relation import GlobalRelation, global_relation
from augrgb.losses.graph_distillation import GraphDistillation, graph_distillation
from augrgb.losses.hint import Hint, hint
from augrgb.losses.logit_kd import LogitKd, logit_kd
from augrgb.losses.mars import Mars, mars
from augrgb.losses.mtut import Mtut, mtut
from augrgb.losses.nst import Nst, nst
from augrgb.losses.parts.distillation_loss import DistillationLoss
from augrgb.losses.pkd import Pkd, pkd
from augrgb.losses.pkt import Pkt, pkt
from augrgb.losses.pose_induction import PoseInduction, pose_induction
from augrgb.losses.pseudo_labels import PseudoLabels, pseudo_labels
from augrgb.losses.rkd import Rkd, rkd
from augrgb.losses.similarity_preserving import SimilarityPreserving, sp
from augrgb.losses.vid import Vid, vid

LOSSES = catalog(DistillationLoss, globals())  # type: ignore[type-abstract]

__all__ = [
    "LOSSES",
    "ActivationBoundaries",
    "Admd",
    "AtomicContrastive",
    "AtomicRegression",
    "AttentionTransfer",
    "Batch",
    "BoundarySaliency",
    "CorrelationCongruence",
    "Crd",
    "D3d",
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
    "PoseInduction",
    "PseudoLabels",
    "Rkd",
    "SimilarityPreserving",
    "StreamDims",
    "StreamOutput",
    "Vid",
    "ab",
    "admd",
    "at",
    "atomic_contrastive",
    "atomic_regression",
    "boundary_saliency",
    "cc",
    "crd",
    "d3d",
    "dcmd",
    "dkd",
    "fsp",
    "ft",
    "global_relation",
    "graph_distillation",
    "hint",
    "logit_kd",
    "mars",
    "mtut",
    "nst",
    "pkd",
    "pkt",
    "pose_induction",
    "pseudo_labels",
    "rkd",
    "sp",
    "vid",
]
