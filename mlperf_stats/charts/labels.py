"""The words in pictures: short names that stay unambiguous, tooltips, figures with their units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.theme import LABEL_CHARACTERS
from mlperf_stats.text.names import clean, cut_middle, shorten_ids

if TYPE_CHECKING:
    import altair as alt

_HEADING_CHARACTERS = 120


def result_labels(result_ids: Iterable[str], width: int = LABEL_CHARACTERS) -> dict[str, str]:
    """A short label for each result id, no two alike: what all ids share at their ends is left out."""
    ids = list(dict.fromkeys(result_ids))
    head, tail = _shared_ends(ids)
    short = shorten_ids(ids, width + len(head) + len(tail))
    return distinct({name: clean(short[name].removeprefix(head).removesuffix(tail)) for name in ids})


def heading_of(result_id: str) -> str:
    """A result id in a heading: whole, unless it would take many lines."""
    return cut_middle(clean(result_id), _HEADING_CHARACTERS)


def shared_ends(result_ids: Iterable[str]) -> str:
    """What the labels of :func:`result_labels` leave out: ``bert, round 5.0``, ``round 5.0``, or nothing."""
    head, tail = _shared_ends(list(dict.fromkeys(result_ids)))
    parts = [tail.strip("/"), f"round {head.strip('/')}" if head else ""]
    return clean(", ".join(part for part in parts if part))


def _shared_ends(ids: Sequence[str]) -> tuple[str, str]:
    heads = {name.partition("/")[0] + "/" for name in ids}
    tails = {"/" + name.rpartition("/")[2] for name in ids}
    deep = all(name.count("/") > 1 for name in ids)
    return (
        heads.pop() if deep and len(heads) == 1 else "",
        tails.pop() if deep and len(tails) == 1 else "",
    )


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of which cleaning or cutting has made two alike get a number."""
    alike = Counter(labels.values())
    seen: Counter[str] = Counter()
    found = {}
    for name, label in labels.items():
        seen[label] += 1
        found[name] = f"{label} ({seen[label]})" if alike[label] > 1 else label
    return found


def tooltip(**fields: str) -> list[alt.Tooltip]:
    """Tooltip lines in order: field of the data → its title. Values are texts made for reading."""
    import altair as alt

    return [alt.Tooltip(field=field, type="nominal", title=title) for field, title in fields.items()]


def empty(noun: str) -> str:
    """The sentence of a picture that has nothing to show."""
    return f"Nothing to draw: {noun}."


def data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart, as they are."""
    return _shared_data()([dict(row) for row in rows])


@cache
def _shared_data() -> Callable[[list[dict[str, Any]]], alt.InlineData]:
    """Data that charts share: Altair copies a chart with its rows a dozen times while it is put together,
    which takes longer than all else, and no picture changes its rows.
    """
    import altair as alt

    class SharedData(alt.InlineData):
        def __deepcopy__(self, memo: object) -> SharedData:
            return self

    return lambda rows: SharedData(values=rows)


def amount(progress: float | None, unit: str) -> str:
    """Training progress with its unit: ``2,399,232 samples``, ``3.25 epochs``, ``?``."""
    if progress is None:
        return "?"
    text = f"{progress:,.0f}" if progress == round(progress) else f"{progress:,.6g}"
    named = _COUNTED.get(unit, unit)
    return clean(f"{text} {named}{'' if progress == 1 or not named else 's'}".strip())


_COUNTED = {"epoch_num": "epoch", "samples_count": "sample", "step_num": "step"}
"""Units as logs name them, where that is no word."""
