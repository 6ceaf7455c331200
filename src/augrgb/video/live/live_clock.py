"""Time stamps of a camera -> seconds of the session, on the monotonic clock of this machine.

Within a connection the camera's own time stamps space the frames, for frames arrive in bursts; the machine's clock says
where they are as a whole. No frame is in the future; a camera whose clock runs slow or fast is followed slowly.
"""

from __future__ import annotations

_CREEP = 5e-4  # how much faster than the camera's clock the session may run until a frame comes early
_JUMP_BACK_S = 0.5


class LiveClock:
    """The clock of one session, over all of its connections.

    Args:
        jump_s: A time stamp so far in the future, or an older one so far late, is a jump of the camera's clock.
        most_late_s: The same for frames that come late; a slow network is no jump.
    """

    def __init__(self, *, jump_s: float = 2.0, most_late_s: float = 30.0) -> None:
        self._jump_s, self._most_late_s = jump_s, most_late_s
        self._shift_s: float | None = None
        self._last_s = float("-inf")
        self._last_stamp_s: float | None = None
        self.jumps = 0

    def connect(self) -> None:
        """A new connection: its time stamps mean nothing yet."""
        self._shift_s = self._last_stamp_s = None

    def time_of(self, stamp_s: float | None, now_s: float) -> float:
        """When a frame was taken, seconds of the session; never before the frame before it.

        Args:
            stamp_s: The camera's time stamp; None = it has none.
            now_s: When the frame arrived, seconds of the session.
        """
        if stamp_s is None:
            return self._forward(now_s)
        if self._shift_s is None:
            self._shift_s = now_s - stamp_s
        elif self._last_stamp_s is not None:
            self._shift_s += _CREEP * max(0.0, stamp_s - self._last_stamp_s)
        time_s = stamp_s + self._shift_s
        back_s = 0.0 if self._last_stamp_s is None else self._last_stamp_s - stamp_s
        if back_s > _JUMP_BACK_S or time_s - now_s > self._jump_s or now_s - time_s > self._most_late_s:
            self.jumps += 1
            time_s = now_s
        time_s = min(time_s, now_s)
        self._shift_s, self._last_stamp_s = time_s - stamp_s, stamp_s
        return self._forward(time_s)

    def _forward(self, time_s: float) -> float:
        self._last_s = max(self._last_s, time_s)
        return self._last_s
