from dataclasses import asdict

from augrgb.core.files import write_json
from augrgb.parallel.jobs import StageCost
from augrgb.pipelines.demo import _longest
from augrgb.pipelines.demo_plan import FUSIONS, METHODS, TEACHERS, Places, encoder_recipe, stream_recipe
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe


def test_costs_are_those_of_the_run_that_did_the_work(tmp_path):
    path = tmp_path / "costs.json"
    first = {"world": StageCost("world", 20.0, 38.0, 500.0), "streams": StageCost("streams", 70.0, 120.0, 900.0)}
    assert _longest(path, first) == first
    write_json(path, [asdict(cost) for cost in first.values()])
    again = {"world": StageCost("world", 1.0, 1.0, 300.0), "more": StageCost("more", 5.0, 5.0, 5.0)}
    assert _longest(path, again) == {**first, "more": again["more"]}


def test_every_recipe_of_the_demo_is_a_good_one(tmp_path):
    for arm in ("quarter", "full"):
        places = Places(tmp_path, arm)
        for kind in (*TEACHERS, "rgb", "augmented"):
            check_recipe(encoder_recipe(places, kind, 0), EncoderRecipe)
        for key in (*TEACHERS, *(method.key for method in METHODS)):
            check_recipe(stream_recipe(places, key, 0), StreamRecipe)
    known = {*TEACHERS, *(method.key for method in METHODS)}
    assert all(set(fusion.members) <= known for fusion in FUSIONS)
