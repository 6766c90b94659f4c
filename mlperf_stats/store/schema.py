"""The schema of a results database, and its version.

Version history (``PRAGMA user_version``):
1  first release
"""

from __future__ import annotations

SCHEMA_VERSION = 1
APPLICATION_ID = 0x4D4C5053
"""``MLPS`` in ``PRAGMA application_id``: marks a SQLite file as ours."""

SUMMARY_COLUMNS = {
    "gbs": "INTEGER",
    "runs": "INTEGER",
    "runs_converged": "INTEGER",
    "score_minutes": "REAL",
    "olympic_minutes": "REAL",
    "median_minutes": "REAL",
    "median_low": "REAL",
    "median_high": "REAL",
    "median_level": "REAL",
    "gmean_minutes": "REAL",
    "gmean_low": "REAL",
    "gmean_high": "REAL",
    "expected_minutes": "REAL",
    "expected_low": "REAL",
    "expected_high": "REAL",
    "controlled_minutes": "REAL",
    "controlled_low": "REAL",
    "controlled_high": "REAL",
    "controlled_own_share": "REAL",
    "cv": "REAL",
    "convergence_points": "INTEGER",
    "energy_joules": "REAL",
    "warnings": "TEXT",
}
"""What the analysis room computes of every result, kept so that listing results needs no statistics."""

SUBMISSION_COLUMNS = (
    "round",
    "submitter",
    "entry",
    "system",
    "system_name",
    "division",
    "division_as_filed",
    "availability",
    "availability_as_filed",
    "accelerator",
    "accelerators",
    "accelerators_per_node",
    "nodes",
    "host_processor",
    "host_processors",
    "framework",
    "description_path",
    "problems",
)
RUN_COLUMNS = (
    "path",
    "status",
    "start_ms",
    "stop_ms",
    "minutes",
    "gbs",
    "seed",
    "train_samples",
    "convergence_point",
    "convergence_unit",
    "progress_unit",
    "energy_joules",
    "grammar",
    "logged_benchmark",
    "logged_division",
    "content_hash",
    "size_bytes",
    "problems",
)
EVALUATION_COLUMNS = ("number", "elapsed_ms", "point", "value", "metric", "after_stop")

STATEMENTS = (
    """
    CREATE TABLE submissions (             -- one submitter's results on one system in one round
        submission_key INTEGER PRIMARY KEY,
        round TEXT NOT NULL,
        submitter TEXT NOT NULL,           -- folder name
        entry TEXT NOT NULL,               -- v0.5: folders between submitter and results, else ''
        system TEXT NOT NULL,              -- folder name
        system_name TEXT NOT NULL,         -- as the description calls it
        division TEXT NOT NULL,            -- closed, open or ''
        division_as_filed TEXT NOT NULL,
        availability TEXT NOT NULL,        -- available, preview, research or ''
        availability_as_filed TEXT NOT NULL,
        accelerator TEXT NOT NULL,
        accelerators INTEGER,              -- of the whole system
        accelerators_per_node INTEGER,
        nodes INTEGER,
        host_processor TEXT NOT NULL,
        host_processors INTEGER,           -- of the whole system
        framework TEXT NOT NULL,
        description_path TEXT NOT NULL,
        problems TEXT NOT NULL,            -- JSON: [[code, detail, count], ...]
        UNIQUE (round, submitter, entry, system)
    ) STRICT
    """,
    """
    CREATE TABLE results (                 -- one benchmark of one submission
        result_key INTEGER PRIMARY KEY,
        result_id TEXT NOT NULL UNIQUE,
        submission_key INTEGER NOT NULL REFERENCES submissions,
        benchmark TEXT NOT NULL,           -- the suite's name of it
        folder TEXT NOT NULL,              -- as filed
        path TEXT NOT NULL,
        scaling_factor REAL NOT NULL,
        problems TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX results_by_submission ON results (submission_key)",
    """
    CREATE TABLE runs (                    -- one run file
        run_key INTEGER PRIMARY KEY,
        result_key INTEGER NOT NULL REFERENCES results,
        path TEXT NOT NULL,                -- in the results repository
        status TEXT NOT NULL,              -- converged, not_converged, incomplete, unreadable, absent
        start_ms REAL,
        stop_ms REAL,
        minutes REAL,                      -- time to train
        gbs INTEGER,
        seed TEXT,
        train_samples INTEGER,
        convergence_point REAL,            -- progress at which the target was reached
        convergence_unit TEXT NOT NULL,
        progress_unit TEXT NOT NULL,       -- what the evaluations' points count, as logged
        energy_joules REAL,
        grammar TEXT NOT NULL,
        logged_benchmark TEXT NOT NULL,
        logged_division TEXT NOT NULL,
        content_hash TEXT NOT NULL,        -- SHA-256 of the file
        size_bytes INTEGER NOT NULL,
        problems TEXT NOT NULL,
        UNIQUE (result_key, path)
    ) STRICT
    """,
    "CREATE INDEX runs_by_hash ON runs (content_hash)",
    """
    CREATE TABLE evaluations (             -- quality measured during a run
        run_key INTEGER NOT NULL REFERENCES runs,
        number INTEGER NOT NULL,           -- in the order of the log
        elapsed_ms REAL,                   -- since run_start
        point REAL,
        value REAL,
        metric TEXT NOT NULL,
        after_stop INTEGER NOT NULL,
        PRIMARY KEY (run_key, number)
    ) STRICT, WITHOUT ROWID
    """,
    f"""
    CREATE TABLE summaries (               -- computed from the tables above; may be missing
        result_key INTEGER PRIMARY KEY REFERENCES results,
        computed_by TEXT NOT NULL,         -- version of the statistics
        level REAL NOT NULL,
        {", ".join(f"{name} {kind}" for name, kind in SUMMARY_COLUMNS.items())}
    ) STRICT
    """,
    """
    CREATE VIEW linked_runs AS             -- byte-identical run files; statistics count them once
        SELECT run_key, min(run_key) OVER (PARTITION BY content_hash) AS first_run_key
        FROM runs WHERE content_hash <> ''
    """,
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)
