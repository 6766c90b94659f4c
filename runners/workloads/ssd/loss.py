"""The loss of SSD: places of the objects, and kinds with as many background boxes as are useful.

Source: Liu et al., SSD, ECCV 2016, section 2.2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, smooth_l1_loss

NEGATIVES_PER_POSITIVE = 3


def hard_negatives(losses: Tensor, labels: Tensor) -> Tensor:
    """The background boxes that are learnt from, as a mask (n, boxes).

    For each image three times as many as it has boxes with an object: those of the largest loss.
    """
    positive = labels > 0
    allowed = NEGATIVES_PER_POSITIVE * positive.sum(1, keepdim=True)
    order = losses.detach().masked_fill(positive, -1.0).argsort(dim=1, descending=True, stable=True)
    ranks = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    return (ranks < allowed) & ~positive


def multibox_loss(offsets: Tensor, logits: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
    """Mean over the images of the loss per box with an object; 0 for an image without."""
    positive = labels > 0
    place = smooth_l1_loss(offsets, wanted, reduction="none").sum(2)
    kind = cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    used = positive | hard_negatives(kind, labels)
    per_image = (place * positive).sum(1) + (kind * used).sum(1)
    return (per_image / positive.sum(1).clamp(min=1)).mean()
