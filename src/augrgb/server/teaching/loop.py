"""The loop detect -> correct -> fit of a server: its project, rounds, and what to review next."""

from __future__ import annotations

import contextlib
import glob
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import file_name_of
from augrgb.core.opening import resolved
from augrgb.server.annotations.documents import Documents
from augrgb.server.jobs.results import Results
from augrgb.server.review.blind_estimate import blind_estimate
from augrgb.server.review.orders import USUAL_ORDER, Order, in_order
from augrgb.server.review.suggestions import Suggestion, suggestions_of, without_judged
from augrgb.server.teaching.project import Applied, Corrected, LoopProject, digest
from augrgb.server.teaching.rounds import Fitting, Round, Rounds
from augrgb.server.videos.index import Video, VideoIndex

_log = logging.getLogger(__name__)
_PAUSE_S = 60.0
_FIRST_LOOK_S = 20.0


class Loop:
    """Joins the project with the videos and documents of a server.

    Args:
        path: The project file, or its folder.
        videos, results, documents: Of the server.
        on_round: Called with the bundle of every round that is finished.
        fitting: See `Rounds`.
        attempts: How often a round is started.

    Raises:
        AugrgbError: See `LoopProject`.
    """

    def __init__(
        self,
        path: Path,
        videos: VideoIndex,
        results: Results,
        documents: Documents,
        on_round: Callable[[Path], object],
        fitting: Fitting | None = None,
        *,
        attempts: int = 3,
    ) -> None:
        self.project = LoopProject(path)
        self._videos, self._results, self._documents = videos, results, documents
        self.rounds = Rounds(self.project, on_round, fitting, attempts=attempts)
        self._held_out: dict[str, bool] = {}
        self._candidates: dict[str, tuple[object, tuple[Suggestion, ...]]] = {}
        self._behind = False

    def entries(self) -> list[Corrected]:
        """Every video that has a saved document and whose file is there."""
        found = []
        latest = self._documents.all_latest()
        for video in self._videos.all():
            if video.video_id in latest:
                try:
                    path = self._videos.path_of(video)
                except InputRefused as gone:
                    _log.warning("the corrections of %s wait: %s", video.video_id, gone.problem)
                    continue
                found.append(Corrected(video, path, *latest[video.video_id]))
        return found

    def apply(self) -> Applied:
        """Write all corrections into the dataset.

        Raises:
            InputRefused: E-SRV-016: a round is being fitted from it. E-ANN-003: an unknown class.
        """
        if self.rounds.is_open:
            raise InputRefused("E-SRV-016", "project", "a round is being fitted", "Wait for it, or cancel it.")
        applied = self.project.apply(self.entries())
        self._behind = False
        return applied

    def teach(self) -> Round:
        """Write all corrections into the dataset, and queue a fit.

        Raises:
            InputRefused: E-SRV-016, see `Rounds.add`; as `apply`.
        """
        rounds, saved = self.rounds.all(), digest(self._documents.versions())
        self.rounds.check(rounds, saved)
        applied = self.apply()
        if applied.videos == 0:
            problem = "there is no correction yet that training could use"
            raise InputRefused("E-SRV-016", "round", problem, "Review some events of training videos first.")
        since_s = max((one.created_s for one in rounds), default=0.0)
        return self.rounds.add(saved, applied, minutes(self._documents.saved_since(since_s)))

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        rounds, versions = self.rounds.all(), self._documents.versions()
        documents = {name: document for name, (_, document) in self._documents.all_latest().items()}
        done = [one for one in rounds if one.state == "done"]
        return {
            "name": resolved(self.project.folder).name,
            "rounds": [one.to_json() for one in rounds],
            "open": any(one.state in ("queued", "running") for one in rounds),
            "news": bool(versions) and (not done or done[-1].digest != digest(versions)),
            "held_out": sorted(self._held_out_of(self._videos.all())),
            "blind": blind_estimate(documents, self._jobs_of(documents)).to_json(),
        }

    def next_to_review(self, limit: int, order: Order = USUAL_ORDER) -> list[Suggestion]:
        """What to look at next in all videos that may be corrected.

        Args:
            limit: How many at most.
            order: See `augrgb.server.review.orders`.
        """
        latest = self._documents.all_latest()
        found: list[Suggestion] = []
        videos = self._videos.all()
        held_out = self._held_out_of(videos)
        for video in videos:
            if video.video_id in held_out:
                continue
            found += without_judged(self._candidates_of(video), latest.get(video.video_id, (0, None))[1])
        return in_order(found, order)[:limit]

    def is_held_out(self, video: Video) -> bool:
        """Whether a video is of validation or test, and so never corrected."""
        return bool(self._held_out_of([video]))

    def forget(self, video: Video) -> None:
        """A video was deleted: its frames, features and labels leave the project too, as soon as no fit reads them."""
        self._candidates.pop(video.video_id, None)
        self._held_out.pop(video.video_id, None)
        self._behind = True

    def keep_house(self) -> None:
        """What `forget` left to do."""
        if not self._behind or self.rounds.is_open:
            return
        try:
            self.apply()
        except AugrgbError as fault:  # it is tried again with the next correction
            self._behind = False
            _log.warning("the project is behind: %s", fault)
            return
        for name in self.project.take_deleted():
            for part in ("frames", "features", "streams"):
                pattern = f"*/work/{part}/**/{glob.escape(file_name_of(name))}.*"
                for path in (self.project.folder / "rounds").glob(pattern):
                    path.unlink(missing_ok=True)

    def _held_out_of(self, videos: Iterable[Video]) -> set[str]:
        """Ids of those of validation or test; videos that nobody asked about before are compared with the dataset."""
        videos, new = list(videos), []
        for video in videos:
            if video.video_id not in self._held_out:
                with contextlib.suppress(AugrgbError):  # its file is gone, and may come back
                    new.append((video, self._videos.path_of(video)))
        if new:
            with contextlib.suppress(AugrgbError):  # the dataset cannot be read just now
                self._held_out |= self.project.held_out(new)
        return {video.video_id for video in videos if self._held_out.get(video.video_id)}

    def _jobs_of(self, videos: Iterable[str]) -> dict[str, int]:
        """The detection whose result is stored, by video."""
        return {video: job for video in videos if (job := self._results.job(video)) is not None}

    def _candidates_of(self, video: Video) -> Sequence[Suggestion]:
        try:
            stamp = self._results.stamp(video.video_id)
            known = self._candidates.get(video.video_id)
            if known is None or known[0] != stamp:
                known = (stamp, suggestions_of(video, self._results.read(video.video_id)))
                self._candidates[video.video_id] = known
        except InputRefused:  # nothing has been detected yet
            return ()
        return known[1]


def minutes(saved_s: Sequence[float]) -> float:
    """Time that people spent, from the times of their saves: pauses of more than a minute do not count.

    >>> minutes([0.0, 30.0, 60.0, 4000.0, 4020.0])
    2.0
    """
    spent = 0.0
    for place, at in enumerate(saved_s):
        gap = at - saved_s[place - 1] if place else _PAUSE_S + 1
        spent += gap if gap <= _PAUSE_S else _FIRST_LOOK_S
    return spent / 60.0
