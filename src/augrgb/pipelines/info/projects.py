"""Projects of `augrgb fit`, fits, comparisons, and recipes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from augrgb.core.errors import InputRefused
from augrgb.core.opening import is_file, is_folder
from augrgb.core.plain_data import read_yaml
from augrgb.pipelines.fitting.project import PROJECT_FILE, load_project
from augrgb.pipelines.fitting.summary import SETTINGS_FILE, SUMMARY_FILE, read_settings, read_summary
from augrgb.pipelines.info.datasets import dataset
from augrgb.pipelines.info.description import Info, guarded, json_object, typed
from augrgb.report.numbers import duration, percent


def project(path: Path) -> Info:
    """A project file, or the folder of one."""
    file = path / PROJECT_FILE if is_folder(path) else path
    settings = load_project(file)
    clock = settings.clock
    facts = [
        ("split", settings.split),
        ("clock", f"a snippet every {clock.stride / clock.fps:.2f} s of {clock.window} frames at {clock.fps:g} fps"),
        ("filter", f"{settings.layers} layers"),
        ("encoder", settings.encoder),
        ("held out", f"{len(settings.folds)} folds" if settings.folds else "the split's validation and test videos"),
    ]
    trained_on = guarded(settings.dataset, dataset) or Info("")
    folder = file.parent / "fit"
    steps = [f"augrgb fit {typed(file)}"]
    if is_file(folder / SUMMARY_FILE):
        facts.append(("fit", read_summary(folder).verdict))
        steps = [
            f"augrgb detect NEW_VIDEO.mp4 --model {typed(folder / 'bundle')}",
            f"open {typed(folder / 'report.html')}",
        ]
    elif is_file(folder / SETTINGS_FILE):
        facts.append(("fit", "begun, not finished"))
    else:
        steps.insert(0, f"augrgb fit {typed(file)} --dry-run")
    return Info("project of augrgb fit", (*facts, *trained_on.facts), trained_on.faults, tuple(steps))


def fit(path: Path) -> Info | None:
    """A folder that `augrgb fit` writes; None of one with settings of something else."""
    try:
        asked = read_settings(path)
    except InputRefused:
        asked = None
    if asked is None:
        return None
    facts = [
        ("dataset", str(asked["project"].get("dataset", ""))),
        ("budget", duration(asked["budget_s"]) if asked.get("budget_s") else "none"),
    ]
    if not is_file(path / SUMMARY_FILE):
        facts += list(_progress(path / "work"))
        return Info("fit, not finished", tuple(facts), next=("the `augrgb fit` that began it continues it",))
    summary = read_summary(path)
    facts += [("result", summary.verdict), ("teachers", ", ".join(summary.teachers))]
    for part in ("held_out", "test"):
        for name, value in summary.frame_map(part).items():
            facts.append((f"{name}, {part.replace('_', ' ')}", f"frame mAP {percent(value)} %"))
    faults = [f"left out: {line}" for line in summary.left_out]
    faults += [f"not finished: {line}" for line in summary.failures]
    steps = (f"augrgb detect NEW_VIDEO.mp4 --model {typed(path / 'bundle')}", f"open {typed(path / 'report.html')}")
    return Info("finished fit", tuple(facts), tuple(faults), steps)


def comparison(path: Path) -> Info:
    """A folder that `augrgb compare` writes."""
    facts: list[tuple[str, str]] = [*_progress(path)]
    if is_file(path / "results.json"):
        rows = json_object(path / "results.json", "results").get("rows", {})
        facts.append(("rows", ", ".join(map(str, rows))))
    steps = (f"open {typed(path / 'report.html')}",) if is_file(path / "report.html") else ()
    return Info("comparison", tuple(facts), next=steps)


def _progress(work: Path) -> Iterator[tuple[str, str]]:
    for part in ("encoders", "streams"):
        runs = sorted((work / part).glob("*/run.json"))
        if runs:
            done = sum(is_file(run.parent / "result.json") for run in runs)
            yield part, f"{done} of {len(runs)} begun ones finished"


def yaml_file(path: Path) -> Info:
    """A recipe of any kind, or a project file of any name."""
    from augrgb.pipelines.api import load_recipe

    values = read_yaml(path, "YAML file")
    if not isinstance(values, dict):
        return Info("YAML file that is no recipe")
    if "clock" in values and "dataset" in values and "split" in values:
        return project(path)
    load_recipe(path)
    if "methods" in values:
        kind, command = "recipe of a comparison", "compare"
    elif "encoder" in values:
        kind, command = "recipe of an encoder", "train-encoder"
    else:
        kind, command = "recipe of a stream", "distill" if values.get("distill") else "train"
    return Info(kind, (("keys", ", ".join(map(str, values))),), next=(f"augrgb {command} {path} --dry-run",))
