import copy

import pytest

from augrgb.core.errors import UsageFault
from augrgb.core.nested import leaves, merge, merge_dotted, set_at

BASE = {"student": {"filter": {"sd_tcn": {"width": 8}}, "modality": "rgb"}}


def test_sections_are_merged_and_everything_else_replaces() -> None:
    assert merge(BASE, {"student": {"filter": {"sd_tcn": {"layers": [2]}}}, "seed": None}) == {
        "student": {"filter": {"sd_tcn": {"width": 8, "layers": [2]}}, "modality": "rgb"},
        "seed": None,
    }
    assert merge({"a": {"b": 1}, "c": [1, 2]}, {"a": 3, "c": [4]}) == {"a": 3, "c": [4]}


def test_a_dot_is_a_path_only_where_it_is_said_to_be() -> None:
    assert merge({"set": {}}, {"set": {"data.split": "x"}}) == {"set": {"data.split": "x"}}
    assert merge_dotted({"data": {"split": "y"}}, {"data.split": "x"}) == {"data": {"split": "x"}}


def test_a_dotted_key_replaces_a_whole_section() -> None:
    changed = merge_dotted(BASE, {"student.filter": {"pdan": {}}})
    assert changed["student"] == {"filter": {"pdan": {}}, "modality": "rgb"}


def test_a_star_matches_every_key() -> None:
    changed = merge_dotted(BASE, {"student.filter.*.dropout": 0.5})
    assert changed["student"]["filter"] == {"sd_tcn": {"width": 8, "dropout": 0.5}}
    with pytest.raises(UsageFault, match=r"E-CFG-008.*matches no key here"):
        merge_dotted({}, {"student.filter.*.dropout": 0.5})


def test_a_path_through_a_plain_value_is_refused() -> None:
    with pytest.raises(UsageFault, match=r"E-CFG-008.*modality is 'rgb', not a section"):
        merge_dotted(BASE, {"student.modality.name": 1})
    values = {"train": None}
    set_at(values, ["train", "steps"], 1)  # an empty section in YAML is None
    assert values == {"train": {"steps": 1}}


def test_nothing_is_shared_with_the_inputs() -> None:
    before, changes = copy.deepcopy(BASE), {"more": {"list": [1]}, "student": {"filter": {"gru": {}}}}
    for function in (merge, merge_dotted):
        result = function(BASE, changes)
        result["more"]["list"].append(2)
        result["student"]["filter"]["sd_tcn"]["width"] = 9
        result["student"]["filter"]["gru"]["width"] = 9
    assert before == BASE
    assert changes == {"more": {"list": [1]}, "student": {"filter": {"gru": {}}}}


def test_leaves_leave_out_what_says_nothing() -> None:
    assert leaves({"a": {"b": {}, "c": None}, "d": {"e": (1, 2)}}) == {"d.e": [1, 2]}
