"""The thread that takes jobs from the queue, one after the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from augrgb.core.errors import AugrgbError
from augrgb.server.jobs.detecting import Detecting
from augrgb.server.jobs.queue import Job, JobQueue
from augrgb.server.jobs.results import Results
from augrgb.server.videos.index import VideoIndex

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_STEP = 0.01


class _Unwanted(Exception):
    """The job was cancelled, or the server stops."""


class Worker:
    """Runs jobs until it is stopped.

    Args:
        queue: Where jobs come from.
        videos: To find the files.
        results: Where results go.
        detect: Detects in a file.
        housekeeping: Called about once a second between jobs.
    """

    def __init__(
        self,
        queue: JobQueue,
        videos: VideoIndex,
        results: Results,
        detect: Detecting,
        housekeeping: Callable[[], object] = lambda: None,
    ) -> None:
        self._queue, self._videos, self._results = queue, videos, results
        self._detect, self._housekeeping = detect, housekeeping
        self._news, self._ending = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="augrgb jobs", daemon=True)

    def start(self) -> None:
        """Begin with the first job that waits."""
        self._thread.start()

    def wake(self) -> None:
        """There is a new job, or one was cancelled."""
        self._news.set()

    def stop(self) -> None:
        """Begin no further job; one that runs is taken up again at the next start."""
        self._ending = True
        self._news.set()
        self._thread.join(2.0)
        self._detect.stop()

    def _run(self) -> None:
        while not self._ending:
            try:
                self._housekeeping()
                job = self._queue.take()
                if job is not None:
                    self._do(job)
                    continue
            except Exception:  # noqa: BLE001 - a full disk or a bug must not end the queue: try again later
                _log.exception("the queue of jobs waits")
            self._news.wait(_LOOK_S)
            self._news.clear()

    def _do(self, job: Job) -> None:
        shown = 0.0

        def on_progress(fraction: float) -> None:
            nonlocal shown
            if self._ending or self._queue.is_over(job.id):
                raise _Unwanted
            if fraction - shown >= _STEP:
                shown = fraction
                self._queue.report(job.id, fraction)

        fault: AugrgbError | None = None
        try:
            path = self._videos.path_of(self._videos.get(job.video))
            found = self._detect(path, on_progress)
            if self._queue.is_over(job.id):
                return
            self._results.write(job.video, job.id, found)
        except _Unwanted:
            self._detect.stop()
            return
        except AugrgbError as error:
            fault = error
        except Exception:  # noqa: BLE001 - a bug must not end the queue
            _log.exception("job %d", job.id)
            fault = AugrgbError("E-BUG-001", "", "this is a bug in augrgb", "The server's terminal shows more.")
        if self._ending:
            return  # the process was ended under it: not the video's fault
        if not self._queue.finish(job.id, fault) and self._queue.is_gone(job.id):
            self._results.remove(job.video)
