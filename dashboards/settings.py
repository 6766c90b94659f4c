"""What the command line told the app: it crosses over to Streamlit in one environment variable."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

VARIABLE = "MLPERF_STATS_DASHBOARD"

UPLOAD_MB = 200
"""Largest upload in megabytes; a submission with all its logs packs to a few."""


class Settings(msgspec.Struct, frozen=True):
    """What a dashboard shows, for all of its readers."""

    db: str | None = None
    """The user's database; None for the default one, which need not exist."""
    published: bool = True
    paths: tuple[str, ...] = ()
    """Folders and archives of own runs that are watched; no other path is ever opened."""

    def to_environment(self) -> None:
        """Leave the settings for the app, which Streamlit runs in this process."""
        os.environ[VARIABLE] = msgspec.json.encode(self).decode()

    @property
    def database(self) -> Path:
        """The user's database; the file may be missing."""
        from mlperf_stats.store.database import default_db_path

        return Path(self.db) if self.db else default_db_path()


def settings() -> Settings:
    """What was left for the app; the defaults where nothing was."""
    text = os.environ.get(VARIABLE)
    return msgspec.json.decode(text, type=Settings) if text else Settings()
