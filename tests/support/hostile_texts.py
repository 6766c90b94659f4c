"""Texts from strangers that try to be more than text, and a round whose logs are full of them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from madeup_logs import mllog, run_lines, system_json, write_tree

HOSTILE_TEXTS = {
    "script": "<script>window.pwned = 1</script>",
    "end of script": "</script><script>window.pwned = 1</script>",
    "image": "<img src=x onerror='window.pwned = 1'>",
    "svg": "<svg onload=window.pwned=1>",
    "end of title": "</title></svg></style><script>window.pwned = 1</script>",
    "comment": "<!--<script>window.pwned = 1//-->",
    "attribute": 'x" onmouseover="window.pwned = 1',
    "entity": "&lt;script&gt; &#x3c;script>",
    "template": "{{ 7 * 7 }} {% raw %} ${7 * 7} #{7 * 7}",
    "vega": "datum.x; 'x'] + alert(1) //",
    "quotes": 'x\\", "y": 1, "',
    "backslash": "x\\",
    "pipe": "a | b || c",
    "link": "[click](javascript:window.pwned=1)",
    "end of link": "x](javascript:window.pwned=1)",
    "picture": "![x](https://example.invalid/x.png)",
    "autolink": "<https://example.invalid/>",
    "code": "`x` ~~y~~ **z** _w_ $v$",
    "new paragraph": "x\n\n# heading\n\n- list\n\n<b>bold</b>",
    "fence": "x\r\n```html\n<b>",
    "formula": '=HYPERLINK("https://example.invalid")',
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "array formula": "{=1+1}",
    "tab": "\t=1+1",
    "terminal": "\x1b[31mred\x1b]0;title\x07\x9b0m",
    "direction": "x\u202egnp.exe\u2066",
    "nothing": "\u200b\u2060\ufeff",
    "null": "x\x00y",
}
"""Name → text. Whatever shows one of them shows its characters, and does nothing else."""

RUNS = 5


def hostile_round(root: Path) -> Path:
    """A round with a submission for each text: in the names of folders as far as a path can hold it, in the
    system's description, and as the name of a metric in its logs.
    """
    files: dict[str, bytes] = {}
    for number, text in enumerate(HOSTILE_TEXTS.values()):
        folder = f"{number}{text}".replace("/", "\u2215").replace("\x00", "")
        files[f"{folder}/systems/{folder}.json"] = system_json(
            submitter=text, system_name=text, accelerator_model_name=text, framework=text
        )
        for run in range(RUNS):
            lines = run_lines(
                10.0 + run + number / 100, benchmark="resnet", seed=run, evaluations=((run + 1, 0.76),)
            )
            lines.insert(-1, mllog("eval_accuracy", 0.5, epoch_num=1, metric=text))
            files[f"{folder}/results/{folder}/resnet/result_{run}.txt"] = ("\n".join(lines) + "\n").encode()
    return write_tree(root / "training_results_v4.0", files)


class Markup(HTMLParser):
    """What a page is made of: its elements, its attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[-1] += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append("!--")
