"""The look of the app: one accent, quiet greys, for light and dark alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_stats.charts.theme import DARK, LIGHT

if TYPE_CHECKING:
    from PIL import Image


def theme_options() -> dict[str, str | int]:
    """Streamlit's theme options, in the charts' colours; no font or colour is fetched from anywhere."""
    options: dict[str, str | int] = {"theme.font": "sans-serif", "theme.baseFontSize": 15}
    for theme in (LIGHT, DARK):
        options |= {
            f"theme.{theme.name}.primaryColor": theme.accent,
            f"theme.{theme.name}.linkColor": theme.accent,
            f"theme.{theme.name}.backgroundColor": theme.background,
            f"theme.{theme.name}.textColor": theme.ink,
        }
    return options | {"theme.dark.secondaryBackgroundColor": "#1f242d", "theme.paddingTop": "3rem"}


def corrections() -> str:
    """A style for what the theme's options do not reach.

    Chosen values are white on the accent, which the dark theme's accent is too light for.
    """
    tag = '[data-testid="stMultiSelectTagsContainer"] [data-tag]'
    return f"<style>{tag}, {tag} * {{ color: {DARK.background}; }}</style>"


WAY_BACK = """<script>
if (!window.wayBack) {
  window.wayBack = true;
  const push = history.pushState;
  let spare = false;
  history.pushState = function (state, unused, url) {
    const stays = new URL(url, location.href).pathname === location.pathname;
    const replaces = spare && !stays;
    spare = stays;
    return (replaces ? history.replaceState : push).call(history, state, unused, url);
  };
  window.addEventListener("popstate", () => { spare = false; });
}
</script>"""
"""One step back for one link followed. Streamlit makes two for a link with parameters: it first puts them
behind the address of the page that the reader is on, which is no view of anything; that step is replaced."""


def page_icon() -> Image.Image:
    """The tab's icon, three intervals; the pages' own symbols would be fetched from the network there."""
    from PIL import Image, ImageDraw

    icon = Image.new("RGBA", (32, 32))
    draw = ImageDraw.Draw(icon)
    for middle, left, right in ((6, 3, 19), (16, 8, 26), (26, 13, 31)):
        draw.line((left, middle, right, middle), fill=LIGHT.accent, width=2)
        centre = (left + right) // 2
        draw.ellipse((centre - 3, middle - 3, centre + 3, middle + 3), fill=LIGHT.accent)
    return icon
