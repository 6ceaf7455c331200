"""The packages stand in a line, and each imports only from those to its left."""

import ast
import subprocess
import sys
from pathlib import Path

import augrgb

LINE = [
    "core",
    "parallel",
    "video",
    "weights",
    "poses",
    "sensors",
    "annotations",
    "encoders",
    "features",
    "filters",
    "losses",
    "streams",
    "metrics",
    "detection",
    "inference",
    "watching",
    "training",
    "report",
    "recipe",
    "world",
    "workflows",
    "pipelines",
    "server",
    "cli",
]
ROOT = Path(augrgb.__file__).parent


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found |= {name.split(".")[1] for name in names if name.startswith("augrgb.")}
    return found


def test_every_package_has_its_place() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} <= set(LINE)


def test_imports_point_left() -> None:
    wrong = []
    for path in ROOT.glob("*/**/*.py"):
        package = path.relative_to(ROOT).parts[0]
        for other in imported_packages(path) - {package}:
            if LINE.index(other) > LINE.index(package):
                wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert not wrong


def test_metrics_do_without_torch() -> None:
    program = "import sys, augrgb.metrics.protocols, augrgb.core.timeline; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_new_dataset_is_made_without_torch() -> None:
    program = "import sys, augrgb.workflows.init; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
