"""What the catalog knows about a weights file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlparse

from augrgb.weights.self_tests import SelfTest, TfliteTest


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

    @property
    def file_name(self) -> str:
        """Of the file inside the wheel."""
        return self.member.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return f"{self.project}=={self.version} on the package index, file {self.member}"


@dataclass(frozen=True, slots=True)
class AddressSource:
    """A file at an https address. An interrupted download is resumed.

    Args:
        url: Of the file.
    """

    url: str

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return unquote(urlparse(self.url).path).rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """One weights file.

    Args:
        name: What `augrgb weights get` calls it.
        what: In a few words.
        license: Of the weights, as far as it is known.
        source: Where it is fetched from; None = by hand, from `page`.
        sha256: Of the published file; "" where this project has not fetched it.
        bytes: Size of the published file; 0 = not known.
        page: Where a person reads about it.
        encoder: Catalog name of the encoder that it fits; "" if it is of no encoder.
        options: Of that encoder.
        test: How to see that it works.
        remark: What else to know, such as how to import a file that is fetched by hand.
    """

    name: str
    what: str
    license: str
    source: WheelSource | AddressSource | None = None
    sha256: str = ""
    bytes: int = 0
    page: str = ""
    encoder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    test: SelfTest | TfliteTest | None = None
    remark: str = ""

    @property
    def version(self) -> str:
        """Of the package that holds it, or the beginning of its hash."""
        return self.source.version if isinstance(self.source, WheelSource) else self.sha256[:8]

    @property
    def verified(self) -> bool:
        """Whether it was fetched, checked and run by this project: then its hash and a self-test are here."""
        return self.source is not None and bool(self.sha256) and self.test is not None

    @property
    def file_name(self) -> str:
        """Of the published file."""
        return "" if self.source is None else self.source.file_name
