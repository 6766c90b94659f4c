"""What pages of the dashboard cost the server. Usage: python tests/benchmarks/bench_dashboard.py

Asked, on the whole snapshot: the first render of Results in a second session of a running server within
2 s, and every page's rerun after a change of a filter within 0.5 s. Sessions are those of Streamlit's test
harness in one process, which share what the server keeps, as sessions of a server do; nothing is drawn.
CPU time tells what wall time would be on a machine that does nothing else.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from mlperf_dashboards.server import APP

RED, NYX = "5.0/tinycorp/tinybox_red/bert", "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert"
Change = Callable[[AppTest], Any]

PAGES: tuple[tuple[str, dict[str, Any], str, Change], ...] = (
    ("results", {}, "another round", lambda app: app.multiselect(key="round").set_value(["4.0"])),
    (
        "results",
        {"table": "By result"},
        "a benchmark",
        lambda app: app.multiselect(key="benchmark").set_value(["bert"]),
    ),
    ("result", {"id": RED}, "another result", lambda app: app.selectbox(key="id").set_value(NYX)),
    ("compare", {"result": [RED, NYX]}, "level", lambda app: app.number_input(key="level").set_value(90.0)),
    (
        "combined",
        {"submission": "4.0/Dell/XE9680x8H100-SXM-80GB"},
        "level",
        lambda app: app.number_input(key="level").set_value(90.0),
    ),
    (
        "planning",
        {"plan-benchmark": "bert"},
        "width",
        lambda app: app.number_input(key="width").set_value(5.0),
    ),
    ("variance", {}, "a benchmark", lambda app: app.multiselect(key="workload").set_value(["bert"])),
    (
        "scale",
        {"scale-benchmark": "bert"},
        "another round",
        lambda app: app.multiselect(key="scale-round").set_value(["4.0"]),
    ),
    (
        "scale",
        {"view": "Close to the best"},
        "another round",
        lambda app: app.selectbox(key="profile-round").set_value("4.0"),
    ),
    (
        "scale",
        {"view": "Over the rounds", "scale-benchmark": "bert"},
        "a benchmark",
        lambda app: app.selectbox(key="scale-benchmark").set_value("rgat"),
    ),
    ("about", {}, "nothing", lambda app: None),
)


def opened(page: str, parameters: dict[str, Any]) -> AppTest:
    """A new session on a page, not yet run."""
    app = AppTest.from_file(str(APP), default_timeout=300)
    if page != "results":
        app.run()
        app.switch_page(f"views/{page}.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return app


def measured(name: str, app: AppTest) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    app.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert not app.exception, app.exception
    print(f"{name:58} {wall:6.2f} s wall {cpu:6.2f} s CPU", flush=True)


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        measured("results: first session of the server", opened("results", {}))
        measured("results: first render in a second session", opened("results", {}))
        for page, parameters, change, apply in PAGES:
            app = opened(page, parameters)
            told = next(iter(parameters.values()), "") if page == "scale" else ""
            measured(f"{page} {told}: opened", app)
            measured(f"{page} {told}: run again", app)
            apply(app)
            measured(f"{page} {told}: after a change ({change})", app)
            apply(app)
            measured(f"{page} {told}: the same change for the next reader", app)


if __name__ == "__main__":
    main()
