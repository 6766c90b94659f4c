"""DeepSpeech2: two convolutions over the spectrogram, then bidirectional recurrent layers.

Source: Amodei et al., Deep Speech 2, ICML 2016; sizes as in the last revision of the MLPerf reference for
round 0.5: three layers of 2560, where its first revision and its README have five.
Unlike there, convolutions are padded in time, and padding behind a recording is masked.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

_CEILING = 20.0
"""Of the clipped rectifier."""


class DeepSpeech2(nn.Module):
    """Logits of symbols for every second frame."""

    def __init__(self, bins: int, symbols: int, channels: int, width: int, layers: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            (
                nn.Conv2d(1, channels, (41, 11), stride=(2, 2), padding=(0, 5)),
                nn.Conv2d(channels, channels, (21, 11), stride=(2, 1), padding=(0, 5)),
            )
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in self.convolutions)
        heard = channels * (((bins - 41) // 2 + 1 - 21) // 2 + 1)
        self.recurrent = nn.ModuleList(
            Recurrent(width if number else heard, width, normalised=bool(number)) for number in range(layers)
        )
        self.norm = nn.BatchNorm1d(width)
        self.output = nn.Linear(width, symbols, bias=False)

    def forward(self, spectrograms: torch.Tensor, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits, shape (n, longest, symbols), and how many frames of them each recording has.

        ``spectrograms``: shape (n, bins, longest), 0 where padded; ``frames``: shape (n,).
        """
        # Packing wants lengths on the CPU, from where data parallelism may have moved them.
        states, lengths = spectrograms[:, None], (frames.cpu() - 1) // 2 + 1
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            states = norm(convolution(states)).clamp(0, _CEILING)
            # Padding stays silent, so that a recording does not depend on those beside it.
            inside = torch.arange(states.shape[3])[None] < lengths[:, None]
            states = states * inside[:, None, None].to(states.device)
        rows = states.flatten(1, 2).transpose(1, 2)
        packed = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
        for layer in self.recurrent:
            packed = layer(packed)
        packed = _mapped(packed, self.output(self.norm(packed.data)))
        logits, _ = pad_packed_sequence(packed, batch_first=True)
        return logits, lengths


class Recurrent(nn.Module):
    """A bidirectional GRU whose directions are added, after a batch norm over all frames of a batch."""

    def __init__(self, inputs: int, width: int, normalised: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs) if normalised else nn.Identity()
        self.layer = nn.GRU(inputs, width, bidirectional=True)

    def forward(self, states: PackedSequence) -> PackedSequence:
        outputs, _ = self.layer(_mapped(states, self.norm(states.data)))
        return _mapped(outputs, outputs.data.unflatten(1, (2, -1)).sum(1))


def _mapped(states: PackedSequence, values: torch.Tensor) -> PackedSequence:
    """Other values in the same places."""
    return PackedSequence(values, states.batch_sizes, states.sorted_indices, states.unsorted_indices)
