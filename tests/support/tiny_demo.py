"""The demo at a size of half a minute: `python tiny_demo.py FOLDER SEEDS [full]`; a process for tests to kill."""

import sys
from pathlib import Path

import augrgb.pipelines.demo_plan as plan
from augrgb.cli.main import main
from augrgb.pipelines import demo
from augrgb.world.settings import WorldSettings

WORLD = WorldSettings(
    duration_s=8, encoder=2, encoder_unlabelled=2, train=2, unlabelled=2, val=1, test=2,
    train_subjects=2, test_subjects=1, train_cameras=1, test_cameras=1,
)  # fmt: skip

if __name__ == "__main__":
    plan.ENCODER_STEPS.update(rgb=8, flow=8, pose=8)
    plan.STREAM_TRAIN.update(steps=10, validate_every=5, checkpoint_every=5)
    demo.DemoSettings.__init__.__defaults__ = (*demo.DemoSettings.__init__.__defaults__[:-1], WORLD)
    options = ["--full"] if "full" in sys.argv[3:] else []
    main(["demo", "--out", str(Path(sys.argv[1])), "--seeds", sys.argv[2], "--workers", "2", *options])
