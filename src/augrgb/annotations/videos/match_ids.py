"""Ids of one file beside the ids of another: matched by name, by file name, by folder, or by one constant affix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from augrgb.annotations.findings import Finding
from augrgb.video.folder import VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class IdMatch:
    """Which known id each id means.

    Args:
        names: Id -> known id, only where one was found.
        rule: How ids that are written differently were matched, "" where all are the same.
    """

    names: Mapping[str, str]
    rule: str = ""

    def of(self, name: str) -> str:
        """The known id, or the id itself."""
        return self.names.get(name, name)

    def finding(self, where: object) -> list[Finding]:
        """A note for ids that were matched by a rule."""
        pairs = [f"{name!r} is {known!r}" for name, known in self.names.items() if name != known]
        detail = f"{self.rule}: {pairs[0]}" + (f" and {len(pairs) - 1} more" if len(pairs) > 1 else "") if pairs else ""
        return [Finding("E-ID-007", "ids written differently", "noted", str(where), detail)] if pairs else []


def match_ids(ids: Iterable[str], known: Collection[str]) -> IdMatch:
    """Find for each id the known one that it means.

    In this order: the same id; the same without the ending of a video file; the path of which the other is the end
    (`P03/cam01/milk` and `cam01/milk.avi`); and, where none of the ids was found in any of these ways, one prefix
    or suffix that all of them lack or have. What fits several known ids is left alone.

    >>> match_ids(["aaa", "bbb"], ["v_aaa", "v_bbb", "v_ccc"])
    IdMatch(names={'aaa': 'v_aaa', 'bbb': 'v_bbb'}, rule="the prefix 'v_' was added")
    >>> match_ids(["cam1/milk.avi", "b"], ["P03/cam1/milk", "P03/cam2/milk", "b"]).names
    {'cam1/milk.avi': 'P03/cam1/milk', 'b': 'b'}
    """
    ids = list(ids)
    bare: dict[str, list[str]] = {}
    for one in known:
        bare.setdefault(without_ending(one), []).append(one)
    tails: dict[str, list[str]] = {}
    for one in bare:
        parts = one.split("/")
        for start in range(1, len(parts)):
            tails.setdefault("/".join(parts[start:]), []).append(one)
    names: dict[str, str] = {}
    rules: dict[str, None] = {}
    several = False
    exact = set(known)
    for name in ids:
        if name in exact:
            names[name] = name
            continue
        plain = without_ending(name)
        found, rule = bare.get(plain, []), "endings of files do not count"
        if not found:
            found, rule = [one for tail in tails.get(plain, []) for one in bare[tail]], "folders were added"
        if not found:
            parts = plain.split("/")
            ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
            found, rule = next((bare[end] for end in ends if end in bare), []), "folders do not count"
        if len(found) == 1:
            names[name] = found[0]
            rules[rule] = None
        several = several or len(found) > 1
    if names or several or not ids:
        return IdMatch(names, "; ".join(rules))
    return _by_affix(ids, bare)


def without_ending(name: str) -> str:
    """An id without the ending of a video file, with forward slashes.

    >>> without_ending("cam1\\\\milk.AVI"), without_ending("S01.E02")
    ('cam1/milk', 'S01.E02')
    """
    slashed = name.replace("\\", "/").removeprefix("./")
    suffix = PurePosixPath(slashed).suffix
    return slashed[: -len(suffix)] if suffix.lower() in VIDEO_SUFFIXES else slashed


def _by_affix(ids: list[str], bare: Mapping[str, list[str]]) -> IdMatch:
    """All ids by the one prefix or suffix that they lack or have in excess; nothing where several would do as well."""
    plain = {name: without_ending(name) for name in ids}
    tried: dict[tuple[str, str], dict[str, str]] = {}
    for how, affix in _affixes(plain.values(), bare):
        names = {}
        for name, text in plain.items():
            meant = _with(how, text, affix)
            if meant != text and len(bare.get(meant, ())) == 1:
                names[name] = bare[meant][0]
        telling = _is_separate(how, affix) or (len(names) >= 3 and len(names) in (len(ids), len(bare)))
        if telling and len(names) >= len(ids) / 2 and len(set(names.values())) == len(names):
            tried[how, affix] = names
    most = max(map(len, tried.values()), default=0)
    best = [key for key, names in tried.items() if len(names) == most]
    if len(best) != 1:
        return IdMatch({})
    how, affix = best[0]
    return IdMatch(tried[best[0]], f"the {how.split()[0]} {affix!r} was {how.split(maxsplit=1)[1]}")


def _affixes(texts: Iterable[str], bare: Collection[str]) -> set[tuple[str, str]]:
    """What the shortest id lacks of the known ones, and what the shortest known one lacks of the ids."""
    texts = list(texts)
    found: set[tuple[str, str]] = set()
    for short, others, what in (
        (min(texts, key=len), bare, "added"),
        (min(bare, key=len, default=""), texts, "left out"),
    ):
        for other in others:
            if short and len(other) > len(short):
                if other.endswith(short):
                    found.add((f"prefix {what}", other[: -len(short)]))
                if other.startswith(short):
                    found.add((f"suffix {what}", other[len(short) :]))
    return found


def _is_separate(how: str, affix: str) -> bool:
    """Whether a sign stands between the affix and the name: `v_`, `-rgb`; `1` before `2` could be another number."""
    return not (affix[-1] if how.startswith("prefix") else affix[0]).isalnum()


def _with(how: str, text: str, affix: str) -> str:
    if how == "prefix added":
        return affix + text
    if how == "suffix added":
        return text + affix
    return text.removeprefix(affix) if how.startswith("prefix") else text.removesuffix(affix)
