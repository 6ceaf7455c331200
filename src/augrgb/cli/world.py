"""`augrgb world`: the built-in synthetic dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption, WorkersOption

world_app = typer.Typer(help="Make the built-in synthetic dataset of daily actions.", no_args_is_help=True)


@world_app.command("make")
def world_make(
    out: Annotated[Path, typer.Option("--out", "-o", help="Dataset folder to write.")],
    seed: Annotated[int, typer.Option(help="Random seed. The same seed gives the same dataset, byte for byte.")] = 0,
    motion: Annotated[
        Path | None, typer.Option(help="Render recorded motion instead: a folder of BVH files or a packed .npz.")
    ] = None,
    styles: Annotated[bool, typer.Option("--styles", help="With --motion: also label the style of each clip.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Setting of the world, such as lighting=0.5.", metavar="KEY=VALUE")
    ] = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a synthetic dataset: untrimmed MP4s of a moving figure, 3D poses, annotations and splits."""
    from augrgb.cli.output import print_json, stdout
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import dataset_json, dataset_table
    from augrgb.parallel.workers import available_cores
    from augrgb.recipe.overrides import apply_overrides
    from augrgb.world import WorldSettings, load_bvh_motion, load_packed_motion
    from augrgb.world.make import make_world, make_world_from_motion

    chosen = WorldSettings.from_json(apply_overrides({"seed": seed}, settings or []))
    with StageBars() as bars:
        progress = bars.counter("world")
        count = workers or available_cores()
        if motion is None:
            dataset = make_world(out, chosen, workers=count, progress=progress)
        else:
            library = load_bvh_motion(motion) if motion.is_dir() else load_packed_motion(motion)
            dataset = make_world_from_motion(out, library, chosen, styles=styles, workers=count, progress=progress)
    if as_json:
        print_json(dataset_json(dataset) | {"folder": out})
    else:
        stdout().print(dataset_table(dataset))
