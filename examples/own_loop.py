"""A distillation loss in a training loop of your own: plain tensors, no recipe, no augrgb trainer."""

import torch
from torch import nn

from augrgb.losses import AtomicContrastive, boundary_saliency

torch.manual_seed(0)
B, T, K = 8, 50, 5  # videos, snippets per video, classes

# Your data: RGB features, the frozen teacher's features for the same snippets, labels, and which snippets are real.
labels = (torch.rand(B, T, K) < 0.2).float()
teacher = labels @ torch.randn(K, 64) + 0.1 * torch.randn(B, T, 64)
rgb = labels @ torch.randn(K, 32) + torch.randn(B, T, 32)
mask = torch.arange(T) < torch.tensor([50, 50, 40, 50, 30, 50, 50, 20])[:, None]

# Your network. Here one layer; features (B, T, C) are distilled, logits (B, T, K) are trained on labels.
backbone, classifier = nn.Linear(32, 64), nn.Linear(64, K)

# A loss as a module: widths differ in general, so it may learn a projection, which is optimized with the network.
contrastive = AtomicContrastive(student=64, teacher=64, temperature=0.1, negatives="different_labels")
optimizer = torch.optim.AdamW([*backbone.parameters(), *classifier.parameters(), *contrastive.parameters()], lr=1e-2)

for step in range(30):
    features = backbone(rgb)
    logits = classifier(features)
    detection = nn.functional.binary_cross_entropy_with_logits(logits[mask], labels[mask])
    atomic = contrastive(features, teacher, mask, labels=labels)
    boundary = boundary_saliency(features, teacher, mask)  # a loss as a function: nothing to train
    optimizer.zero_grad()
    (detection + 0.1 * atomic + 0.5 * boundary).backward()
    optimizer.step()
    if step % 10 == 0 or step == 29:
        print(f"step {step:2d}: detection {detection:.3f}, atomic {atomic:.3f}, boundary {boundary:.4f}")
