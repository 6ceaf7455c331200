"""What a server is started with."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import UsageFault
from augrgb.core.files import write_text
from augrgb.core.plain_data import read_text

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take.

    Args:
        upload_bytes: Size of one video.
        total_bytes: Size of all uploaded videos together.
        parallel_uploads: Uploads at the same time; more are asked to come again.
        videos: Videos that are kept.
        queue: Jobs that wait.
        json_bytes: Size of a request that is no video.
        free_bytes: Space on the disk that uploads leave free.
        silence_s: Seconds without a byte after which a request is given up.
        connections: Open connections and requests.
        attempts: How often a job is started again after the server was stopped in the middle of it.
        versions: Saved versions of the annotations of a video that are kept.
        retention_s: Age at which an uploaded video is deleted with all that was made of it; None = never.
    """

    upload_bytes: int = 8 * 1024 * _MIB
    total_bytes: int = 200 * 1024 * _MIB
    parallel_uploads: int = 128
    videos: int = 2000
    queue: int = 1000
    json_bytes: int = 8 * _MIB
    free_bytes: int = 1024 * _MIB
    silence_s: float = 30.0
    connections: int = 512
    attempts: int = 3
    versions: int = 200
    retention_s: float | None = None


@dataclass(frozen=True)
class ServerSettings:
    """A server: its model, folders, address and limits.

    Args:
        model: A bundle. None = the newest one of the project.
        work: Folder for uploads, results and the database; made if absent.
        videos: Folder of videos that are listed and never changed, if any.
        annotations: File with the true events of videos, shown beside the detected ones.
        project: Project file or its folder, if any: corrections go into its dataset, and its rounds are fitted here.
            A folder without a project file only gets the corrections as files.
        host, port: Address to listen on.
        token: What clients must know; None = nothing, allowed on this machine's loopback address only.
        allowed_hosts: Names by which clients may call the server, besides `localhost` and IP addresses.
        device: Where networks run.
        limits: What clients may take.
        second_opinion: Whether a second model of the project's fit detects too, so that people can look first where
            the two disagree. It takes as long again.

    Raises:
        UsageFault: E-SRV-010: other machines could reach a server without a token.
    """

    model: Path | None
    work: Path
    videos: Path | None = None
    annotations: Path | None = None
    project: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    allowed_hosts: Sequence[str] = ()
    device: str = "auto"
    limits: Limits = Limits()
    second_opinion: bool = False

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and self.token is None:
            problem = f"listening on {self.host} lets other machines in, and there is no token"
            raise UsageFault("E-SRV-010", "--host", problem, "Add --token-file FILE; it is made if it does not exist.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def read_token(path: Path) -> tuple[str, bool]:
    """The token in a file, and whether it was made just now: 256 random bits in a file that only its owner reads.

    Raises:
        UsageFault: E-SRV-010: the token is shorter than 16 characters.
    """
    if path.exists():
        token = read_text(path, "token file").strip()
        if len(token) < 16:
            raise UsageFault("E-SRV-010", path, "the token is shorter than 16 characters", "Delete the file.")
        return token, False
    token = secrets.token_urlsafe(32)
    write_text(path, token + "\n")
    path.chmod(0o600)
    return token, True
