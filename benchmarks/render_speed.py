"""How many seconds of video one processor core makes per second, H.264 encoding and poses included.

python benchmarks/render_speed.py [videos]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import cv2

from augrgb.world import WorldSettings, plan_videos
from augrgb.world.film import act, film


def main() -> None:
    """Film a few videos at the default size on one core and print the speed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    cv2.setNumThreads(1)
    settings = WorldSettings()
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        size = 0
        for plan in plan_videos(settings)[:count]:
            video_file, pose_file = Path(folder, f"{plan.video_id}.mp4"), Path(folder, f"{plan.video_id}.npz")
            film(settings, plan, act(settings, plan)[0], video_file=video_file, pose_file=pose_file)
            size += video_file.stat().st_size
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    made_s = count * settings.duration_s
    print(f"{count} videos of {settings.duration_s:g} s, {settings.width}x{settings.height} at {settings.fps:g} fps")
    print(f"{made_s / cpu_s:.0f} video-seconds per processor-second ({made_s / wall_s:.0f} per wall second)")
    print(f"{8 * size / made_s / 1000:.0f} kbit/s")


if __name__ == "__main__":
    main()
