"""What people look at: plain results in, one self-contained HTML page, terminal tables and a picture out."""

from augrgb.report.film_strip import film_strip, strip_times_s
from augrgb.report.page import write_report, write_timeline
from augrgb.report.picture import write_picture
from augrgb.report.scores import gap_share, score_over_seeds
from augrgb.report.tables import comparison_csv, comparison_markdown
from augrgb.report.terminal import comparison_table, detections_table

__all__ = [
    "comparison_csv",
    "comparison_markdown",
    "comparison_table",
    "detections_table",
    "film_strip",
    "gap_share",
    "score_over_seeds",
    "strip_times_s",
    "write_picture",
    "write_report",
    "write_timeline",
]
