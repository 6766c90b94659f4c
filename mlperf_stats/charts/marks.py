"""What tells marks apart besides colour: shapes, dashes, one legend for all channels; and layers of marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import altair as alt

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4])


def layered(*layers: Any) -> alt.LayerChart:
    """Layers over each other, the first below."""
    import altair as alt

    chart: Any = alt.layer(*layers)
    return cast("alt.LayerChart", chart)


def keyed(field: str, kinds: Sequence[str], *, columns: int = 4, **looks: Sequence[Any]) -> dict[str, Any]:
    """Channels that say of what kind a mark is, explained by one legend, which one kind alone does not need.

    Args:
        field: Of the data, holds the kind.
        kinds: In the order of the legend.
        columns: Of the legend; 0 for none, where names stand beside the marks.
        looks: By channel (``color``, ``fill``, ``shape``, ``strokeDash``), a look for each kind.
    """
    import altair as alt

    classes: dict[str, Any] = {
        "color": alt.Color,
        "fill": alt.Fill,
        "shape": alt.Shape,
        "strokeDash": alt.StrokeDash,
    }
    legend = None
    if columns and len(kinds) > 1:
        legend = alt.Legend(title=None, columns=columns, labelLimit=max(520 // columns, 130), symbolOpacity=1)
    return {
        channel: classes[channel](
            f"{field}:N",
            sort=list(kinds),
            scale=alt.Scale(domain=list(kinds), range=list(of_kinds)),
            legend=legend,
        )
        for channel, of_kinds in looks.items()
    }


def quiet_axis(**options: Any) -> alt.Axis:
    """An axis of names: neither grid, ticks nor line."""
    import altair as alt

    return alt.Axis(**{"grid": False, "ticks": False, "domain": False, "labelPadding": 6, **options})
