"""Coverage-guided fuzzing of the log reader with atheris, from a corpus of sound inputs.

Usage: python tests/fuzz/fuzz_coverage.py FOLDER [libFuzzer options, e.g. -max_total_time=900]

FOLDER keeps what reached new code; it is filled with sound inputs when it is empty. The first byte of
an input chooses what reads the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

with atheris.instrument_imports(include=["mlperf_stats.logs"]):
    from fuzzing import check_problems, check_run, check_system, made_up_corpus, published_corpus
    from packs import ROUNDS, pack_archive, unpacked

    from mlperf_stats.logs.power import read_power
    from mlperf_stats.logs.runs import read_run
    from mlperf_stats.logs.systems import read_system

RUN, SYSTEM, POWER = b"r", b"s", b"p"


def check(data: bytes) -> None:
    """Read one input and check what must hold of the outcome."""
    kind, content = data[:1], data[1:]
    if kind == SYSTEM:
        check_system(read_system(content, "s"))
    elif kind == POWER:
        check_problems(read_power(content, "node_0.txt").problems)
    else:
        check_run(read_run(content, "r"), content)


def fill(folder: Path) -> None:
    """Write sound inputs, made up and, where the packs are at hand, published ones."""
    at_hand = [name for name in ROUNDS if pack_archive(name).is_file()]
    corpus = made_up_corpus() + published_corpus((unpacked(name) for name in at_hand), per_round=4)
    kinds = ((RUN, corpus.lines), (RUN, corpus.runs), (SYSTEM, corpus.systems), (POWER, corpus.power))
    inputs = [kind + content for kind, contents in kinds for content in contents]
    for number, content in enumerate(inputs):
        (folder / f"sound-{number}").write_bytes(content)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        fill(folder)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
