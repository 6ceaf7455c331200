"""The table that `--dry-run` prints."""

from __future__ import annotations

from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from augrgb.cli.output import print_json, say, stdout
from augrgb.core.errors import raise_together
from augrgb.workflows.dry_run import DryRun

_STYLES = {"ok": "green", "note": "yellow", "fault": "bold red"}


def show_dry_run(report: DryRun, *, as_json: bool = False) -> None:
    """Print the table of checks.

    Raises:
        AugrgbError: Everything that would stop the training, together.
    """
    if as_json:
        print_json({"ready": not report.faults, "checks": [asdict(check) for check in report.checks]})
        raise_together(report.faults)
        return
    table = Table(title="dry run: nothing was trained or written", title_justify="left")
    table.add_column("what")
    table.add_column("found", overflow="fold")
    table.add_column("expected", overflow="fold")
    table.add_column("")
    for check in report.checks:
        verdict = Text(check.verdict, style=_STYLES[check.verdict])
        table.add_row(check.what, Text(check.found), Text(check.expected), verdict)
    stdout().print(table)
    raise_together(report.faults)
    say("Ready to train.")
