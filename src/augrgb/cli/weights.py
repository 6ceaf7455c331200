"""`augrgb import-weights` and `check-encoder`: published weights as encoder folders, and their self-test."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from augrgb.cli.options import JsonOption, WorkersOption, clock_of, requires, size_of
from augrgb.core.catalog import check_choice
from augrgb.core.errors import UsageFault, did_you_mean

if TYPE_CHECKING:
    from augrgb.encoders.files import LoadedEncoder
    from augrgb.encoders.weight_card import SelfTestResult, WeightCard
    from augrgb.workflows.probe_encoder import EncoderProbe


def import_weights(
    encoder: Annotated[str, typer.Argument(help="i3d_rgb, i3d_flow, agcn, stgcn_pp; or hf for a model folder.")],
    source: Annotated[Path, typer.Argument(help="The published .pt file, or for hf the downloaded folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Encoder folder to write, for extract and train-encoder.")],
    sha256: Annotated[str | None, typer.Option(help="SHA-256 that the file must have. Required for .pt files.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Allow reading a pickle file (in a sandboxed process).")
    ] = False,
    card: Annotated[
        Path | None, typer.Option(help="A card.json of these weights, whose numbers must be reproduced.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="For the card: name of the weights.")] = None,
    url: Annotated[str | None, typer.Option(help="For the card: where they were published.")] = None,
    license_name: Annotated[str | None, typer.Option("--license", help="For the card: license of the weights.")] = None,
    layout: Annotated[str | None, typer.Option(help="Skeleton of the weights. Default: kinect25.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Encoder option, such as stream=bone.")] = None,
    clock: Annotated[str | None, typer.Option(help="FPS,WINDOW,STRIDE for extraction.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT of frames for extraction.")] = None,
) -> None:
    """Convert published weights into an encoder folder: safetensors, checked and tested, with a weight card.

    Nothing is downloaded. A .pt file is a pickle, which could run code: it is read once, by a process that can neither
    start programs, nor open sockets, nor write other files.
    """
    from augrgb.cli.output import stdout
    from augrgb.encoders.files import load_encoder
    from augrgb.encoders.import_hf import import_hf
    from augrgb.encoders.import_weights import checked_hash
    from augrgb.encoders.import_weights import import_weights as run_import
    from augrgb.encoders.weight_card import WeightCard, read_card, self_test
    from augrgb.recipe.overrides import apply_overrides
    from augrgb.video.flow import FLOW_METHODS

    options: dict[str, Any] = apply_overrides(_skeleton(layout), settings or [])
    flow = options.get("flow")
    if isinstance(flow, dict) and "method" in flow:
        check_choice(FLOW_METHODS, str(flow["method"]), "flow method", "flow.method")
    stated = {"name": name, "source_url": url, "license": license_name}
    known: dict[str, Any] = {key: value for key, value in stated.items() if value is not None}
    given: WeightCard | None = replace(read_card(card), **known) if card is not None else None
    if given is None and known and (encoder == "hf" or sha256 is not None):
        checksum = _weights_hash(source) if encoder == "hf" else checked_hash(source, sha256)
        given = WeightCard(name or source.stem, encoder, url or "", checksum, license_name or "unknown")
    common: dict[str, Any] = {
        "trust": trust,
        "card": given,
        "options": options,
        "clock": clock_of(clock),
        "size": size_of(size),
    }
    if encoder == "hf":
        written = import_hf(source, out, sha256=sha256, **common)
    else:
        if sha256 is None:
            remedy = "Give the one that the publisher states, or that of your copy (`sha256sum FILE`)."
            raise UsageFault("E-CFG-014", "--sha256", "is required for a .pt file", remedy)
        written = run_import(source, encoder, out, sha256=sha256, **common)
    loaded = load_encoder(out)
    stdout().print(_table(loaded, written, self_test(loaded.encoder, written)))


def check_encoder(
    folder: Annotated[Path, typer.Argument(help="Encoder folder.")],
    dataset: Annotated[
        Path | None, typer.Option(help="Dataset folder: also probe what the encoder sees in its videos.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset. Default: its only one.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Encoder folder: how much of its features can be read off this one's.")
    ] = None,
    frames: Annotated[Path | None, typer.Option(help="Folder to keep decoded frames in, for the next probe.")] = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that an encoder folder reproduces its reference features on this machine.

    A folder without a card (of `train-encoder`) is only tested for features that are finite and differ between windows.

    With a dataset, two probes tell an encoder that sees actions from one that knows its rooms by heart. How much of the
    teacher's features a linear map reads off the encoder's: R2 on training, validation and test videos. And the mAP of
    the encoder's own classifier on videos as they are, with the still scene replaced, and standing still.
    """
    from augrgb.cli.output import print_json, stdout
    from augrgb.encoders.files import load_encoder
    from augrgb.encoders.import_weights import CARD
    from augrgb.encoders.weight_card import WeightCard, read_card, self_test

    for option, value in (("--split", split), ("--teacher", teacher), ("--frames", frames), ("--workers", workers)):
        if dataset is None:
            requires(option, "--dataset", value)
    loaded = load_encoder(folder)
    if (folder / CARD).is_file():
        card = read_card(folder / CARD)
    else:
        card = WeightCard(folder.name, loaded.encoder.name, "", loaded.checksum, "yours", notes="no card")
    tested = self_test(loaded.encoder, card)
    probe = _probe(loaded, dataset, split, teacher, frames, workers) if dataset is not None else None
    if as_json:
        found = {} if probe is None else asdict(probe)
        print_json({"folder": str(folder), "encoder": loaded.encoder.name, "self_test": asdict(tested), **found})
        return
    stdout().print(_table(loaded, card, tested))
    if probe is not None:
        _show_probe(probe)


def _probe(
    loaded: LoadedEncoder,
    dataset: Path,
    split: str | None,
    teacher: Path | None,
    frames: Path | None,
    workers: int | None,
) -> EncoderProbe:
    from augrgb.annotations.dataset_file import load_dataset
    from augrgb.encoders.files import load_encoder
    from augrgb.parallel.workers import available_cores
    from augrgb.workflows.probe_encoder import probe_encoder

    found = load_dataset(dataset)
    if split is None and len(found.splits) != 1:
        problem = f"{found.name} has {len(found.splits)} splits: {', '.join(found.splits)}"
        raise UsageFault("E-CFG-014", "--split", problem, "Give the one that the encoder was trained on.")
    return probe_encoder(
        loaded,
        found,
        split or next(iter(found.splits)),
        teacher=load_encoder(teacher) if teacher is not None else None,
        frames=frames,
        workers=workers or available_cores(),
    )


def _show_probe(probe: EncoderProbe) -> None:
    from augrgb.cli.output import say, stdout
    from augrgb.workflows.probe_encoder import ENOUGH_R2

    if probe.read_off:
        table = Table("role", "videos", "snippets", "R2", title="teacher read off this encoder", title_justify="left")
        for row in probe.read_off:
            table.add_row(row.role, str(row.videos), str(row.snippets), f"{row.r2:.2f}")
        stdout().print(table)
        last = probe.read_off[-1]
        if last.role in ("val", "test") and last.r2 < ENOUGH_R2:
            say(f"Below {ENOUGH_R2} on {last.role}: there the encoder does not see what the teacher sees.")
    if probe.static:
        columns = ("role", "snippets", "as filmed", "other scene", "still", "chance")
        table = Table(*columns, title="mAP of the encoder's own classifier, %", title_justify="left")
        for bias in probe.static:
            numbers = (bias.as_filmed, bias.other_scene, bias.still, bias.chance)
            table.add_row(bias.role, str(bias.snippets), *(f"{100 * number:.1f}" for number in numbers))
        stdout().print(table)


def _table(loaded: LoadedEncoder, card: WeightCard, result: SelfTestResult) -> Table:
    clock, size = loaded.settings.clock, loaded.settings.size
    flow = getattr(loaded.encoder, "flow", None)
    parameters = sum(parameter.numel() for parameter in loaded.encoder.parameters())
    tested = f"features differ between windows (variation {result.variation:.2g})"
    if result.difference is not None:
        tested = f"features equal the card's within {result.difference:.1e}; variation {result.variation:.2g}"
    rows = {
        "encoder": f"{loaded.encoder.name}: {loaded.encoder.dim} features, {parameters / 1e6:.1f} M parameters",
        "input": f"{loaded.encoder.modality}, {clock.window} frames at {clock.fps:g} a second, every {clock.stride}"
        + (f", {size[0]} x {size[1]}" if size else "")
        + (f"; {flow.method} flow up to {flow.bound:g} pixels" if flow is not None else ""),
        "weights": card.name,
        "source": card.source_url or "not given",
        "SHA-256": card.sha256,
        "license": card.license,
        "self-test": tested,
        "verified": loaded.encoder.verified,
    }
    table = Table(title=str(loaded.folder), show_header=False, title_justify="left", box=None)
    for key, value in rows.items():
        table.add_row(key, value)
    return table


def _weights_hash(folder: Path) -> str:
    from augrgb.encoders.import_hf import model_files
    from augrgb.encoders.import_weights import checked_hash

    return checked_hash(model_files(folder)[2], None)


def _skeleton(layout: str | None) -> dict[str, Any]:
    from augrgb.encoders.parts.skeleton_graphs import LAYOUTS

    if layout is None:
        return {}
    if layout not in LAYOUTS:
        raise UsageFault("E-CFG-002", "--layout", f"no layout {layout!r}", did_you_mean(layout, LAYOUTS))
    return {"names": list(LAYOUTS[layout].names), "parents": list(LAYOUTS[layout].parents)}
