"""What an encoder must not learn by heart is changed: the still scene, by the still scenes of other windows.

Each function takes prepared windows (N, window, H, W, C) and a generator, and returns windows of the same shape; labels
and motion stay.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from augrgb.encoders.parts.foreground import PART, merged, moving_part


def change_background(x: Tensor, generator: Generator, share: float) -> Tensor:
    """Give windows a part of the still scene of other windows of the batch; what moves, and how, stays.

    The still scene is the mean over a window's frames. After Wang et al., "Removing the Background by Adding the
    Background", CVPR 2021, who add a still frame to all frames, and Li et al., "Mitigating and Evaluating Static Bias
    of Action Representations in the Background and the Foreground", ICCV 2023 (StillMix).
    Deviation: the own scene fades as the other comes, by a part that is uniform in [0, min(share, 1)).
    """
    part = _uniform(x, generator) * min(share, 1.0)
    still = x.mean(dim=1, keepdim=True)
    return x + part * (still[_others(x, generator)] - still)


def add_own_frame(x: Tensor, generator: Generator, share: float) -> Tensor:
    """Mix a random frame of a window into all of its frames: the scene is distracting, the motion stays.

    Wang et al., "Removing the Background by Adding the Background: Towards Background Robust Self-supervised Video
    Representation Learning", CVPR 2021, eq. 1: `(1 - part) x_t + part x_j`, part uniform in [0, share).
    Deviation: with labels, so without their consistency term.
    """
    frame = torch.randint(x.shape[1], (len(x),), generator=generator, device=generator.device).to(x.device)
    chosen = x[torch.arange(len(x), device=x.device), frame][:, None]
    return torch.lerp(x, chosen.expand_as(x), _uniform(x, generator) * min(share, 1.0))


def replace_background(x: Tensor, generator: Generator, chance: float, part: float = PART) -> Tensor:
    """Put the moving part of a window in front of another window of the batch, with a probability of `chance`.

    Ding et al., "Motion-aware Contrastive Video Representation Learning via Foreground-background Merging" (FAME),
    CVPR 2022, eq. 4. Deviation: the other window gives its still scene, not its motion, as labels are at stake here.
    """
    scene = x.mean(dim=1, keepdim=True)[_others(x, generator)].expand_as(x)
    return torch.where(_chosen(x, generator, chance), merged(x, scene, moving_part(x, part)), x)


def still_mix(x: Tensor, generator: Generator, chance: float) -> Tensor:
    """Mix windows half and half with a still frame of another window, with a probability of `chance`.

    Li et al., "Mitigating and Evaluating Static Bias of Action Representations in the Background and the Foreground"
    (StillMix), ICCV 2023, eq. 3: labels stay those of the moving window; the part is Beta(200, 200), so nearly a half.
    Deviations: exactly a half, and frames are drawn evenly, not by how well a network of images recognizes them.
    """
    frame = torch.randint(x.shape[1], (len(x),), generator=generator, device=generator.device).to(x.device)
    still = x[_others(x, generator), frame][:, None]
    return torch.where(_chosen(x, generator, chance), (x + still) / 2, x)


def _others(x: Tensor, generator: Generator) -> Tensor:
    return torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)


def _uniform(x: Tensor, generator: Generator) -> Tensor:
    return torch.rand((len(x), 1, 1, 1, 1), generator=generator, device=generator.device).to(x)


def _chosen(x: Tensor, generator: Generator, chance: float) -> Tensor:
    return _uniform(x, generator) < chance
