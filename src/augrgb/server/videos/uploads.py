"""Uploads: streamed to a file, counted while they come, and gone without a trace if they break off."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread

from augrgb.core.errors import InputRefused
from augrgb.core.files import atomic_path, disk_faults
from augrgb.server.settings import Limits

_PIECE = 2**20
_LOOK_EVERY = 2**26


class UploadGate:
    """Counts uploads that are coming in.

    Args:
        limits: How many at once, and of what size.
        folder: Where they go.
    """

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._limits, self._folder, self.open = limits, folder, 0

    def check(self, declared: int, held: int) -> None:
        """Before an upload begins.

        Args:
            declared: Its size as the client says, 0 if it does not.
            held: Bytes of all uploads that are kept already.

        Raises:
            InputRefused: E-SRV-001 (too large), E-SRV-002 (too many at once), E-SRV-009 (no room).
        """
        limits = self._limits
        if declared > limits.upload_bytes:
            raise too_large(limits.upload_bytes)
        if self.open >= limits.parallel_uploads:
            raise InputRefused("E-SRV-002", "uploads", f"{self.open} are coming in already", "Try again in a moment.")
        if held + declared > limits.total_bytes:
            raise InputRefused("E-SRV-009", "uploads", "the space for uploads is used up", "Delete videos first.")
        self._check_disk(declared)

    async def receive(self, stream: AsyncIterator[bytes], target: Path) -> int:
        """Write the bytes of a client to a file, which is complete or absent; returns how many.

        Raises:
            InputRefused: E-SRV-001 (too large), E-SRV-003 (no byte for too long), E-SRV-009 (no room).
            EnvironmentFault: The disk.
            ClientDisconnect: The client went away.
        """
        size, looked, held = 0, 0, bytearray()
        self.open += 1
        try:
            with atomic_path(target) as temporary, open(temporary, "wb", buffering=0) as file:
                async for piece in _patient(stream, self._limits.silence_s):
                    size += len(piece)
                    if size > self._limits.upload_bytes:
                        raise too_large(self._limits.upload_bytes)
                    if size - looked > _LOOK_EVERY:
                        looked = size
                        self._check_disk(0)
                    held += piece
                    if len(held) >= _PIECE:
                        await anyio.to_thread.run_sync(_write, file, bytes(held), target)
                        held.clear()
                await anyio.to_thread.run_sync(_write, file, bytes(held), target)
                os.fchmod(file.fileno(), 0o600)
        finally:
            self.open -= 1
        return size

    def _check_disk(self, declared: int) -> None:
        if shutil.disk_usage(self._folder).free - declared < self._limits.free_bytes:
            raise InputRefused("E-SRV-009", "uploads", "the disk of the server is nearly full", "Free some space.")


def too_large(limit: int) -> InputRefused:
    """The refusal of an upload above the limit."""
    return InputRefused("E-SRV-001", "upload", f"the video is larger than {limit / 2**20:.0f} MiB", "Cut it shorter.")


async def _patient(stream: AsyncIterator[bytes], silence_s: float) -> AsyncIterator[bytes]:
    iterator = aiter(stream)
    while True:
        try:
            yield await asyncio.wait_for(anext(iterator), silence_s)
        except StopAsyncIteration:
            return
        except TimeoutError:
            problem = f"no byte came for {silence_s:g} seconds"
            raise InputRefused("E-SRV-003", "upload", problem, "Upload it again.") from None


def _write(file: BinaryIO, data: bytes, target: Path) -> None:
    with disk_faults(target):
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
