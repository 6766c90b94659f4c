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

UNET3D = "4.0/Dell/XE9680x8H100-SXM-80GB/unet3d"
"""40 runs of a hundred evaluations and more."""

LOOK_EVERY_S = 0.3
"""As the page does while something is tried beside it."""

PROFILES = {"view": "Close to the best", "profile-round": "5.0"}


def number(key: str, value: float) -> Change:
    return lambda app: app.number_input(key=key).set_value(value)


def one(key: str, value: str) -> Change:
    return lambda app: app.selectbox(key=key).set_value(value)


def several(key: str, *values: str) -> Change:
    return lambda app: app.multiselect(key=key).set_value(list(values))


def switched(key: str) -> Change:
    return lambda app: app.toggle(key=key).set_value(True)


PAGES: tuple[tuple[str, dict[str, Any], tuple[tuple[str, Change], ...]], ...] = (
    (
        "results",
        {},
        (("another round", several("round", "4.0")), ("all rounds", several("round"))),
    ),
    (
        "results",
        {"table": "By result"},
        (("a benchmark", several("benchmark", "bert")), ("all rounds", several("round"))),
    ),
    ("result", {"id": RED}, (("another result", one("id", NYX)), ("one of 40 runs", one("id", UNET3D)))),
    (
        "compare",
        {"result": [RED, NYX]},
        (("level", number("level", 90.0)), ("footing", one("footing", "equal-convergence"))),
    ),
    (
        "combined",
        {"submission": "4.0/Dell/XE9680x8H100-SXM-80GB"},
        (("level", number("level", 90.0)), ("benchmarks", several("benchmarks", "bert", "ssd"))),
    ),
    (
        "planning",
        {"question": "A narrow interval", "plan-benchmark": "bert"},
        (
            ("width", number("width", 5.0)),
            ("level", number("level", 90.0)),
            ("another benchmark", one("plan-benchmark", "rgat")),
        ),
    ),
    (
        "planning",
        {"question": "A difference", "plan-benchmark": "bert"},
        (("difference", number("difference", 5.0)), ("another benchmark", one("plan-benchmark", "rgat"))),
    ),
    (
        "planning",
        {"question": "A valid result", "plan-benchmark": "bert"},
        (("failures", number("failures", 5.0)), ("another benchmark", one("plan-benchmark", "rgat"))),
    ),
    (
        "planning",
        {"question": "A budget", "plan-benchmark": "bert"},
        (("price", number("price", 3.0)), ("another benchmark", one("plan-benchmark", "rgat"))),
    ),
    ("variance", {}, (("a benchmark", several("workload", "bert")),)),
    ("variance", {"rows": "By result"}, (("a benchmark", several("workload", "bert")),)),
    (
        "scale",
        {"view": "By size", "scale-benchmark": "bert"},
        (("another round", several("scale-round", "4.0")), ("all rounds", several("scale-round"))),
    ),
    (
        "scale",
        PROFILES,
        (
            ("another round", one("profile-round", "4.0")),
            ("accelerator-minutes", switched("per-accelerator")),
        ),
    ),
    (
        "scale",
        {"view": "Over the rounds", "scale-benchmark": "bert"},
        (("another benchmark", one("scale-benchmark", "rgat")),),
    ),
    ("about", {}, ()),
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
    told(name, wall, cpu)
    assert not app.exception, app.exception
    if not being_tried(app):
        return
    while being_tried(app):
        time.sleep(LOOK_EVERY_S)
        app.run()
    told(f"{name}: in all, with what is tried beside the page", wall, cpu)


def being_tried(app: AppTest) -> bool:
    """Whether the page says that the controlled estimate is still to come."""
    return any("being tried" in caption.value for caption in app.caption)


def told(name: str, wall: float, cpu: float) -> None:
    """Print what has gone by since then."""
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:58} {wall:6.2f} s wall {cpu:6.2f} s CPU", flush=True)


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        measured("results: first session of the server", opened("results", {}))
        measured("results: first render in a second session", opened("results", {}))
        for page, parameters, changes in PAGES:
            app = opened(page, parameters)
            told = next(
                (str(parameters[key]) for key in ("table", "question", "rows", "view") if key in parameters),
                "",
            )
            name = f"{page}, {told}" if told else page
            measured(f"{name}: opened", app)
            measured(f"{name}: run again", app)
            for change, apply in changes:
                apply(app)
                measured(f"{name}: after a change ({change})", app)
                measured(f"{name}: the same for the next reader", app)


if __name__ == "__main__":
    main()
