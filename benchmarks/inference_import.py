"""What importing the detector costs beyond torch, PyAV and OpenCV: `python benchmarks/inference_import.py [--runs 9]`.

Each run is a fresh interpreter with `-X importtime`. That is wall time, which other processes lengthen, so the best of
each part counts. Ends with 1 if the detector takes more than 0.15 s beyond the three libraries.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

LIMIT_S = 0.15
PROGRAM = "import torch, av, cv2\nfrom augrgb.inference import Detector"


def measure(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the three libraries, and of everything imported after them."""
    command = [sys.executable, "-X", "importtime", "-c", PROGRAM]
    lines = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stderr.splitlines()
    base_s = more_s = 0.0
    seen = False  # OpenCV is the last of the three
    for line in lines:
        _, cumulative, name = line.removeprefix("import time:").split("|")
        if cumulative.strip().isdigit() and not name.startswith("  "):  # imported by no other module
            if seen:
                more_s += int(cumulative) / 1e6
            else:
                base_s += int(cumulative) / 1e6
            seen = seen or name.strip() == "cv2"
    return base_s, more_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        measure(environment)  # compiles
        times = [measure(environment) for _ in range(runs)]
    base_s, more_s = (min(column) for column in zip(*times, strict=True))
    print(f"torch, PyAV, OpenCV   {base_s:.3f} s")
    print(f"augrgb.inference     +{more_s:.3f} s   {more_s / base_s:.3f} of that (at most {LIMIT_S} s wanted)")
    sys.exit(more_s > LIMIT_S)


if __name__ == "__main__":
    main()
