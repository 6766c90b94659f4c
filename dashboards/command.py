"""``mlperf-stats dashboard``: start the server and open a browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mlperf_stats.errors import InputError


def command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Folders, campaigns or archives of your own runs to watch."),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(
            "--db", metavar="FILE", dir_okay=False, help="Your database (default: in your data directory)."
        ),
    ] = None,
    no_published: Annotated[
        bool, typer.Option("--no-published", help="Leave out the published results that are shipped.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=1, max=65535, help="Default: 8501, or the next free one."),
    ] = None,
    address: Annotated[
        str, typer.Option("--address", metavar="NAME", help="Where to listen; others can read it there.")
    ] = "localhost",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the dashboard in a browser.

    It shows the published results and your database, and your own runs: uploaded ones, or folders and
    campaigns that are named here, which are watched. Nothing leaves this machine.
    """
    missing = next((name for name in ("streamlit", "altair") if find_spec(name) is None), None)
    if missing:
        raise InputError(
            f"'dashboard' needs {missing}, which is not installed: pip install 'mlperf-stats[dashboard]'"
        )
    from mlperf_dashboards.server import Listening, serve
    from mlperf_dashboards.settings import Settings
    from mlperf_stats.store.database import open_store

    for path in paths or ():
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; name a folder, campaign or archive of runs")
    # What cannot be shown is refused here and not in the browser.
    open_store(db, published=not no_published).close()
    chosen = Settings(
        None if db is None else str(db.resolve()),
        not no_published,
        tuple(str(path.resolve()) for path in paths or ()),
    )
    serve(chosen, Listening(address, port, browser=not no_browser))


command.examples = (  # type: ignore[attr-defined]
    ("mlperf-stats dashboard", "published results and your own database"),
    ("mlperf-stats dashboard my-campaign", "watch a campaign while it runs"),
    ("mlperf-stats dashboard --db team.db --no-published --no-browser", "one database alone"),
)
