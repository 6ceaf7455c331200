"""`augrgb export`: a model as ONNX and torch.export files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption


def export(
    model: Annotated[Path, typer.Argument(help="Run folder or bundle to export.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the exported model.")],
    as_json: JsonOption = False,
) -> None:
    """Export a model to ONNX and torch.export, if it gives the same results; `augrgb detect` runs it without torch."""
    from augrgb.cli.output import print_json, say
    from augrgb.inference.export.write import export_bundle

    exported = export_bundle(model, out)
    worst = max(exported.differences.values())
    if as_json:
        print_json({"files": list(exported.files), "differences": exported.differences})
        return
    lengths = ", ".join(map(str, exported.differences))
    say(f"Written: {', '.join(map(str, exported.files))}")
    say(f"Largest difference of a score from torch on {lengths} snippets: {worst:.1g}")
    say(f"Next: augrgb detect VIDEO --model {out}")
