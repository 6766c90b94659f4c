"""NeuMF: generalised matrix factorisation beside a multi-layer perceptron.

Source: He et al., Neural Collaborative Filtering, WWW 2017, section 3.4; initialisation as in the
MLPerf v0.5 reference (normal with standard deviation 0.01, Glorot, and LeCun for the output).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class NeuMF(nn.Module):
    """Scores (logits) of user-item pairs."""

    def __init__(self, users: int, items: int, gmf_width: int, mlp_widths: Sequence[int]) -> None:
        super().__init__()
        self.gmf_user = nn.Embedding(users, gmf_width)
        self.gmf_item = nn.Embedding(items, gmf_width)
        self.mlp_user = nn.Embedding(users, mlp_widths[0] // 2)
        self.mlp_item = nn.Embedding(items, mlp_widths[0] // 2)
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(mlp_widths):
            layers += [nn.Linear(width_in, width_out), nn.ReLU()]
        self.mlp = nn.Sequential(*layers)
        self.output = nn.Linear(gmf_width + mlp_widths[-1], 1)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.01)
            elif isinstance(module, nn.Linear) and module is not self.output:
                nn.init.xavier_uniform_(module.weight)
        limit = (3.0 / self.output.in_features) ** 0.5
        nn.init.uniform_(self.output.weight, -limit, limit)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Logits of the pairs ``(users[i], items[i])``, shape as both."""
        gmf = self.gmf_user(users) * self.gmf_item(items)
        mlp = self.mlp(torch.cat((self.mlp_user(users), self.mlp_item(items)), -1))
        logits: torch.Tensor = self.output(torch.cat((gmf, mlp), -1))
        return logits.squeeze(-1)
