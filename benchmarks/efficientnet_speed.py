"""Frames per processor second of `efficientnet_lite` against the package efficientnet-lite-pytorch, one thread.

    pip install --no-deps --target PACKAGE efficientnet-lite-pytorch==0.1.0
    python benchmarks/efficientnet_speed.py PACKAGE [--repeats 5] [--models lite0,lite1,lite2]

Both run the published weights (`augrgb weights get`) on the same images, in turn; the package in evaluation mode and
without gradients, four and 32 images at once. Printed: frames per processor second (best repeat), the ratio to the best
of the package, the largest difference of features, and what the arithmetic alone allows: the multiplications of the
network at the rate at which this core multiplies matrices.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.encoders.efficientnet_lite import EfficientNetLite
from augrgb.encoders.pretrained import tested_encoder
from augrgb.weights import weights_entry, weights_file


def frames_per_second(run: Callable[[], object], frames: int) -> float:
    """Of processor time."""
    began = time.process_time()
    run()
    return frames / (time.process_time() - began)


def multiplications(net: nn.Module, image: Tensor) -> float:
    """Of the convolutions, for one image."""
    total = 0.0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            total_of[0] += output.numel() * module.weight[0].numel()

    total_of = [total]
    hooks = [module.register_forward_hook(count) for module in net.modules()]
    net(image)
    for hook in hooks:
        hook.remove()
    return total_of[0]


def matrix_rate() -> float:
    """Multiplications per processor second in a product of matrices that fit the caches."""
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    began = time.process_time()
    for _ in range(100):
        a @ b
    return 100 * 512**3 / (time.process_time() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", default="lite0,lite1,lite2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(given.package))
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]
    from safetensors.torch import load_file

    for model in given.models.split(","):
        entry = weights_entry(f"efficientnet_{model}")
        ours = tested_encoder(entry)
        assert isinstance(ours, EfficientNetLite)
        theirs = EfficientNet.from_name(f"efficientnet-{model}").eval()
        theirs.load_state_dict(load_file(weights_file(entry.name)))
        images = torch.randn(32, 3, ours.side, ours.side).clamp(-1, 1)

        def features(x: Tensor, net: nn.Module = theirs) -> Tensor:
            return F.adaptive_avg_pool2d(net.extract_features(x), 1).flatten(1)  # type: ignore[operator]

        with torch.no_grad():
            difference = float((features(images[:4]) - ours.net.fast(images[:4])).abs().max())
            best = {"package, 4": 0.0, "package, 32": 0.0, "ours": 0.0}
            for _ in range(given.repeats):
                small = frames_per_second(lambda x=images, f=features: [f(one) for one in x.split(4)], 32)
                large = frames_per_second(lambda x=images, f=features: f(x), 32)
                own = frames_per_second(lambda x=images, net=ours.net: net.fast(x, 4), 32)
                for name, value in zip(best, (small, large, own), strict=True):
                    best[name] = max(best[name], value)
            count, rate = multiplications(theirs, images[:1]), matrix_rate()
        ratio = best["ours"] / max(best["package, 4"], best["package, 32"])
        shown = ", ".join(f"{name} {value:.1f}" for name, value in best.items())
        print(f"{model}: {shown} frames per processor second; ratio {ratio:.2f}; largest difference {difference:.1e}")
        print(
            f"  {count / 1e9:.3f} G multiplications a frame; at {rate / 1e9:.0f} G a second {rate / count:.0f} frames"
        )


if __name__ == "__main__":
    main()
