"""The Transformer, with layer norms before each part and one embedding for both sides and the output.

Source: Vaswani et al., Attention Is All You Need, NeurIPS 2017; pre-norm as in the MLPerf reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention

from mlperf_runners.workloads.translation.beam import Translator

Cached = tuple[torch.Tensor, torch.Tensor]
"""Keys and values, shape (n, heads, length, head width)."""


@dataclass
class Memory:
    """What decoding has worked out so far, for each layer."""

    mask: torch.Tensor
    """Which source pieces are no padding, shape (n, 1, 1, length)."""
    source: list[Cached]
    past: list[Cached | None] = field(default_factory=list)
    """Of the target pieces before; filled when decoding piece by piece."""
    coverage: None = None

    def repeated(self, times: int) -> Memory:
        """Each row so many times in succession; before anything is decoded."""
        source = [
            (keys.repeat_interleave(times, 0), values.repeat_interleave(times, 0))
            for keys, values in self.source
        ]
        return Memory(self.mask.repeat_interleave(times, 0), source, list(self.past))

    def reorder(self, rows: torch.Tensor) -> None:
        """Let row i go on from what was row ``rows[i]``."""
        self.past = [None if pair is None else (pair[0][rows], pair[1][rows]) for pair in self.past]


class Attention(nn.Module):
    """Multi-head attention."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self._heads = heads
        self._dropout = dropout
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def keys_values(self, inputs: torch.Tensor) -> Cached:
        """What others attend to."""
        return self._split(self.key(inputs)), self._split(self.value(inputs))

    def forward(
        self, inputs: torch.Tensor, attended: Cached, mask: torch.Tensor | None, causal: bool = False
    ) -> torch.Tensor:
        dropout = self._dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(
            self._split(self.query(inputs)), *attended, attn_mask=mask, dropout_p=dropout, is_causal=causal
        )
        result: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return result

    def _split(self, values: torch.Tensor) -> torch.Tensor:
        rows, length, width = values.shape
        return values.view(rows, length, self._heads, width // self._heads).transpose(1, 2)


class Layer(nn.Module):
    """Self-attention, attention to the source (in decoders), and a position-wise network."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float, decodes: bool) -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width), Attention(width, heads, dropout)
        self.attend_source = Attention(width, heads, dropout) if decodes else None
        self.norm_source = nn.LayerNorm(width) if decodes else None
        self.norm_inner = nn.LayerNorm(width)
        self.inner = nn.Sequential(
            nn.Linear(width, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, width)
        )
        self.drop = nn.Dropout(dropout)

    def encode(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        normed = self.norm_self(states)
        states = states + self.drop(self.attend_self(normed, self.attend_self.keys_values(normed), mask))
        return self._through_inner(states)

    def decode(
        self, states: torch.Tensor, source: Cached, mask: torch.Tensor, past: Cached | None
    ) -> tuple[torch.Tensor, Cached]:
        """States after this layer, with keys and values of all target pieces so far."""
        assert self.attend_source is not None
        assert self.norm_source is not None
        normed = self.norm_self(states)
        seen = self.attend_self.keys_values(normed)
        if past is not None:
            seen = torch.cat((past[0], seen[0]), 2), torch.cat((past[1], seen[1]), 2)
        states = states + self.drop(self.attend_self(normed, seen, None, causal=past is None))
        states = states + self.drop(self.attend_source(self.norm_source(states), source, mask))
        return self._through_inner(states), seen

    def _through_inner(self, states: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = self.drop(self.inner(self.norm_inner(states)))
        return states + added


class Transformer(Translator[Memory]):
    """Encoder and decoder, both stacks of layers."""

    def __init__(
        self, vocabulary: int, layers: int, width: int, heads: int, inner: int, dropout: float
    ) -> None:
        super().__init__()
        self._width = width
        self.embedding = nn.Embedding(vocabulary, width)
        self.encoder = nn.ModuleList(Layer(width, heads, inner, dropout, False) for _ in range(layers))
        self.decoder = nn.ModuleList(Layer(width, heads, inner, dropout, True) for _ in range(layers))
        self.norm_encoded, self.norm_decoded = nn.LayerNorm(width), nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def encode(self, sources: torch.Tensor) -> Memory:
        """Read the sources, shape (n, length)."""
        mask = (sources != 0)[:, None, None, :]
        states = self._embedded(sources, 0)
        for layer in self.encoder:
            states = layer.encode(states, mask)  # type: ignore[operator]
        encoded = self.norm_encoded(states)
        pairs = [layer.attend_source.keys_values(encoded) for layer in self.decoder]  # type: ignore[union-attr,operator]
        return Memory(mask, pairs, [None] * len(self.decoder))

    def decode(self, targets: torch.Tensor, memory: Memory, first: int) -> torch.Tensor:
        """Logits after each of ``targets``, which stand from position ``first`` on."""
        states = self._embedded(targets, first)
        for number, layer in enumerate(self.decoder):
            states, seen = layer.decode(states, memory.source[number], memory.mask, memory.past[number])  # type: ignore[operator]
            memory.past[number] = seen
        return linear(self.norm_decoded(states), self.embedding.weight)

    def _embedded(self, pieces: torch.Tensor, first: int) -> torch.Tensor:
        states = self.embedding(pieces) * math.sqrt(self._width)
        states = states + positions(first, pieces.shape[1], self._width, pieces.device)
        dropped: torch.Tensor = self.drop(states)
        return dropped


def positions(first: int, length: int, width: int, device: torch.device) -> torch.Tensor:
    """Sines and cosines of positions ``first`` …, shape (length, width)."""
    steps = torch.arange(first, first + length, device=device, dtype=torch.float32)
    half = width // 2
    rates = torch.exp(torch.arange(half, device=device) * (-math.log(10_000) / max(half - 1, 1)))
    angles = steps[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), 1)
