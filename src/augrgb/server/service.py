"""Everything behind the API, without HTTP: the index, the queue, results, documents, and what keeps them in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePath

from augrgb.annotations.choose_format import read_annotations
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.files import make_folder, remove_leftovers
from augrgb.core.locks import Busy, file_lock
from augrgb.core.sealed import read_sealed
from augrgb.core.searching import Skipped, files_in, search, tell
from augrgb.core.types import Event
from augrgb.server.annotations.documents import Documents
from augrgb.server.database import Database, note
from augrgb.server.jobs.detecting import Detecting, DetectorProcess, Prober
from augrgb.server.jobs.queue import JobQueue
from augrgb.server.jobs.results import Results
from augrgb.server.jobs.worker import Worker
from augrgb.server.settings import ServerSettings
from augrgb.server.teaching.loop import Loop
from augrgb.server.teaching.project import PROJECT_FILE
from augrgb.server.teaching.rounds import Fitting
from augrgb.server.videos.index import Video, VideoIndex, new_id
from augrgb.server.videos.uploads import UploadGate
from augrgb.video.folder import VIDEO_SUFFIXES

_log = logging.getLogger(__name__)
_RETENTION_EVERY_S = 60.0
STREAM_SCHEMA = "augrgb.stream/1"


class Service:
    """The parts of a server, joined.

    Args:
        settings: Folders and limits.
        detect: Detects in a file; default: the model in a child process.
        fitting: Fits a round; default: `augrgb fit` in a child process.

    Raises:
        AugrgbError: The model, the database or the annotations cannot be used; another server uses the work folder.
    """

    def __init__(
        self, settings: ServerSettings, detect: Detecting | None = None, fitting: Fitting | None = None
    ) -> None:
        self.settings, limits = settings, settings.limits
        self.truth = _truth(settings.annotations)
        self.uploads_folder = settings.work / "uploads"
        make_folder(self.uploads_folder)
        self._lock = _lock(settings.work)
        self.database = Database(settings.work / "server.sqlite")
        roots = {"upload": self.uploads_folder}
        if settings.videos is not None:
            roots["folder"] = settings.videos
        self.videos = VideoIndex(self.database, roots)
        self.queue = JobQueue(self.database, limit=limits.queue, attempts=limits.attempts)
        self.results = Results(settings.work / "results")
        self.documents = Documents(self.database, keep=limits.versions)
        self.gate = UploadGate(limits, self.uploads_folder)
        self.probe = Prober()
        self._stills = Prober()  # another process: a slow film must not hold up uploads
        self.loop: Loop | None = None
        if settings.project is not None and is_project(settings.project):
            parts = (self.videos, self.results, self.documents, self._use_and_detect_again)
            self.loop = Loop(settings.project, *parts, fitting, attempts=limits.attempts)
            if settings.annotations is None:
                self.truth = self.loop.project.true_events()
        model = (self.loop.rounds.newest_bundle() if self.loop is not None else None) or settings.model
        if model is None:
            remedy = "Name a model with --model, or fit the project with `augrgb fit`."
            raise UsageFault("E-SRV-017", "--model", "there is no model to detect with", remedy)
        self.model, self.classes = model, classes_of(model)
        self._detect = detect or DetectorProcess(model, settings.device, second_opinion=settings.second_opinion)
        self.worker = Worker(self.queue, self.videos, self.results, self._detect, self._keep_house)
        self._next_retention_s = 0.0
        self._scanned = settings.videos is None

    def start(self) -> None:
        """Clear what a killed server left, and go on with its jobs."""
        remove_leftovers(self.settings.work)
        known = {video.file for video in self.videos.all() if video.origin == "upload"}
        for path in files_in(self.uploads_folder):
            if path.name not in known and ".tmp-" not in path.name:
                path.unlink(missing_ok=True)  # complete, but its client never heard so
        self.queue.recover()
        self.worker.start()
        if self.loop is not None:
            self.loop.rounds.start()

    def stop(self) -> None:
        """End the processes and let go of the work folder."""
        if self.loop is not None:
            self.loop.rounds.stop()
        self.worker.stop()
        self.probe.stop()
        self._stills.stop()
        self._lock.close()

    def add_upload(self, path: Path, name: str, size: int) -> Video:
        """List an uploaded file that turns out to be a video, and queue it; any other file is deleted.

        Raises:
            AugrgbError: It is no video, or the queue is full.
        """
        try:
            info = self.probe(path)
            video = Video(new_id(), name, "upload", path.name, size, info, time.time())
            with self.database.transaction() as database:
                self.videos.add(database, video)
                self.queue.add(database, video.video_id)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self.worker.wake()
        return video

    def detect(self, video: Video) -> int:
        """Queue a video; returns the job."""
        with self.database.transaction() as database:
            job = self.queue.add(database, video.video_id)
        self.worker.wake()
        return job

    def still(self, video_id: str, time_s: float) -> bytes:
        """The frame of a video at a time, as a JPEG.

        Raises:
            AugrgbError: There is no such video, or it cannot be decoded there.
        """
        return self._stills.still(self.videos.path_of(self.videos.get(video_id)), time_s)

    def delete(self, video: Video) -> None:
        """Delete an uploaded video, its scores and its annotations; of a video of the folder all but the file."""
        self.videos.remove(video.video_id)
        self.results.remove(video.video_id)
        if video.origin == "upload":
            (self.uploads_folder / video.file).unlink(missing_ok=True)
        if self.loop is not None:
            self.loop.forget(video)
        self.worker.wake()

    def note(self, action: str, video: str) -> None:
        """A line in the audit log."""
        with self.database.transaction() as database:
            note(database, time.time(), action, video)

    def true_events(self, video: Video) -> tuple[Event, ...] | None:
        """The annotated events of a video, None if there are none for it."""
        return self.truth.get(video.name, self.truth.get(PurePath(video.name).stem))

    def _use_and_detect_again(self, model: Path) -> None:
        """From now on a new round's model detects, in all videos in which the old one has detected."""
        self.classes = classes_of(model)
        self.model = model
        self._detect.use(model)
        jobs = self.queue.of_videos()
        for video in self.videos.all():
            job = jobs.get(video.video_id)
            if job is not None and job.state in ("done", "running"):
                try:
                    with self.database.transaction() as database:
                        self.queue.add(database, video.video_id, again=True)
                except InputRefused as full:
                    _log.warning("not all videos are detected again: %s", full)
                    break
        self.worker.wake()

    def _keep_house(self) -> None:
        if self.loop is not None:
            self.loop.keep_house()
        if not self._scanned:
            self._scanned = True
            self._scan()
        age = self.settings.limits.retention_s
        if age is not None and time.monotonic() >= self._next_retention_s:
            self._next_retention_s = time.monotonic() + _RETENTION_EVERY_S
            for video in self.videos.all():
                if video.origin == "upload" and time.time() - video.added_s > age:
                    self.delete(video)

    def _scan(self) -> None:
        """List the videos of the folder that are not listed yet."""
        root = self.settings.videos
        if root is None:
            return
        known = {video.file for video in self.videos.all() if video.origin == "folder"}
        found = search(root, lambda name: Path(name).suffix.lower() in VIDEO_SUFFIXES, deep=True)
        links = tuple(Skipped(path, "a link") for path in found.files if path.is_symlink())
        tell(replace(found, skipped=(*found.skipped, *links)))
        for path in found.files:
            file = str(path.relative_to(root))
            if file in known or path.is_symlink():
                continue
            try:
                info = self.probe(path)
            except AugrgbError as fault:
                _log.warning("%s", fault)
                continue
            name = path.name.encode("utf-8", "replace").decode()
            with self.database.transaction() as database:
                video = Video(new_id(), name, "folder", file, path.stat().st_size, info, time.time())
                self.videos.add(database, video)


def is_project(path: Path) -> bool:
    """Whether a path is a project of `augrgb init` rather than a plain folder for corrections."""
    return path.is_file() or (path / PROJECT_FILE).is_file()


def classes_of(model: Path) -> tuple[str, ...]:
    """The classes of a bundle, read without loading it.

    Raises:
        InputRefused: E-FILE-001 (absent), E-MOD-006 (no stream), E-MOD-018 (no encoder).
    """
    remedy = "Name the folder of a trained stream, and copy it whole."
    # Not by `streams.files`, which imports torch: no server needs it in its own process.
    raw = read_sealed(model / "model.json", STREAM_SCHEMA, dict, what="stream folder", code="E-MOD-006", remedy=remedy)
    classes = raw.get("classes")
    if raw.get("kind") != "stream" or not isinstance(classes, list) or not all(isinstance(one, str) for one in classes):
        raise InputRefused("E-MOD-006", model, "describes no stream", remedy)
    if not (model / "encoder" / "model.json").is_file():
        remedy = "Train on features of `augrgb extract`."
        raise InputRefused("E-MOD-018", model, "this stream has no snippet encoder", remedy)
    return tuple(classes)


def _truth(path: Path | None) -> Mapping[str, tuple[Event, ...]]:
    if path is None:
        return {}
    found = read_annotations(path).videos
    return {name: video.events for name, video in found.items() if video.events is not None}


def _lock(work: Path) -> ExitStack:
    """Hold the work folder: two servers would take each other's jobs for interrupted ones."""
    held = ExitStack()
    try:
        held.enter_context(file_lock(work / "server.lock"))
    except Busy:
        problem = "another server uses this work folder"
        raise UsageFault("E-SRV-011", work, problem, "Stop it, or choose another --work folder.") from None
    return held
