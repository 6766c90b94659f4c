"""The whole suite of mini workloads in two settings: execute docs/suite.md and write its outputs into it.

Usage: python tests/statistical/suite_study.py [FOLDER]

Takes about an hour of CPU time. The campaigns stay in FOLDER (default: suite-study); run again, it goes
on where it was interrupted.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from executed_page import executed, write_files

PAGE = Path(__file__).resolve().parents[2] / "docs" / "suite.md"


def main(folder: Path) -> None:
    """Execute the page in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.db").unlink(missing_ok=True)
    page = PAGE.read_text(encoding="utf-8")
    write_files(page, folder)

    def printed_by(command: str) -> str:
        words = [sys.executable, "-m", "mlperf_stats", *shlex.split(command)]
        return subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout

    PAGE.write_text(executed(page, printed_by), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "suite-study"))
