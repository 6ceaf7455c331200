"""Training: one loop for every method, in run folders that can be resumed to the last bit."""

from augrgb.training.encoder_task import EncoderTask, SnippetSet
from augrgb.training.interrupts import Interrupted, Terminated
from augrgb.training.loop import fit
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.training.perturbation import Perturbation
from augrgb.training.processes import make_fabric
from augrgb.training.run_folder import RunFolder
from augrgb.training.settings import FitResult, FitSettings
from augrgb.training.stream_task import StreamTask
from augrgb.training.student_term import StudentTerm
from augrgb.training.task import DistillTerm, Task
from augrgb.training.teachers.cache import TeacherCache
from augrgb.training.teachers.snippet import SnippetTeacher

__all__ = [
    "DistillTerm",
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
    "Terminated",
    "fit",
    "make_fabric",
]
