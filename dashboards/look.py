"""The look of the app: one accent, quiet greys, for light and dark alike."""

from __future__ import annotations

ACCENT = "#0072B2"
"""Blue of the Okabe-Ito palette, which the charts use as well."""
ACCENT_ON_DARK = "#56B4E9"


def theme_options() -> dict[str, str]:
    """Streamlit's theme options; no font or colour is fetched from anywhere."""
    return {
        "theme.light.primaryColor": ACCENT,
        "theme.light.linkColor": ACCENT,
        "theme.dark.primaryColor": ACCENT_ON_DARK,
        "theme.dark.linkColor": ACCENT_ON_DARK,
        "theme.font": "sans-serif",
        "theme.baseFontSize": "15",
    }
