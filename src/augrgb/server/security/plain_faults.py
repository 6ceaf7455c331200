"""Faults in words for clients."""

from __future__ import annotations

from augrgb.core.errors import AugrgbError


def plain(fault: AugrgbError) -> str:
    """A fault for clients: what is wrong and what to do, without the path that it happened at."""
    problem = fault.problem.replace(fault.where, "the video") if len(fault.where) > 3 else fault.problem
    return " ".join(f"{problem.rstrip('.')}. {fault.remedy}".split())
