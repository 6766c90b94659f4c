"""A hundred killed ingests, and a minute of two writers and three readers on one database.

Usage: python tests/durability/attack.py [KILLS] [SECONDS]

Every kill comes at a random moment; the database it leaves is opened, checked, completed, and its
exported tables are compared byte for byte with those of an ingest that nobody disturbed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from durability import Killer, many_submissions, traffic

SUBMISSIONS = 40


def kill(folder: Path, kills: int, jobs: int) -> None:
    folder.mkdir()
    killer = Killer(many_submissions(folder, SUBMISSIONS), folder, seed=jobs, jobs=jobs)
    for _ in range(kills):
        killer.kill_once()
    untouched = sum(number == 0 for number in killer.committed)
    whole = sum(number == SUBMISSIONS for number in killer.committed)
    print(
        f"{kills} ingests of {SUBMISSIONS} submissions by {jobs} process(es), {killer.seconds:.2f} s each, "
        "killed: "
        f"{untouched} before the first commit, {whole} after the last, {kills - untouched - whole} between; "
        "all databases opened, were sound, and were equal to the undisturbed one after another ingest",
        flush=True,
    )


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kill(folder / "one", kills, 1)
        kill(folder / "several", kills // 4, 2)
        (folder / "traffic").mkdir()
        seen = traffic(folder / "traffic", seconds)
        print(
            f"2 writers and 3 readers for {seconds:g} s: {seen.writes} ingests (slowest "
            f"{seen.slowest_write_s:.2f} s), {seen.reads} reads of everything (slowest "
            f"{seen.slowest_read_s:.2f} s), no error, no half submission"
        )


if __name__ == "__main__":
    main()
