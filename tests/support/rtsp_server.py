"""An RTSP server on the loopback, from Debian's GStreamer packages; started with the system's Python.

Run as a program it prints its port and serves until it is ended: /ball (moving), /black, /still (never changes).
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base -good -ugly"
_SYSTEM_PYTHON = "/usr/bin/python3"
_IMPORTS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer"
_LAUNCH = (
    "( videotestsrc is-live=true pattern={} ! video/x-raw,width=96,height=64,framerate={}/1 ! "
    "x264enc tune=zerolatency key-int-max=10 speed-preset=ultrafast bitrate=400 ! "
    "rtph264pay name=pay0 pt=96 config-interval=1 )"
)
PATTERNS = {"ball": "ball", "black": "black", "still": "smpte75"}


@functools.cache
def missing_rtsp_server() -> str:
    """Why there is no RTSP server here; "" if there is one."""
    command = [_SYSTEM_PYTHON, "-c", f"{_IMPORTS}; Gst.init(None); assert Gst.ElementFactory.find('x264enc')"]
    try:
        found = subprocess.run(command, capture_output=True, check=False, timeout=60)
    except OSError:
        return f"needs {_SYSTEM_PYTHON}"
    return "" if found.returncode == 0 else f"needs the Debian packages {PACKAGES}"


@contextlib.contextmanager
def rtsp_server(frames_per_s: int = 15) -> Iterator[int]:
    """Its port."""
    command = [_SYSTEM_PYTHON, str(Path(__file__).resolve()), str(frames_per_s)]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={"PATH": "/usr/bin"}
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


def serve(frames_per_s: str) -> None:
    """The program."""
    import gi  # type: ignore[import-not-found,unused-ignore]

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found,unused-ignore]

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for name, pattern in PATTERNS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(_LAUNCH.format(pattern, frames_per_s))
        factory.set_shared(True)
        server.get_mount_points().add_factory(f"/{name}", factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    serve(sys.argv[1])
