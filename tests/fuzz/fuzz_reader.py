"""Damage a million logs and descriptions and see what the reader makes of them.

Usage: python tests/fuzz/fuzz_reader.py [CASES] [SEED]

The corpus is the made-up one, and lines of published rounds where the packs are at hand.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from fuzzing import Fuzzer, made_up_corpus, published_corpus
from packs import ROUNDS, pack_archive, unpacked


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    at_hand = [name for name in ROUNDS if pack_archive(name).is_file()]
    corpus = made_up_corpus() + published_corpus(unpacked(name) for name in at_hand)
    sizes = len(corpus.lines), len(corpus.systems), len(corpus.power)
    print("corpus: {} lines, {} descriptions, {} power logs".format(*sizes))
    fuzzer = Fuzzer(corpus, seed)
    start = time.perf_counter()
    for first in range(0, cases, 50_000):
        fuzzer.run(range(first, min(first + 50_000, cases)))
        print(f"{min(first + 50_000, cases):>9} cases, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"seed {seed}: {fuzzer.outcomes.total()} cases, no exception, no lost run")
    for outcome, number in fuzzer.outcomes.most_common():
        print(f"{number:>9} {outcome}")


if __name__ == "__main__":
    main()
