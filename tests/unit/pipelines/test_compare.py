import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augrgb.metrics.evaluation import MetricResult
from augrgb.pipelines.comparison.jobs import Failure
from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.report import class_gains_csv, comparison_of, results_json, summary_markdown
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.row_result import Column, RowResult
from augrgb.pipelines.comparison.statistics import statistics_of
from augrgb.report.data import Comparison, MethodRow, Protocol, Score
from augrgb.report.latex import comparison_latex, escaped
from support.toy_comparison import toy_values


def measured(value: Any, classes: Any) -> Any:
    name = "frame-map/present"
    return RowResult({Column("s", name): MetricResult(name, value, classes, videos_scored=4, videos_total=5)})


def results(tmp_path: Path, values: Any, **changes: Any) -> Any:
    recipe = toy_values(tmp_path)
    recipe.update(seeds=3, tests=["s"], protocols=["frame-map/present"], **changes)
    cells = {
        row: {seed: None if value is None else measured(value, {"walk": value}) for seed, value in enumerate(found)}
        for row, found in values.items()
    }
    return Results(check_comparison(recipe), cells)


VALUES = {
    "rgb": [0.40, 0.55, 0.60],
    "logits": [0.50, 0.60, 0.70],  # differences 0.10, 0.05, 0.10
    "pose": [0.40, 0.55, 0.90],  # 0, 0, 0.30
    "both": [0.40, 0.55, 0.60],  # none
}


def test_statistics_equal_those_computed_by_hand(tmp_path: Path) -> None:
    found = {one.row: one for one in statistics_of(results(tmp_path, VALUES))}
    base, logits, pose, both = (found[row] for row in ("rgb", "logits", "pose", "both"))
    assert (base.n, base.pairs, base.against) == (3, 0, "") and math.isnan(base.p_holm)
    assert base.mean == pytest.approx(1.55 / 3) and base.std == pytest.approx(0.1040833)
    # d = 0.25/3, sd = sqrt(((1/60)^2 * 2 + (1/30)^2) / 2), t = d / (sd / sqrt 3) = 5; t_0.975(2) = 4.302653
    assert logits.delta == pytest.approx(0.25 / 3) and logits.delta_std == pytest.approx(0.0288675, rel=1e-5)
    assert logits.low == pytest.approx(0.0116225, rel=1e-4) and logits.high == pytest.approx(0.1550442, rel=1e-5)
    assert logits.p_t == pytest.approx(1 - 5 / math.sqrt(27))  # with two degrees: 1 - t / sqrt(t^2 + 2)
    assert logits.p_sign_flip == pytest.approx(2 / 8)
    assert pose.p_t == pytest.approx(1 - 1 / math.sqrt(3)) and pose.p_sign_flip == 1.0
    assert both.p_t == 1.0 and both.delta == 0
    assert logits.p_holm == pytest.approx(3 * logits.p_t)
    assert pose.p_holm == pytest.approx(2 * pose.p_t) and both.p_holm == 1.0
    assert not any(one.significant for one in found.values())


def test_seeds_without_a_result_leave_their_pair_out(tmp_path: Path) -> None:
    values = {**VALUES, "rgb": [None, 0.55, 0.60], "logits": [0.9, 0.60, None], "both": [None] * 3}
    missing = replace(results(tmp_path, values), failures=(Failure("stream rgb-0", "E-RUN-004 gone.", "stream rgb-0"),))
    statistics = statistics_of(missing)
    found = {one.row: one for one in statistics}
    assert (found["logits"].n, found["logits"].pairs) == (2, 1)
    assert found["logits"].delta == pytest.approx(0.05) and math.isnan(found["logits"].p_t)
    assert found["pose"].pairs == 2
    table = comparison_of(missing, statistics)
    assert [row.scores[0] is None for row in table.rows] == [False, False, False, True]
    assert table.rows[1].scores[0].videos_scored == 4 and table.rows[1].scores[0].videos_total == 5
    plain = results_json(missing, statistics)
    assert plain["rows"]["rgb"]["seeds"]["0"] is None
    assert next(one for one in plain["statistics"] if one["row"] == "logits")["p_t"] is None
    text = summary_markdown(missing, table, statistics)
    assert "- stream rgb-0: E-RUN-004 gone." in text and "4 of 5 videos" in text


def test_a_protocol_that_is_not_defined_leaves_its_column_empty(tmp_path: Path) -> None:
    found = results(tmp_path, {row: [math.nan] * 3 for row in VALUES})
    statistics = statistics_of(found)
    table = comparison_of(found, statistics)
    assert {one.n for one in statistics} == {0} and results_json(found, statistics)["gaps"] == []
    assert "| RGB | – |" in summary_markdown(found, table, statistics)
    assert "RGB &  & -- " in comparison_latex(table, "x")


def test_rows_can_be_paired_with_another_row(tmp_path: Path) -> None:
    recipe = toy_values(tmp_path)
    recipe["methods"]["logits"]["against"] = "pose"
    found = results(tmp_path, VALUES, methods=recipe["methods"])
    statistics = {one.row: one for one in statistics_of(found)}
    assert statistics["logits"].against == "pose" and statistics["logits"].delta == pytest.approx(-0.05 / 3)
    assert comparison_of(found, tuple(statistics.values())).rows[1].note == "difference to pose"


def test_gains_per_class_are_paired(tmp_path: Path) -> None:
    lines = class_gains_csv(results(tmp_path, VALUES), ["walk", "sit"]).splitlines()
    assert len(lines) == 1 + 3  # `sit` has no AP
    assert lines[1].startswith("logits,rgb,s,frame-map/present,walk,3,0.6,0.516667,0.0833333,0.0288675,0.0116")


def test_the_share_of_a_gap(tmp_path: Path) -> None:
    values = {**VALUES, "both": [0.60, 0.75, 0.80]}
    found = results(tmp_path, values)
    gaps = results_json(found, statistics_of(found))["gaps"]
    # a = (.10, .05, .10), d = .20 in each seed: then Fieller's interval is that of a, divided by .20
    assert len(gaps) == 1 and (gaps[0]["row"], gaps[0]["to"], gaps[0]["pairs"]) == ("logits", "both", 3)
    assert gaps[0]["share"] == pytest.approx(0.25 / 3 / 0.2)
    assert gaps[0]["low"] == pytest.approx(0.0116225 / 0.2, rel=1e-4)
    assert gaps[0]["high"] == pytest.approx(0.1550442 / 0.2, rel=1e-5)


def test_latex_is_escaped_and_bold_where_significant() -> None:
    rows = (
        MethodRow("RGB_1 & 50%", "a", (Score((0.5,), 0.5, 0.01),), baseline=True),
        MethodRow("*x [y]", "b", (Score((0.6,), 0.6, 0.02, 0.1, 0.05, 0.15),), ("pose",), featured=True),
        MethodRow("z", "b", (Score((0.5,), 0.5, None, 0.0, -0.1, 0.1),)),
        MethodRow("gone", "b", (None,)),
    )
    text = comparison_latex(Comparison((Protocol("mAP ± {x}"),), rows), "A # title")
    assert r"RGB\_1 \& 50\% &  & 50.0 $\pm$ 1.0 \\" in text
    assert r"\textbf{{*}x {[}y]} & pose & 60.0 $\pm$ 2.0 \\" in text
    assert r"{\small $\mathbf{+10.0}$ $[+5.0, +15.0]$} \\" in text and r"$+0.0$ $[-10.0, +10.0]$" in text
    assert r"gone &  & -- \\" in text and r"\caption{A \# title." in text and r"mAP $\pm$ \{x\}" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert escaped("a\\b~^") == r"a\textbackslash{}b\textasciitilde{}\textasciicircum{}"


def test_a_result_comes_back_from_json_as_it_was() -> None:
    details = {"map": {"0.10": 0.5, "0.30": math.nan}, "kept": 3}
    one = RowResult({Column("s", "event-map"): MetricResult("event-map", math.nan, {"walk": 0.25}, 4, 5, details)})
    plain = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert plain["s"]["event-map"]["value"] is None
    back = RowResult.from_json(plain)[Column("s", "event-map")]
    assert math.isnan(back.value) and math.isnan(back.details["map"]["0.30"])
    assert back.per_class == {"walk": 0.25} and (back.videos_scored, back.videos_total) == (4, 5)
