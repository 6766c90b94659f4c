"""GNMT as the MLPerf reference has it.

Sources: Wu et al., Google's Neural Machine Translation System, 2016 (layers and residuals); Bahdanau et
al., ICLR 2015, with the normalisation of Salimans and Kingma, NeurIPS 2016 (attention). As in the reference,
the attention asks with the output of the first decoder layer at the same piece, and what it reads goes into
all layers above.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mlperf_runners.workloads.translation.beam import Translator

State = tuple[torch.Tensor, torch.Tensor]
"""Hidden and cell state of a layer, shape (1, n, width)."""


@dataclass
class Memory:
    """What decoding has worked out so far."""

    encoded: torch.Tensor
    """Shape (n, source length, width)."""
    asked: torch.Tensor
    """The encoded pieces as the attention compares them, same shape."""
    padding: torch.Tensor
    """Which source pieces are padding, shape (n, source length)."""
    coverage: torch.Tensor
    states: list[State | None]
    """Of the decoder's layers; None before the first piece."""

    def repeated(self, times: int) -> Memory:
        """Each row so many times in succession; before anything is decoded."""
        encoded, asked, padding, coverage = (
            values.repeat_interleave(times, 0)
            for values in (self.encoded, self.asked, self.padding, self.coverage)
        )
        return Memory(encoded, asked, padding, coverage, list(self.states))

    def reorder(self, rows: torch.Tensor) -> None:
        """Let row i go on from what was row ``rows[i]``, of the same source."""
        self.coverage = self.coverage[rows]
        self.states = [
            None if state is None else (state[0][:, rows], state[1][:, rows]) for state in self.states
        ]


class Attention(nn.Module):
    """Normalised additive attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.bias = nn.Parameter(torch.empty(width))
        self.direction = nn.Parameter(torch.empty(width))
        self.scale = nn.Parameter(torch.tensor(width**-0.5))

    def forward(self, queries: torch.Tensor, memory: Memory) -> torch.Tensor:
        """Weights of the source pieces, shape (n, target length, source length)."""
        compared = torch.tanh(self.query(queries)[:, :, None] + memory.asked[:, None] + self.bias)
        scores = (compared @ (self.scale * self.direction / self.direction.norm())).float()
        weights: torch.Tensor = scores.masked_fill(memory.padding[:, None], -torch.inf).softmax(-1)
        return weights


class Gnmt(Translator[Memory]):
    """Residual LSTM encoder, its first layer bidirectional, and residual LSTM decoder with attention."""

    def __init__(self, vocabulary: int, layers: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        below = [width, 2 * width] + [width] * (layers - 2)
        self.encoder = nn.ModuleList(
            _lstm(inputs, width, bidirectional=not number) for number, inputs in enumerate(below)
        )
        self.decoder = nn.ModuleList(_lstm(2 * width if number else width, width) for number in range(layers))
        self.attention = Attention(width)
        self.output = nn.Linear(width, vocabulary)
        self.drop = nn.Dropout(dropout)
        self._initialise(width)

    def encode(self, sources: torch.Tensor) -> Memory:
        """Read the sources, shape (n, length)."""
        padding = sources == 0
        lengths = (~padding).sum(1).cpu()
        # Packed, so that the backward direction begins at the last piece and not in the padding.
        packed = pack_padded_sequence(
            self.drop(self.embedding(sources)), lengths, batch_first=True, enforce_sorted=False
        )
        states = pad_packed_sequence(self.encoder[0](packed)[0], batch_first=True)[0]
        states = self.encoder[1](self.drop(states))[0]
        for layer in self.encoder[2:]:
            states = states + layer(self.drop(states))[0]
        return Memory(
            states, self.attention.key(states), padding, padding.float(), [None] * len(self.decoder)
        )

    def decode(self, targets: torch.Tensor, memory: Memory, first: int) -> torch.Tensor:
        """Logits after each of ``targets``; where they stand, the states of the layers know."""
        asking = self._layer(0, self.embedding(targets), memory)
        weights = self.attention(asking, memory)
        memory.coverage = memory.coverage + weights.sum(1)
        read = weights.to(memory.encoded.dtype) @ memory.encoded
        states = self._layer(1, torch.cat((asking, read), 2), memory)
        for number in range(2, len(self.decoder)):
            states = states + self._layer(number, torch.cat((states, read), 2), memory)
        logits: torch.Tensor = self.output(states)
        return logits

    def _layer(self, number: int, inputs: torch.Tensor, memory: Memory) -> torch.Tensor:
        """A layer of the decoder, from where it was."""
        outputs: torch.Tensor
        outputs, memory.states[number] = self.decoder[number](self.drop(inputs), memory.states[number])
        return outputs

    def _initialise(self, width: int) -> None:
        """Uniform up to 0.1 at the published width of 1024; sums keep their size at others."""
        limit = 0.1 * (1024 / width) ** 0.5
        for name, parameter in self.named_parameters():
            if "bias_hh" in name or name == "attention.bias":
                # PyTorch gives an LSTM two biases, of which one says it all.
                nn.init.zeros_(parameter)
            elif name != "attention.scale":
                nn.init.uniform_(parameter, -limit, limit)


def _lstm(inputs: int, width: int, bidirectional: bool = False) -> nn.LSTM:
    return nn.LSTM(inputs, width, batch_first=True, bidirectional=bidirectional)
