"""Ids of annotations as an option says they are meant: another prefix, suffix, or fewer folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.videos.match_ids import IdMatch
from augrgb.annotations.videos.match_videos import renamed
from augrgb.core.errors import UsageFault

ID_OPTIONS = ("id_prefix", "id_suffix", "id_folders")


@dataclass(frozen=True, slots=True)
class IdRule:
    """How ids change.

    Args:
        prefix, suffix: Taken off where every id has it, else put on where an id lacks it. A suffix may be the ending of
            a file, such as `.npy`.
        folders: How many folders of a path to keep: 0 keeps the name alone.

    >>> IdRule(prefix="v_").names(["a", "b"]), IdRule(prefix="v_").names(["v_a", "v_b"])
    ({'a': 'v_a', 'b': 'v_b'}, {'v_a': 'a', 'v_b': 'b'})
    >>> IdRule(folders=1).names(["P01/cam1/milk"])
    {'P01/cam1/milk': 'cam1/milk'}
    """

    prefix: str = ""
    suffix: str = ""
    folders: int | None = None

    @staticmethod
    def of(options: Mapping[str, Any]) -> IdRule:
        """The rule in the options of a format.

        Raises:
            UsageFault: E-CFG-003, a value of the wrong type.
        """
        given = {key: options[key] for key in ID_OPTIONS if key in options}
        for key, value in given.items():
            right = isinstance(value, int) and value >= 0 if key == "id_folders" else isinstance(value, str) and value
            if not right or isinstance(value, bool):
                expected = "a number of folders" if key == "id_folders" else "text; quote a number: '\"01\"'"
                raise UsageFault("E-CFG-003", f"--set {key}", f"is {value!r}", f"Expected {expected}.")
        return IdRule(given.get("id_prefix", ""), given.get("id_suffix", ""), given.get("id_folders"))

    def names(self, ids: list[str]) -> dict[str, str]:
        """Id -> what it becomes."""
        found = {name: name for name in ids}
        if self.folders is not None:
            found = {i: "/".join(i.replace("\\", "/").split("/")[-self.folders - 1 :]) for i in found}
        if self.prefix:
            every = all(name.startswith(self.prefix) for name in found.values())
            found = {
                i: n.removeprefix(self.prefix) if every else _with_prefix(n, self.prefix) for i, n in found.items()
            }
        if self.suffix:
            every = all(name.endswith(self.suffix) for name in found.values())
            found = {
                i: n.removesuffix(self.suffix) if every else _with_suffix(n, self.suffix) for i, n in found.items()
            }
        return found

    def applied(self, annotations: AnnotationSet) -> AnnotationSet:
        """The annotations under the changed ids.

        Raises:
            InputRefused: E-ID-001, two ids would become one.
        """
        if self == IdRule():
            return annotations
        return renamed(annotations, IdMatch(self.names(list(annotations.videos))))


def _with_prefix(name: str, prefix: str) -> str:
    return name if name.startswith(prefix) else prefix + name


def _with_suffix(name: str, suffix: str) -> str:
    return name if name.endswith(suffix) else name + suffix
