"""A shipped comparison runs on another dataset by one override: a tiny world of given motion, all the way."""

import json
from pathlib import Path

import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.pipelines.compare import compare
from augrgb.pipelines.comparison.load import load_comparison
from augrgb.world import load_packed_motion
from augrgb.world.make import make_world_from_motion
from support.places import RECIPES
from support.tiny_project import WORLD
from support.world_samples import packed

RECIPES = RECIPES / "compare"
TINY = (
    "stream.data.dataset=motion",
    "seeds=1",
    "stream.train={steps: 2, batch_size: 2, validate_every: 1, checkpoint_every: 2}",
    "encoder.train={steps: 2, batch_size: 4, validate_every: 2, checkpoint_every: 2}",
    "search={seeds: [100], budget: 2, grid: {train.weight_decay: [0.1, 0.3]}}",
)


@pytest.mark.slow
def test_encoders_streams_and_streams_that_teach_encoders_on_given_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    motion = load_packed_motion(packed(tmp_path / "motion.npz"))
    make_world_from_motion(tmp_path / "motion", motion, WORLD, styles=True, workers=0)
    recipe = load_comparison(RECIPES / "encoder_x_temporal.yaml", TINY)
    outcome = compare(recipe, Path("runs/motion"), shared=Path("shared_runs"), workers=2)
    assert outcome.failures == ()
    results = json.loads(Path("runs/motion/results.json").read_text())
    classes = load_dataset(Path("motion")).classes
    assert set(classes) == {"walk", "wave_left", "calm", "wild"}
    for row in results["rows"].values():
        for split in ("cross_subject", "cross_view"):
            assert set(row["seeds"]["0"][split]["frame-map/present"]["per_class"]) == set(classes)
    assert {len(one["trials"]) for one in results["search"]["methods"].values()} == {2}
    teachers = json.loads(Path("shared_runs/encoders/augmented-0/run.json").read_text())["identity"]["recipe"]
    assert teachers["distill"]["streams"]["pose_stream"] == "shared_runs/streams/pose-0"
    assert not list(Path("runs/motion/failures").glob("*.json"))
    gaps = Path("runs/motion/gaps.csv").read_text().splitlines()
    assert gaps[0].startswith("row,to,split,protocol") and len(gaps) > 10
