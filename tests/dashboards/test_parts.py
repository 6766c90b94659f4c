"""The parts that pages are put together from: words, cells, files, readings, the server's options."""

from __future__ import annotations

import asyncio
import io
import math
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from colours import contrast
from madeup_logs import run_log, submission_files
from markdown_it import MarkdownIt
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.elements.lib.pandas_styler_utils import marshall_styler
from streamlit.proto.ArrowData_pb2 import ArrowData as ArrowProto

from mlperf_dashboards.guard import Guarded, headers
from mlperf_dashboards.look import corrections, theme_options
from mlperf_dashboards.parts.columns import ColumnText, grid, shown, texts_of
from mlperf_dashboards.parts.downloads import table_file
from mlperf_dashboards.parts.pictures import content_of
from mlperf_dashboards.readings import MOST_LOGS, read_upload, state_of
from mlperf_dashboards.server import Listening, free_port, streamlit_options
from mlperf_dashboards.uploads import safe_name
from mlperf_dashboards.words import plain
from mlperf_stats.charts.theme import named
from mlperf_stats.errors import InputError, RoundUnknownError, UnsafeArchiveError

HOSTILE = (
    "<script>alert(1)</script>",
    "a | b",
    "](javascript:alert(1))",
    "![x](http://example.org/x.png)",
    "**bold** _it_ `code` ~~s~~ # head",
    ":material/home: :red[x] $x^2$",
    "http://example.org www.example.org a@example.org",
    "- item\n1. item\n> quote",
    "&lt;b&gt; \\ \x1b[31m",
)


@dataclass
class File:
    """A file as a browser sends it."""

    name: str
    content: bytes

    def getvalue(self) -> bytes:
        return self.content


def zipped(files: dict[str, bytes], top: str = "training_results_v5.0") -> File:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{top}/{name}", content)
    return File("up load (1).zip", packed.getvalue())


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_text_letter_by_letter(text: str) -> None:
    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    inline = [token for token in parser.parse(plain(text)) if token.type == "inline"]
    assert len(inline) == 1
    children = inline[0].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    letters = "".join(child.content for child in children).replace("\u2060", "")
    assert letters == text.replace("\n", "\\n").replace("\x1b", "\\x1b")


def test_cells_have_four_digits_and_harmless_text() -> None:
    frame = pd.DataFrame(
        {
            "m": [10468.4, 0.012344, None],
            "n": ["a\nb", None, "c"],
            "p": [0.5, None, 1.0],
            "w": ["a;b", None, ""],
        }
    )
    texts = {
        "m": ColumnText("M", "", "minutes"),
        "n": ColumnText("N", ""),
        "p": ColumnText("P", "", "percent"),
        "w": ColumnText("W", "", "codes"),
    }
    cells = shown(frame, texts)
    assert list(cells["m"][:2]) == [10468.0, 0.01234]
    assert list(cells["n"]) == ["a\\nb", "", "c"]
    assert list(cells["w"]) == [["a", "b"], [], []]
    written = texts_of(cells, texts).values.tolist()
    assert written == [
        ["10468", "a\\nb", "50.0%", "a, b"],
        ["0.01234", "", "", ""],
        ["", "c", "100.0%", ""],
    ]


def test_files_of_tables_are_exact_and_run_nothing() -> None:
    frame = pd.DataFrame({"name": ["=1+1", "@x"], "value": [0.1 + 0.2, float("nan")]})
    assert table_file(frame, "csv").decode() == "name,value\n'=1+1,0.30000000000000004\n'@x,\n"
    sheet = openpyxl.load_workbook(io.BytesIO(table_file(frame, "xlsx"))).active
    assert sheet is not None
    cell = sheet["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_open_ends_are_a_sign_in_tables_and_empty_in_files() -> None:
    """A grid would write Infinity, a spreadsheet could not read inf, and a division by zero is no value."""
    texts = {name: ColumnText(name, "", "minutes") for name in ("minutes", "low", "high")}
    frame = pd.DataFrame(
        {"minutes": [44.571, 3.0], "low": [-math.inf, 2.98765], "high": [math.inf, 3.25], "cv": [math.inf, 0]}
    )
    styled, columns = grid(shown(frame, texts), texts)
    sent = ArrowProto()
    marshall_styler(sent, styled, "one")
    written = convert_arrow_bytes_to_pandas_df(sent.styler.display_values)
    assert written.values.tolist() == [["44.57", "-∞", "∞"], ["3.000", "2.988", "3.250"]]
    # What has a format of its own is not shown as it was written.
    assert columns["high"]["type_config"]["format"] is None
    many, columns = grid(shown(pd.concat([frame] * 20_000), texts), texts)
    assert columns["high"]["type_config"]["format"]
    assert many["high"].max() == 3.25
    assert table_file(frame, "csv").decode() == "minutes,low,high,cv\n44.571,,,\n3.0,2.98765,3.25,0.0\n"
    sheet = openpyxl.load_workbook(io.BytesIO(table_file(frame, "xlsx"))).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]] == [44.571, None, None, None]


def test_an_archive_is_read_and_leaves_with_its_reading() -> None:
    reading = read_upload([zipped(submission_files("ACME", "x8", "retinanet"))], None)
    folder = Path(reading.folder.name)
    assert reading.ids == ("5.0/ACME/x8/retinanet",)
    assert reading.logs.parent == folder
    reading.folder.cleanup()
    assert not folder.exists()


def test_single_logs_are_sorted_by_the_benchmark_they_name() -> None:
    files = [
        File("a.txt", run_log(10.0, benchmark="retinanet")),
        File("../../etc/b.txt", run_log(11.0, benchmark="retinanet")),
        File("c.log", run_log(3.0, benchmark="bert")),
    ]
    reading = read_upload(files, "5.0")
    assert reading.ids == ("5.0/uploaded/system/bert", "5.0/uploaded/system/retinanet")
    assert reading.report.runs == 3


def test_uploads_are_limited(tmp_path: Path) -> None:
    archive = zipped(submission_files())
    log = File("a.txt", run_log())
    with pytest.raises(InputError, match="one archive"):
        read_upload([archive, log], None)
    with pytest.raises(InputError, match="at most"):
        read_upload([log] * (MOST_LOGS + 1), "5.0")
    with pytest.raises(RoundUnknownError):
        read_upload([zipped(submission_files(), top="ours")], None)
    bomb = {f"ACME/results/x8/resnet/result_{n}.txt": b"\0" * (16 << 20) for n in range(8)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as inner:
        for name, content in bomb.items():
            inner.writestr(f"training_results_v5.0/{name}", content)
    with pytest.raises(UnsafeArchiveError):
        read_upload([File("bomb.zip", packed.getvalue())], None)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("training_results_v1.0.zip", "training_results_v1.0.zip"),
        ("../../x.zip", "x.zip"),
        ("C:\\a\\b c.zip", "b_c.zip"),
        (".hidden.zip", "hidden.zip"),
        ("…", "_"),
    ],
)
def test_names_of_uploads_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_change_in_a_folder_changes_its_state(tmp_path: Path) -> None:
    before = state_of(tmp_path)
    (tmp_path / "a").write_bytes(b"1")
    between = state_of(tmp_path)
    (tmp_path / "a").write_bytes(b"12")
    assert len({before, between, state_of(tmp_path)}) == 3


def test_the_server_listens_here_and_reports_nothing() -> None:
    options = streamlit_options(Listening(), 8501)
    assert options["server.address"] == "localhost"
    assert options["server.allowedHosts"] == ["localhost", "127.0.0.1"]
    assert options["browser.gatherUsageStats"] is False
    assert options["server.maxUploadSize"] == 200
    assert options["client.disableDataExport"] is True


def test_a_port_that_is_taken_is_told() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        with pytest.raises(InputError, match="choose --port"):
            free_port(Listening(port=taken.getsockname()[1]))


def answers(host: str, hosts: tuple[str, ...] = ("localhost",)) -> list[dict[str, Any]]:
    """What the guard lets through for a request that names ``host``."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Callable[..., Any]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {"type": "http", "headers": [(b"host", host.encode())]}
    asyncio.run(Guarded(app, hosts)(scope, None, send))  # type: ignore[arg-type]
    return sent


def test_the_guard_knows_its_name_and_forbids_others() -> None:
    [start] = answers("localhost:8501")
    assert start["status"] == 200
    assert set(headers(["localhost"])) <= set(start["headers"])
    assert answers("evil.example:8501")[0]["status"] == 421
    assert answers("evil.example", hosts=("*",))[0]["status"] == 200


def test_equal_contents_are_one_picture() -> None:
    """What was just computed and what is read back from the cache differ in which texts are one object."""
    name = "".join(["sub", "mitter"])
    fresh = partial(dict, rows=[{"name": name, "time": 1.5}, {"name": name, "time": 2.5}])
    again = partial(
        dict, rows=[{"name": "".join([*name]), "time": row["time"]} for row in fresh.keywords["rows"]]
    )
    assert fresh.keywords == again.keywords
    assert content_of(fresh) == content_of(again)
    assert content_of(fresh) != content_of(partial(dict, rows=[]))


@pytest.mark.parametrize("name", ["light", "dark"])
def test_texts_of_the_theme_can_be_read(name: str) -> None:
    theme = {
        key.rpartition(".")[2]: str(value) for key, value in theme_options().items() if f".{name}." in key
    }
    backgrounds = [theme["backgroundColor"], theme.get("secondaryBackgroundColor", theme["backgroundColor"])]
    for text in (theme["textColor"], theme["linkColor"], named(name).muted):
        assert all(contrast(text, background) >= 4.5 for background in backgrounds)
    # Chosen values: white, or what the correction says, on the accent.
    chosen = re.findall("#[0-9a-f]{6}", corrections()) if name == "dark" else ["#ffffff"]
    assert [contrast(text, theme["primaryColor"]) >= 4.5 for text in chosen] == [True]
