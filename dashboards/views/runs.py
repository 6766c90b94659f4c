"""Your runs: uploaded or watched, checked, scored, and beside published ones."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from mlperf_dashboards import data
from mlperf_dashboards.campaigns import progress_below
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.columns import ColumnText, configured, shown
from mlperf_dashboards.parts.result_columns import (
    PROBLEM_COLUMNS,
    RESULT_COLUMNS,
    SCORE_COLUMNS,
)
from mlperf_dashboards.parts.result_view import show_detail
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_dashboards.parts.sources import remember, session_reading
from mlperf_dashboards.readings import (
    ARCHIVES,
    LOGS,
    Reading,
    keep,
    read_upload,
    read_watched,
    state_of,
)
from mlperf_dashboards.settings import UPLOAD_MB, settings
from mlperf_dashboards.words import plain
from mlperf_stats.charts.results import results_chart
from mlperf_stats.errors import InputError, RoundUnknownError
from mlperf_stats.explanations import catalogue
from mlperf_stats.rules.wording import UNVERIFIED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from mlperf_stats.store.ingest import IngestProgress

LOOK_EVERY_S = 3.0
"""How often a watched folder is looked at."""

MOST_PEERS = 15
"""Published results beside an own one."""

UPLOAD = "an upload"
BY_NAME = "as the names in it say"
CHECK_COLUMNS = {
    "severity": ColumnText("Severity", "Rejected: a review would send it back."),
    "result_id": ColumnText("Result", "Which result it is about."),
    "sentence": ColumnText("Finding", "With its evidence.", width="large"),
    "advice": ColumnText("Advice", "What can be done.", width="large"),
    "code": ColumnText("Code", "Kind of finding."),
    "p_adjusted": ColumnText("p, adjusted", "By Holm over all tests of the check.", "number"),
}


PROGRESS_COLUMNS = {
    "name": ColumnText("Campaign", "Its folder."),
    "workload": ColumnText("Trains", "Workload of the plan."),
    "finished": ColumnText("Finished", "Runs that were trained to their end.", "whole"),
    "planned": ColumnText("Planned", "Runs.", "whole"),
    "rule": ColumnText("It stops at", "What the plan says."),
    "converged": ColumnText("Converged", "Finished runs that reached the target.", "whole"),
    "begun": ColumnText("Begun", "Runs without a result: in training, or died.", "whole"),
}


def main() -> None:
    """The page."""
    with Sheet(
        "Your runs",
        "Logs of your own: checked, scored, beside published results. They stay on this machine and in this "
        "session unless you save them.",
    ) as sheet:
        reading = chosen_reading()
        if reading is None:
            return
        show(sheet, reading)


def chosen_reading() -> Reading | None:
    """What is to be shown: a watched path or the session's upload."""
    watched = labelled(settings().paths)
    chosen = UPLOAD
    if watched:
        chosen = st.selectbox("Runs from", [*watched, UPLOAD], key="runs", bind="query-params")
    return uploaded() if chosen == UPLOAD else watching(watched[chosen])


def labelled(paths: Sequence[str]) -> dict[str, Path]:
    """Watched paths by name, or in full where two have the same name."""
    names = Counter(Path(path).name for path in paths)
    return {Path(path).name if names[Path(path).name] == 1 else path: Path(path) for path in paths}


def watching(path: Path) -> Reading | None:
    """The logs below a path, read again whenever they change."""
    state = state_of(path)

    @st.fragment(run_every=LOOK_EVERY_S if state is not None else None)
    def look() -> None:
        now = state_of(path)
        if now != state:
            st.rerun()
        told = (
            f"looked at {datetime.now():%H:%M:%S}" if now else "too many files to watch; reload to look again"
        )
        st.caption(f"Watching {plain(path.name)}: {told}.")
        show_progress(path)

    look()
    try:
        reading = _watched(path, state)
        remember(reading)
        return reading
    except RoundUnknownError:
        st.warning(
            "The names in this folder do not tell the MLPerf round. Ingest it with "
            "`mlperf-stats ingest --round`, or start the dashboard with a folder that names it."
        )
    except InputError as error:
        st.info(plain(f"Nothing to show yet. {error}"))
    return None


def show_progress(path: Path) -> None:
    """How far each campaign has come, where there are campaigns."""
    found = progress_below(path)
    if not found:
        return
    frame = pd.DataFrame.from_records([asdict(one) for one in found])
    frame["share"] = [100 * one.finished / one.planned if one.planned else None for one in found]
    configuration = configured(PROGRESS_COLUMNS)
    configuration["share"] = st.column_config.ProgressColumn(
        "Done", help="Finished of planned runs.", format="%.0f%%", max_value=100
    )
    cells = shown(frame, PROGRESS_COLUMNS).assign(share=frame["share"])
    st.dataframe(
        cells,
        key="progress",
        hide_index=True,
        column_config=configuration,
        column_order=[*list(PROGRESS_COLUMNS)[:2], "share", *list(PROGRESS_COLUMNS)[2:]],
    )


@st.cache_resource(show_spinner="Reading your runs …", max_entries=4)
def _watched(path: Path, state: str | None) -> Reading:
    """``state`` is part of what the answer is kept by: another state is read anew."""
    del state
    return read_watched(path)


def uploaded() -> Reading | None:
    """The session's upload, read once."""
    files = st.file_uploader(
        "Logs: one .zip or .tar of a submission, or result files",
        type=[*ARCHIVES, *LOGS],
        accept_multiple_files=True,
        key="upload",
        help=f"Up to {UPLOAD_MB} MB. Archives are read in place; archives inside them are not opened.",
    )
    if not files:
        if session_reading() is None:
            st.info(
                "Upload the logs of a submission, or start the dashboard with a folder to watch: "
                "`mlperf-stats dashboard my-campaign`."
            )
        return session_reading()
    rounds = sorted({str(name) for name in data.results_frame(data.current_source())["round"]}, reverse=True)
    round_name = st.selectbox("MLPerf round", [BY_NAME, *rounds], key="upload-round")
    asked = (tuple(file.file_id for file in files), round_name)
    if st.session_state.get("asked") != asked:
        found = _read(files, None if round_name == BY_NAME else round_name)
        remember(found if isinstance(found, Reading) else None)
        st.session_state["asked"] = asked
        st.session_state["refusal"] = None if isinstance(found, Reading) else found
    match st.session_state["refusal"]:
        case RoundUnknownError():
            st.warning("The names in this upload do not tell the MLPerf round. Choose it above.")
        case InputError() as error:
            # The path in the message is a temporary one of ours; the reader knows the file's own name.
            st.error(plain(str(error).partition(": ")[2] or error), title="This upload cannot be read")
    return session_reading()


def _read(files: Sequence[UploadedFile], round_name: str | None) -> Reading | InputError:
    """What was read, or why nothing was."""
    bar = st.progress(0.0, "Reading the logs …")

    def tell(step: IngestProgress) -> None:
        bar.progress(step.bytes_done / max(step.bytes_total, 1), "Reading the logs …")

    try:
        return read_upload(files, round_name, tell)
    except InputError as error:
        return error
    finally:
        bar.empty()


def show(sheet: Sheet, reading: Reading) -> None:
    """Everything about a reading."""
    report = reading.report
    sheet.text(reading.label)
    sheet.disclose(UNVERIFIED)
    places = st.columns(4)
    places[0].metric("Results", len(reading.ids))
    places[1].metric("Runs", report.runs)
    places[2].metric("Converged", report.runs_by_status.get("converged", 0))
    places[3].metric("Problems", sum(report.problems_by_code.values()))
    offer_keeping(reading)
    sheet.heading("Scores")
    frame = data.results_frame(reading.source)
    own = frame[frame["result_id"].isin(reading.ids)]
    sheet.table("your-results", own, RESULT_COLUMNS, order=("result_id", *SCORE_COLUMNS))
    sheet.warnings(own[["warnings"]].to_dict("records"))
    sheet.heading("Check")
    show_check(sheet, reading)
    show_problems(sheet, reading)
    sheet.heading("One of them")
    chosen: str = st.selectbox("Result", list(own["result_id"]), key="own-result")
    beside(sheet, frame, own[own["result_id"] == chosen].iloc[0])
    show_detail(sheet, data.detail(reading.source, chosen))


def show_check(sheet: Sheet, reading: Reading) -> None:
    """What a review would find."""
    report = data.check_of(reading.source)
    verdict = "A review would send nothing back, as far as was tested."
    sheet.note(verdict if report.passed else "A review would send something back: see the first rows.")
    sheet.table("check", report.to_frame(), CHECK_COLUMNS, sentences=True)
    sheet.note(report.error_statement)


def show_problems(sheet: Sheet, reading: Reading) -> None:
    """What was wrong with the files, by kind."""
    report = reading.report
    known = catalogue()
    rows: list[dict[str, Any]] = [
        {"code": code, "count": number, "meaning": known[code].brief if code in known else ""}
        for code, number in report.problems_by_code.most_common()
    ]
    rows += [{"code": reason, "count": number} for reason, number in report.skipped_members.items()]
    if rows:
        sheet.heading("Problems of the files")
        texts = {name: PROBLEM_COLUMNS[name] for name in ("code", "count", "meaning")}
        sheet.table("file-problems", pd.DataFrame(rows, columns=list(texts)), texts)
    if report.worst:
        worst = [{"path": path, "code": code, "detail": detail} for path, code, detail in report.worst]
        sheet.table("worst-files", pd.DataFrame(worst), PROBLEM_COLUMNS)


def beside(sheet: Sheet, frame: pd.DataFrame, own: pd.Series[Any]) -> None:
    """A result of one's own among the published ones nearest in size."""
    alike = frame[(frame["benchmark"] == own["benchmark"]) & (frame["round"] == own["round"])]
    others = alike[alike["result_id"] != own["result_id"]]
    others = others[others["median_minutes"].notna()]
    if others.empty:
        sheet.note("There are no published results of this benchmark and round to stand beside it.")
        return
    size = float(own["accelerators"] or 1)
    distance = (others["accelerators"].astype(float).fillna(1).clip(lower=1) / size).map(
        lambda ratio: abs(math.log(ratio))
    )
    near = others.loc[distance.sort_values(kind="stable").index[:MOST_PEERS]]
    together = pd.concat([own.to_frame().T, near])
    rows = together.astype(object).where(together.notna(), None).to_dict("records")
    sheet.picture(
        "your-results-picture",
        partial(results_chart, rows, own=[str(own["result_id"])]),
        "Your result among published ones",
    )
    sheet.note(f"The {len(near)} published results of this round that are nearest in accelerators.")
    nearest = str(near["result_id"].iloc[0])
    link(
        "compare", "Compare it with the nearest", {"result": [str(own["result_id"]), nearest], "own": "true"}
    )


def offer_keeping(reading: Reading) -> None:
    """A button that saves the logs to the user's database."""
    database = settings().database
    if st.button("Save to your database", icon=":material/save:", help=plain(str(database))):
        with st.spinner("Saving …"):
            kept = keep(reading, database)
        st.success(plain(f"{kept.runs} runs are in {database}: {kept.added} new, {kept.unchanged} known."))


main()
