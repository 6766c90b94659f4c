"""Ingest against the official tool on v5.0, and all packed rounds against reading them: ratios.

Usage: python tests/benchmarks/bench_ingest.py

Needs the packs of the shared folder and two minutes, most of them for the official summarizer, which
works on a copy of the round because it deletes files.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from packs import ROUNDS, pack_archive, unpacked
from processes import Cost, run

REPEATS = 5
MEMORY_LIMIT_MB = 400

# Each prints the CPU seconds of its work, without those of starting Python and importing.
INGEST = """
import sys, time
from mlperf_stats.store import open_store
from mlperf_stats.store.ingest import ingest
if __name__ == "__main__":
    before = time.process_time()
    with open_store(sys.argv[1], published=False, write=True) as store:
        ingest(store, sys.argv[3:], jobs=int(sys.argv[2]) or None)
    print(time.process_time() - before)
"""
PARSE_FILE = """
import sys, time
from pathlib import Path
from mlperf_logging.compliance_checker.mlp_parser import parse_file
paths = sorted(map(str, Path(sys.argv[1]).glob("*/results/*/*/result_*.txt")))
before = time.process_time()
for path in paths:
    parse_file(path, ruleset="5.0.0")
print(time.process_time() - before)
"""
DISCARD = """
import sys, time
from pathlib import Path
paths = [path for root in sys.argv[1:] for path in Path(root).rglob("*") if path.is_file()]
buffer = bytearray(1 << 20)
for timed in (False, True):
    before = time.perf_counter()
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
print(time.perf_counter() - before)
"""


def work_seconds(script: Path, *arguments: object) -> tuple[float, Cost]:
    """What a script prints as its CPU (or wall) seconds, and what the whole process cost."""
    cost = run([sys.executable, str(script), *map(str, arguments)])
    return float(cost.output.splitlines()[-1]), cost


def write_scripts(folder: Path) -> dict[str, Path]:
    scripts = {"ingest": INGEST, "parse_file": PARSE_FILE, "discard": DISCARD}
    paths = {name: folder / f"{name}.py" for name in scripts}
    for name, text in scripts.items():
        paths[name].write_text(text)
    return paths


def compare_on_one_round(scripts: dict[str, Path], folder: Path) -> None:
    """CPU seconds on v5.0: ours between the runs of the peers, so that all see the same machine."""
    root = unpacked("5.0")
    ours: list[float] = []
    command: list[float] = []

    def measure(times: int) -> None:
        for _ in range(times):
            seconds, _ = work_seconds(scripts["ingest"], folder / f"{len(ours)}.db", 1, root)
            ours.append(seconds)
            program = Path(sys.executable).with_name("mlperf-stats")
            database = folder / f"command-{len(ours)}.db"
            command.append(run([program, "ingest", root, "--round", "5.0", "--db", database]).cpu_s)

    measure(REPEATS)
    parse_file, _ = work_seconds(scripts["parse_file"], root)
    measure(REPEATS)
    copy = shutil.copytree(root, folder / "v5.0")  # it deletes files beside the logs
    summarizer = run(
        [sys.executable, "-m", "mlperf_logging.result_summarizer", f"{copy}/{{*}}", "training", "5.0.0"]
    ).cpu_s
    measure(REPEATS)
    print(f"{'v5.0':34}{'CPU s':>8}{'summarizer ÷':>14}{'parse_file ÷':>14}")
    for name, seconds in (
        ("official summarizer", summarizer),
        ("official parse_file", parse_file),
        ("ingest()", median(ours)),
        ("mlperf-stats ingest, whole command", median(command)),
    ):
        print(f"{name:34}{seconds:8.2f}{summarizer / seconds:14.1f}{parse_file / seconds:14.1f}")


def compare_with_reading(scripts: dict[str, Path], folder: Path) -> None:
    """Wall time, CPU time and memory of all rounds against reading the same files and forgetting them."""
    roots = [unpacked(name) for name in ROUNDS]
    size_mb = sum(path.stat().st_size for root in roots for path in root.rglob("*") if path.is_file()) / 1e6
    reading, _ = work_seconds(scripts["discard"], *roots)
    print(f"\nall {len(ROUNDS)} rounds, {size_mb:.0f} MB; reading them warm takes {reading:.2f} s")
    print(f"{'':34}{'wall s':>8}{'CPU s':>8}{'MB/s':>8}{'of reading':>12}{'peak MB':>9}")
    for jobs, name in ((1, "ingest(jobs=1)"), (0, "ingest(jobs=None)")):
        _, cost = work_seconds(scripts["ingest"], folder / f"all-{jobs}.db", jobs, *roots)
        share = reading / cost.wall_s
        print(
            f"{name:34}{cost.wall_s:8.2f}{cost.cpu_s:8.2f}{size_mb / cost.wall_s:8.0f}{share:12.2f}"
            f"{cost.peak_mb:9.0f}"
        )
        if cost.peak_mb > MEMORY_LIMIT_MB:
            raise SystemExit(f"peak memory is over {MEMORY_LIMIT_MB} MB")


def main() -> None:
    if not pack_archive("5.0").is_file():
        raise SystemExit(f"no pack at {pack_archive('5.0')}; set MLPERF_STATS_SHARED to the shared folder")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scripts = write_scripts(folder)
        compare_on_one_round(scripts, folder)
        compare_with_reading(scripts, folder)


if __name__ == "__main__":
    main()
