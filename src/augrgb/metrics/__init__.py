"""Metrics of temporal action detection: pure NumPy functions and the catalogue of named protocols.

`evaluate(name, truth, scores=...)` runs a protocol of `PROTOCOLS`; the functions below work on plain arrays.
"""

from augrgb.metrics.action_conditional import ConditionalReport, conditional_report
from augrgb.metrics.evaluate import evaluate
from augrgb.metrics.evaluation import EvaluationInputs, MetricResult, VideoScores
from augrgb.metrics.event_map import EventReport, event_reports
from augrgb.metrics.frame_map import frame_ap, frame_ap_present, mean_all_classes, mean_present_classes
from augrgb.metrics.protocols import PROTOCOLS, Protocol, find_protocol
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou_map import TiouReport, clean_truth, tiou_report

__all__ = [
    "PROTOCOLS",
    "ConditionalReport",
    "EvaluationInputs",
    "EventReport",
    "MetricResult",
    "Protocol",
    "Segments",
    "TiouReport",
    "VideoScores",
    "clean_truth",
    "conditional_report",
    "evaluate",
    "event_reports",
    "find_protocol",
    "frame_ap",
    "frame_ap_present",
    "mean_all_classes",
    "mean_present_classes",
    "tiou_report",
]
