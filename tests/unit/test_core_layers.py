"""A package imports only from layers below its own, never sideways."""

import ast
from pathlib import Path

import augrgb

LAYERS = [
    {"core"},
    {"video", "encoders", "datasets", "filters", "losses", "detection", "metrics", "world"},
    {"streams"},
    {"training", "report"},
    {"recipe"},
    {"workflows"},
    {"cli"},
]
ROOT = Path(augrgb.__file__).parent


def layer_of(package: str) -> int:
    return next(level for level, names in enumerate(LAYERS) if package in names)


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found |= {name.split(".")[1] for name in names if name.startswith("augrgb.")}
    return found


def test_every_package_has_a_layer():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set().union(*LAYERS)


def test_imports_point_down():
    wrong = []
    for path in ROOT.glob("*/**/*.py"):
        package = path.relative_to(ROOT).parts[0]
        for other in imported_packages(path) - {package}:
            if layer_of(other) >= layer_of(package):
                wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert not wrong


def test_metrics_and_types_do_without_torch():
    for path in [*(ROOT / "metrics").glob("*.py"), ROOT / "core" / "types.py", ROOT / "core" / "timeline.py"]:
        assert "torch" not in path.read_text().replace("no torch", "").replace("No torch", ""), path
