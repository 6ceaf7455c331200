"""`augrgb serve`: the page where people see, correct and export what a model detects."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import DeviceOption
from augrgb.core.errors import EnvironmentFault


def serve(
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="Run folder or bundle to detect with. Default: the project's newest one."),
    ] = None,
    work: Annotated[Path, typer.Option("--work", "-w", help="Folder for uploads, results and corrections.")] = Path(
        "server"
    ),
    videos: Annotated[
        Path | None, typer.Option("--videos", help="Folder of videos to list. They are never changed.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", help="True events, any format, shown beside the detected ones.")
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", help="Project of `augrgb init` that corrections go into, and that is fitted again."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help="File with the token that clients must know. Made if it does not exist."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="Name under which the server is called.", metavar="NAME")
    ] = None,
    max_upload: Annotated[
        float, typer.Option("--max-upload", min=0.001, max=1e6, help="GiB that one video may have.")
    ] = 8.0,
    keep_days: Annotated[
        float | None, typer.Option("--keep-days", min=0, help="Delete uploaded videos after this many days.")
    ] = None,
    second_opinion: Annotated[
        bool,
        typer.Option(
            "--second-opinion",
            help="A second model of the project detects too, to review first where the two disagree. Twice the time.",
        ),
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Open a page to upload videos, see scores and events on a timeline, correct them and export them."""
    for package in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise EnvironmentFault("E-ENV-003", package, "is not installed", "pip install 'augrgb[serve]'")
    from augrgb.cli.output import say, warn
    from augrgb.server.app import create_app
    from augrgb.server.listening import listen
    from augrgb.server.settings import Limits, ServerSettings, read_token

    if hasattr(os, "geteuid") and os.geteuid() == 0:
        warn("Running as root: a fault in a video decoder could then do anything. Use an ordinary user.")
    token, new = read_token(token_file) if token_file is not None else (None, False)
    limits = Limits(
        upload_bytes=int(max_upload * 2**30),
        retention_s=None if keep_days is None else keep_days * 86400.0,
    )
    settings = ServerSettings(
        model,
        work,
        videos,
        annotations,
        project,
        host,
        port,
        token,
        tuple(allow_host or ()),
        device,
        limits,
        second_opinion,
    )
    app = create_app(settings)
    say(f"Serving on http://{host}:{port} - press Ctrl-C to stop")
    if new:
        say(f"Token (shown once, kept in {token_file}): {token}")
    listen(app, settings)
