"""What `--dry-run` prints."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from augrgb.cli.tables import stdout
from augrgb.core.errors import raise_together
from augrgb.workflows.dry_run import DryRun

_STYLES = {"ok": "green", "note": "yellow", "fault": "bold red"}


def show_dry_run(report: DryRun) -> None:
    """Print the table of checks.

    Raises:
        AugrgbError: Everything that would stop the training, together.
    """
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
    stdout().print("Ready to train.", highlight=False)
