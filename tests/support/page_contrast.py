"""Which texts of a page in the browser stand out too little from what is behind them."""

from __future__ import annotations

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as LastedTooLong

ENOUGH = 4.5
"""Contrast that WCAG 2.2 asks of text, success criterion 1.4.3."""

_FADING_MS = 5_000
"""Texts fade in; what is faint for longer is faint."""

_FAINT = """enough => {
    const channels = colour => {
        const [red, green, blue, alpha] = colour.match(/[\\d.]+/g).map(Number);
        return [red, green, blue, alpha ?? 1];
    };
    const over = (front, back) =>
        [0, 1, 2].map(i => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
    const luminance = colour => {
        const [red, green, blue] = colour.slice(0, 3).map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const above = function* (element) { for (; element; element = element.parentElement) yield element; };
    const behind = element => {
        const layers = [...above(element)].map(one => channels(getComputedStyle(one).backgroundColor));
        return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255, 1]);
    };
    const contrast = (colour, element) => {
        const back = behind(element);
        const [dark, light] = [over(colour, back), back].map(luminance).sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const found = {};
    const look = (text, colour, element) => {
        const seen = [...above(element)].reduce((part, one) => part * getComputedStyle(one).opacity, 1);
        const [red, green, blue, alpha] = channels(colour);
        const ratio = contrast([red, green, blue, alpha * seen], element.closest("svg") ?? element);
        if (ratio < enough) found[text.trim().slice(0, 60)] = ratio;
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode.data, element = texts.currentNode.parentElement;
        const {width, height} = element.getBoundingClientRect();
        if (!text.trim() || !width || !height || element.closest("canvas, style, script, [aria-hidden=true]"))
            continue;
        if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
        const style = getComputedStyle(element);
        look(text, element.closest("svg") ? style.fill : style.color, element);
    }
    for (const box of document.querySelectorAll("[placeholder]"))
        if (!box.value && box.placeholder)
            look(box.placeholder, getComputedStyle(box, "::placeholder").color, box);
    return found;
}"""


def faint_texts(page: Page) -> dict[str, float]:
    """Texts, figures' and placeholders among them, whose contrast is not :data:`ENOUGH`, and what it is."""
    try:
        page.wait_for_function(
            f"enough => !Object.keys(({_FAINT})(enough)).length", arg=ENOUGH, timeout=_FADING_MS
        )
    except LastedTooLong:
        return dict(page.evaluate(_FAINT, ENOUGH))
    return {}
