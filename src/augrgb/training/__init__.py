"""Training: one loop for every method, in run folders that can be resumed to the last bit."""

from augrgb.training.encoder_task import EncoderClassifier, EncoderTask, SnippetSet
from augrgb.training.interrupts import Interrupted, Terminated
from augrgb.training.loop import fit
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.training.perturbation import Perturbation
from augrgb.training.processes import make_fabric
from augrgb.training.run.folder import RunFolder
from augrgb.training.settings import FitResult, FitSettings
from augrgb.training.stream_task import StreamTask
from augrgb.training.task import Task
from augrgb.training.teachers.cache import TeacherCache
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.terms import DistillationTerm, StudentTerm, TermValue

__all__ = [
    "DistillationTerm",
    "EncoderClassifier",
    "EncoderTask",
    "FitResult",
    "FitSettings",
    "Interrupted",
    "MeanTeacher",
    "Perturbation",
    "RunFolder",
    "SnippetSet",
    "SnippetTeacher",
    "StreamTask",
    "StudentTerm",
    "Task",
    "TeacherCache",
    "TermValue",
    "Terminated",
    "fit",
    "make_fabric",
]
