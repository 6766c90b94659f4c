"""Batches that processes of their own read, for every workload that reads files while it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset, default_collate

from mlperf_stats.errors import MlperfStatsError


class _Telling(Dataset[Any]):
    """Whole batches; where one cannot be read, what the user should know about it.

    A DataLoader would raise the error anew with a traceback for a message.
    """

    def __init__(self, items: Dataset[Any], collate: Callable[[list[Any]], Any]) -> None:
        self._items = items
        self._collate = collate

    def __getitem__(self, batch: Sequence[Any]) -> Any:
        try:
            return self._collate([self._items[key] for key in batch])
        except MlperfStatsError as error:
            return error


def loaded(
    items: Dataset[Any],
    batches: Sequence[Sequence[Any]],
    processes: int,
    *,
    pinned: bool = False,
    collate: Callable[[list[Any]], Any] = default_collate,
) -> Iterator[Any]:
    """The items of each batch, collated, in the order of ``batches``; read by so many processes.

    ``pinned``: in memory from which a GPU can read at once.

    Raises:
        MlperfStatsError: the one that reading an item raised, in whichever process.
    """
    loader = DataLoader(
        _Telling(items, collate),
        batch_size=None,
        sampler=batches,
        num_workers=processes,
        collate_fn=_as_it_is,
        pin_memory=pinned,
    )
    for batch in loader:
        if isinstance(batch, MlperfStatsError):
            raise batch
        yield batch


def _as_it_is(batch: Any) -> Any:
    return batch
