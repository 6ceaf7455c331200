"""Read and check a comparison recipe: every mistake in it, in any method, is reported at once, before data is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from augrgb.core.errors import AugrgbError, FaultList, UsageFault, did_you_mean, raise_together
from augrgb.core.nested import merge_dotted
from augrgb.encoders import ENCODERS
from augrgb.metrics.protocols import find_protocol
from augrgb.pipelines.comparison.graph import graph_of, reachable
from augrgb.pipelines.comparison.recipe import (
    KEY,
    ComparisonRecipe,
    EncoderEntry,
    FusionEntry,
    MethodEntry,
)
from augrgb.pipelines.comparison.search_space import grid_size
from augrgb.pipelines.comparison.values import Places, encoder_values, stream_values
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.load import check_recipe, validation_faults, with_base
from augrgb.recipe.overrides import apply_overrides
from augrgb.recipe.schema import StreamRecipe

_ENTRIES: dict[str, type[BaseModel]] = {"encoders": EncoderEntry, "methods": MethodEntry, "fusions": FusionEntry}
_OWN_KEYS = {"stream": ("distill", "seed"), "encoder": ("distill", "seed", "encoder")}
Model = TypeVar("Model", bound=BaseModel)


def load_comparison(path: Path, overrides: Sequence[str] = ()) -> ComparisonRecipe:
    """Read and check a comparison recipe; relative paths in it are relative to the working folder.

    Args:
        path: A file, or the name of a built-in recipe such as `ablation`.

    Raises:
        UsageFault: The file is absent, not YAML, or anything in it is wrong (all faults together).
    """
    return check_comparison(apply_overrides(with_base(path), overrides), where=str(path))


def check_comparison(values: Mapping[str, Any], where: str = "comparison") -> ComparisonRecipe:
    """Plain values -> a checked comparison, each of whose cells is a sound recipe.

    Raises:
        UsageFault: Anything is wrong (all faults together).
    """
    faults: list[AugrgbError] = []
    sound: dict[str, dict[str, Any]] = {}
    for part, model in _ENTRIES.items():
        entries = values.get(part)
        sound[part] = {}
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            place = f"{where}: {part}.{key}"
            if not re.match(KEY, str(key)) or re.search(r"-\d+$", str(key)):
                problem = "keys name folders: letters, digits, and . _ + - inside, not ending in a dash and a number"
                faults.append(UsageFault("E-CFG-030", place, problem))
            elif _validated(model, entry, place, faults) is not None:
                sound[part][key] = entry
    # What is left has its own faults; a part with faulty entries must not be reported a second time.
    rest = {key: sound[key] if key in _ENTRIES and isinstance(value, dict) else value for key, value in values.items()}
    if isinstance(values.get("methods"), dict) and values["methods"] and not sound["methods"]:
        rest["methods"] = {"rgb": {}}
    recipe = _validated(ComparisonRecipe, rest, where, faults)
    if recipe is not None:
        faults += _base_faults(recipe, where)
        faults += _reference_faults(recipe, values, where)
        sound_base = _on_sound_ground(recipe, faults, where)
        faults += _cell_faults(sound_base, where)
        searchable = not faults  # trials are made of all the rest
        faults += _search_faults(recipe, values, where)
        faults += _trial_faults(recipe, where) if searchable else ()
    raise_together(_once(faults))
    if recipe is None:
        raise ValueError("a recipe without faults must exist")
    return recipe


def _validated(model: type[Model], values: Any, where: str, faults: list[AugrgbError]) -> Model | None:
    if not isinstance(values, Mapping):
        faults.append(UsageFault("E-CFG-025", where, f"expected a mapping, got {values!r}"[:200]))
        return None
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults += validation_faults(error, model, where)
        return None


def _base_faults(recipe: ComparisonRecipe, where: str) -> Iterator[AugrgbError]:
    """Faults of the recipes that everything starts from, found once and not once per method."""
    for part, keys in _OWN_KEYS.items():
        for key in keys:
            if key in getattr(recipe, part):
                problem = "belongs to the comparison, not to what everything starts from"
                yield UsageFault("E-CFG-031", f"{where}: {part}.{key}", problem, "See docs/compare.md.")
    stream = {key: value for key, value in recipe.stream.items() if key not in _OWN_KEYS["stream"]}
    data = stream.get("data")
    if isinstance(data, dict):
        stream["data"] = {"features": {}, **data}
    yield from _recipe_faults(stream, StreamRecipe, f"{where}: stream")
    if recipe.encoder and isinstance(data, dict) and "dataset" in data:
        encoder = {key: value for key, value in recipe.encoder.items() if key not in _OWN_KEYS["encoder"]}
        own_data = encoder.get("data", {})
        if isinstance(own_data, dict):
            encoder["data"] = {"dataset": data["dataset"], **own_data}
        yield from _recipe_faults({**encoder, "encoder": {"small_rgb": {}}}, EncoderRecipe, f"{where}: encoder")
    for name in recipe.protocols:
        try:
            find_protocol(name)
        except AugrgbError as fault:
            yield UsageFault("E-CFG-002", f"{where}: protocols", f"no such protocol as {name!r}", fault.remedy)
    for values, key in ((recipe.seeds, "seeds"), (recipe.tests, "tests"), (recipe.protocols, "protocols")):
        if len(set(map(str, values))) < len(values):
            yield UsageFault("E-CFG-017", f"{where}: {key}", f"something is listed twice in {values}")


def _on_sound_ground(recipe: ComparisonRecipe, faults: Sequence[AugrgbError], where: str) -> ComparisonRecipe:
    """The same methods on the smallest sound base where the base has faults, so that theirs are found as well."""
    bad = {p for p in _OWN_KEYS for f in faults if re.match(rf"{re.escape(where)}: {p}(\W|$)", f.where)}
    data = recipe.stream.get("data")
    folders = data.get("features") if isinstance(data, dict) else None
    features = {str(name): "features" for name in folders} if isinstance(folders, dict) else {}
    sound = {"stream": {"data": {"dataset": "dataset", "features": features}}, "encoder": {}}
    return recipe.model_copy(update={part: sound[part] for part in bad})


def _reference_faults(recipe: ComparisonRecipe, values: Mapping[str, Any], where: str) -> Iterator[AugrgbError]:
    """Names of encoders, methods and rows that do not exist, and circles of teachers.

    Names are looked up in the raw `values`: an entry with faults of its own is known nevertheless.
    """
    known = {part: list(values[part]) if isinstance(values.get(part), dict) else [] for part in _ENTRIES}
    rows = known["methods"] + known["fusions"]

    def absent(name: str, names: list[str], place: str, kind: str) -> Iterator[AugrgbError]:
        if name not in names:
            yield UsageFault("E-CFG-002", f"{where}: {place}", f"no such {kind} as {name!r}", did_you_mean(name, names))

    for key, encoder in recipe.encoders.items():
        for needed in encoder.needs:
            field = "distill.teachers" if needed in encoder.teachers else "start"
            yield from absent(needed, known["encoders"], f"encoders.{key}.{field}", "encoder")
            other = recipe.encoders.get(needed)
            if encoder.seeds == "shared" and other is not None and other.seeds == "each":
                part = "teacher" if needed in encoder.teachers else "start"
                problem = f"is shared by all seeds, but its {part} {needed!r} is not"
                yield UsageFault("E-CFG-032", f"{where}: encoders.{key}", problem, "Give both the same `seeds`.")
        for method_name in encoder.distill.streams.values() if encoder.distill is not None else ():
            yield from absent(method_name, known["methods"], f"encoders.{key}.distill.streams", "method")
            if encoder.seeds == "shared":
                problem = f"is shared by all seeds, but its teacher, the stream {method_name!r}, is not"
                yield UsageFault("E-CFG-032", f"{where}: encoders.{key}", problem, "Leave out `seeds: shared`.")
    for key, method in recipe.methods.items():
        if method.encoder is not None:
            yield from absent(method.encoder, known["encoders"], f"methods.{key}.encoder", "encoder")
        for tried in recipe.grid(key).get("encoder", []):
            yield from absent(str(tried), known["encoders"], f"search of {key}: encoder", "encoder")
        for teacher in method.teachers:
            yield from absent(teacher, rows, f"methods.{key}.teachers", "method")
        if method.losses and not method.teachers:
            yield UsageFault("E-CFG-033", f"{where}: methods.{key}", "has losses but no teachers")
        if method.teachers and not method.losses:
            yield UsageFault("E-CFG-033", f"{where}: methods.{key}", "has teachers but no losses")
        data = method.set.get("data")
        if "data.dataset" in method.set or (isinstance(data, dict) and "dataset" in data):
            yield UsageFault("E-CFG-034", f"{where}: methods.{key}.set", "all methods have one dataset, that of stream")
    for key, fusion in recipe.fusions.items():
        if key in recipe.methods:
            yield UsageFault("E-CFG-017", f"{where}: fusions.{key}", "a method has this key too")
        for member in fusion.members:
            yield from absent(member, known["methods"], f"fusions.{key}.members", "method")
    for key, row in recipe.rows.items():
        if row.against is not None:
            yield from absent(row.against, rows, f"{key}.against", "method or fusion")
    yield from absent(recipe.baseline, rows, "baseline", "method or fusion")
    if recipe.featured is not None:
        yield from absent(recipe.featured, rows, "featured", "method or fusion")
    for part in ("gaps", "timelines"):
        for row_name in getattr(recipe, part):
            yield from absent(row_name, rows, part, "method or fusion")
    for method_name in recipe.curves:
        yield from absent(method_name, known["methods"], "curves", "method")
    for split in recipe.test_names:
        yield from absent(split, recipe.splits(), "test_names", "tested split")
    graph = graph_of(recipe)
    for name in graph:
        if name in reachable(graph, name):
            yield UsageFault("E-CFG-035", f"{where}: {name}", "teaches itself, through its teachers' teachers")


def _cell_faults(recipe: ComparisonRecipe, where: str) -> Iterator[AugrgbError]:
    """Faults of the recipe that each encoder and method comes to."""
    places, seed = Places(Path("compare"), recipe), recipe.seeds[0]
    for key, entry in recipe.encoders.items():
        values, faults = _made(f"{where}: encoders.{key}", encoder_values, recipe, places, key, seed)
        yield from faults
        if values is not None:
            yield from _recipe_faults(values, EncoderRecipe, f"{where}: encoders.{key}")
        if len(entry.encoder) != 1:
            yield UsageFault("E-CFG-016", f"{where}: encoders.{key}.encoder", f"choose one, got {list(entry.encoder)}")
    for key, method in recipe.methods.items():
        wanted = (key, *recipe.teaching(key))
        involved = [recipe.methods[name] for name in wanted if name in recipe.methods]
        names = [one.encoder for one in involved if one.encoder is not None]
        kinds = [kind for name in names if name in recipe.encoders for kind in recipe.encoders[name].encoder]
        missing = len(involved) < len(wanted) or len(kinds) != len(names)
        place, values, faults = f"{where}: methods.{key}", None, []
        if not missing and all(kind in ENCODERS for kind in kinds):
            values, faults = _made(place, stream_values, recipe, places, key, seed)
        if values is None:  # the faults of its sources are reported where they are named
            values, more = _made(place, _without_sources, recipe, method)
            faults = faults + more
        yield from faults
        if values is not None:
            if bool(method.losses) != bool(method.teachers):
                values.pop("distill", None)  # reported already
            yield from _recipe_faults(values, StreamRecipe, place)


def _search_faults(recipe: ComparisonRecipe, values: Mapping[str, Any], where: str) -> Iterator[AugrgbError]:
    """Faults of the search, and methods that would make fewer trials than the others without saying so.

    `search=null` leaves a recipe's search out, whatever its methods say about it.
    """
    search = recipe.search
    if search is None and "search" in values:
        return
    if search is None:
        for key, method in recipe.methods.items():
            if method.grid or method.trials is not None:
                yield UsageFault("E-CFG-036", f"{where}: methods.{key}", "has a grid or trials, but there is no search")
        return
    for seed in sorted(set(search.seeds) & set(recipe.seeds)):
        problem = f"seed {seed} is of the tests too"
        yield UsageFault(
            "E-CFG-041", f"{where}: search.seeds", problem, "Choose settings with seeds that no test uses."
        )
    if len(set(search.seeds)) < len(search.seeds):
        yield UsageFault("E-CFG-017", f"{where}: search.seeds", f"something is listed twice in {search.seeds}")
    if search.encoder_seed is not None and search.encoder_seed not in search.seeds:
        # encoders of a test seed will do: trials are scored on validation videos, with streams that no test uses
        place = f"{where}: search.encoder_seed"
        by_streams = [key for key, entry in recipe.encoders.items() if entry.distill and entry.distill.streams]
        if search.encoder_seed not in recipe.seeds:
            problem = f"{search.encoder_seed} is none of the seeds of the search {search.seeds} or of the tests"
            yield UsageFault("E-CFG-036", place, problem)
        elif by_streams:
            problem = f"encoders of the test seed {search.encoder_seed} are taught by streams, which are searched first"
            yield UsageFault("E-CFG-036", place, f"{problem}: {', '.join(by_streams)}", "Name a seed of the search.")
    try:
        find_protocol(search.protocol)
    except AugrgbError as fault:
        problem = f"no such protocol as {search.protocol!r}"
        yield UsageFault("E-CFG-002", f"{where}: search.protocol", problem, fault.remedy)
    for key, method in recipe.methods.items():
        size = grid_size(recipe.grid(key))
        if method.trials is not None and method.trials > min(search.budget, size):
            problem = f"{method.trials} trials of a grid with {size} settings and a budget of {search.budget}"
            yield UsageFault("E-CFG-036", f"{where}: methods.{key}.trials", problem)
        elif method.trials is None and size < search.budget:
            problem = f"its grid holds {size} settings, but every method makes {search.budget} trials"
            remedy = f"Give it more values (methods.{key}.grid), or say `trials: {size}` outright."
            yield UsageFault("E-CFG-036", f"{where}: methods.{key}", problem, remedy)


def _trial_faults(recipe: ComparisonRecipe, where: str) -> Iterator[AugrgbError]:
    """Faults of the recipe that each trial comes to."""
    for key in recipe.methods:
        for settings in recipe.trials(key):
            place = f"{where}: search of {key}"
            try:
                tried = recipe.settled({key: settings})
                if tried.methods[key].teachers.keys() != recipe.methods[key].teachers.keys():
                    raise UsageFault("E-CFG-037", place, "a trial has other teachers", "Make it a method of its own.")
                values = stream_values(tried, Places(Path("compare"), recipe), key, recipe.seeds[0])
                yield from _recipe_faults(values, StreamRecipe, place)
            except ValidationError as error:
                yield from validation_faults(error, MethodEntry, place)
            except KeyError as error:
                yield UsageFault("E-CFG-002", place, f"no such encoder or method as {error}")
            except UsageFault as fault:
                yield _placed(fault, place)


def _without_sources(recipe: ComparisonRecipe, method: MethodEntry) -> dict[str, Any]:
    """What can be checked of a method whose encoder or teachers have faults: all but features and modality."""
    values = merge_dotted(recipe.stream, {"data": {"features": {}}})
    if method.filter is not None:
        values["student"] = {"filter": method.filter}
    if method.losses:
        losses = {name: loss.model_dump(mode="json") for name, loss in method.losses.items()}
        values["distill"] = {"teachers": {"teacher": "teacher"}, "losses": losses}
    return merge_dotted(values, method.set)


def _recipe_faults(values: Mapping[str, Any], kind: Any, where: str) -> Iterator[AugrgbError]:
    try:
        check_recipe(values, kind, where=where)
    except FaultList as several:
        yield from several.faults
    except UsageFault as fault:
        yield fault


def _made(where: str, make: Callable[..., dict[str, Any]], *arguments: Any) -> tuple[Any, list[UsageFault]]:
    """The values that `make` returns, or None and the fault that it raises, with its place."""
    try:
        return make(*arguments), []
    except UsageFault as fault:
        return None, [_placed(fault, where)]


def _placed(fault: UsageFault, where: str) -> UsageFault:
    inside = f"{where}: {fault.where}" if fault.where else where
    return UsageFault(fault.code, inside, fault.problem, fault.remedy)


def _once(faults: list[AugrgbError]) -> list[AugrgbError]:
    """The same list without repetitions: one mistake can show in several cells."""
    return list({str(fault): fault for fault in faults}.values())
