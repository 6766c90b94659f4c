"""The suite table: every round, names and aliases, workload identities, error messages."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
from mlperf_logging.benchmark_meta import get_allowed_benchmarks, get_result_file_counts

from mlperf_stats.errors import InputError, RoundUnknownError, UnknownBenchmarkError
from mlperf_stats.rules.suite import (
    ConvergenceRule,
    benchmark,
    campaign_rules,
    canonical_benchmark,
    normalise_round,
    require_rounds,
    rounds,
    rules_for,
    suite,
)

# Benchmarks of each round as MLCommons lists them.
MEMBERS = {
    "0.5": "deepspeech2 gnmt maskrcnn minigo ncf resnet ssd transformer",
    "0.6": "gnmt maskrcnn minigo resnet ssd transformer",
    "0.7": "bert dlrm gnmt maskrcnn minigo resnet ssd transformer",
    "1.0": "bert dlrm maskrcnn minigo resnet rnnt ssd unet3d",
    "1.1": "bert dlrm maskrcnn minigo resnet rnnt ssd unet3d",
    "2.0": "bert dlrm maskrcnn minigo resnet rnnt ssd unet3d",
    "2.1": "bert dlrm maskrcnn minigo resnet rnnt ssd unet3d",
    "3.0": "bert dlrm_dcnv2 gpt3 maskrcnn resnet rnnt ssd unet3d",
    "3.1": "bert dlrm_dcnv2 gpt3 maskrcnn resnet rnnt ssd stable_diffusion unet3d",
    "4.0": "bert dlrm_dcnv2 gnn gpt3 llama2_70b_lora resnet ssd stable_diffusion unet3d",
    "4.1": "bert dlrm_dcnv2 gnn gpt3 llama2_70b_lora ssd stable_diffusion",
    "5.0": "bert dlrm_dcnv2 llama2_70b_lora llama31_405b retinanet rgat stable_diffusion",
    "5.1": "dlrm_dcnv2 flux1 llama2_70b_lora llama31_405b llama31_8b retinanet rgat",
    "6.0": "deepseekv3_671b dlrm_dcnv2 flux1 gpt_oss_20b llama2_70b_lora llama31_405b llama31_8b",
    "6.1": "deepseekv3_671b dlrmv4 flux1 gpt_oss_20b llama2_70b_lora llama31_8b qwen35_397b_grpo",
}


def test_rounds_and_their_benchmarks() -> None:
    assert {name: " ".join(sorted(suite(name).benchmarks)) for name in rounds()} == MEMBERS
    assert rounds() == tuple(MEMBERS)  # oldest first


def test_the_official_table_agrees_on_benchmarks_and_numbers_of_runs() -> None:
    """Peer: benchmark_meta of mlperf-logging, which knows no v0.5 and still lists ncf in v0.6."""
    runs = get_result_file_counts("training")
    for name in rounds()[1:]:
        official = set(get_allowed_benchmarks("training", f"{name}.0")) - {"ncf"}
        ours = {entry.name: entry.runs for entry in suite(name)}
        assert ours == {known: runs[known] for known in official}, name


@pytest.mark.parametrize(
    ("round_name", "name", "runs", "unit", "target"),
    [
        ("0.5", "resnet", 5, "epoch", "top-1 accuracy ≥ 0.749"),
        ("4.0", "resnet", 5, "epoch", "top-1 accuracy ≥ 0.759"),
        ("0.5", "ssd", 5, "epoch", "mAP ≥ 0.212"),
        ("1.1", "ssd", 5, "epoch", "mAP ≥ 0.23"),
        ("2.0", "ssd", 5, "epoch", "mAP ≥ 0.34"),
        ("2.1", "maskrcnn", 5, "epoch", "box min AP ≥ 0.377 and mask min AP ≥ 0.339"),
        ("3.0", "unet3d", 40, "epoch", "mean DICE ≥ 0.908"),
        ("4.0", "unet3d", 40, "sample", "mean DICE ≥ 0.908"),
        ("3.1", "stable_diffusion", 10, "step", "FID ≤ 90 and CLIP ≥ 0.15"),
        ("5.0", "stable_diffusion", 10, "sample", "FID ≤ 90 and CLIP ≥ 0.15"),
        ("0.7", "bert", 10, "sample", "masked-LM accuracy ≥ 0.712"),
        ("1.0", "bert", 10, "sample", "masked-LM accuracy ≥ 0.72"),
        ("3.1", "rnnt", 10, "epoch", "word error rate ≤ 0.058"),
        ("4.1", "gpt3", 3, "token", "log perplexity ≤ 2.69"),
        ("5.0", "llama31_405b", 3, "sample", "log perplexity ≤ 5.6"),
        ("3.0", "dlrm_dcnv2", 10, "epoch", "AUC ≥ 0.80275"),
        ("0.5", "minigo", 10, "model", "professional move prediction ≥ 0.4"),
        ("0.5", "ncf", 100, "epoch", "HR@10 ≥ 0.635"),
    ],
)
def test_facts_of_single_benchmarks(round_name: str, name: str, runs: int, unit: str, target: str) -> None:
    found = benchmark(round_name, name)
    assert (found.runs, found.convergence_unit, found.quality_target) == (runs, unit, target)
    assert (found.name, found.round) == (name, round_name)


def test_dropping_rules() -> None:
    """unet3d drops 4 + 4 and forgives 4; everything else 1 + 1 and 1; v0.5 ncf has its own rule."""
    for name in rounds():
        for entry in suite(name):
            expected = {"unet3d": (4, 4), "ncf": (1, 50)}.get(entry.name, (1, 1))
            assert (entry.dropped_each_side, entry.max_non_converged) == expected
            assert entry.scored_runs == (50 if entry.name == "ncf" else entry.runs)


def test_direction_of_quality() -> None:
    assert benchmark("5.0", "bert").higher_is_better is True
    assert benchmark("4.0", "gpt3").higher_is_better is False
    assert benchmark("4.0", "stable_diffusion").higher_is_better is None
    assert benchmark("4.0", "stable_diffusion").quality_metric == "FID and CLIP"
    assert campaign_rules(5).higher_is_better is None
    fid, clip = benchmark("4.0", "stable_diffusion").targets
    assert fid.reached(90.0)
    assert not fid.reached(90.1)
    assert clip.reached(0.15)
    assert not clip.reached(0.149)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("1.1", "ssd"), ("2.0", "ssd"), False),  # another model under the same name
        (("4.1", "ssd"), ("5.0", "retinanet"), True),  # renamed
        (("4.1", "gnn"), ("5.0", "rgat"), True),  # renamed
        (("0.5", "ssd"), ("0.6", "ssd"), False),  # target raised
        (("0.5", "resnet"), ("0.6", "resnet"), False),
        (("0.6", "resnet"), ("4.0", "resnet"), True),
        (("0.7", "bert"), ("1.0", "bert"), False),
        (("1.0", "bert"), ("5.0", "bert"), True),
        (("0.5", "gnmt"), ("0.7", "gnmt"), False),
        (("0.5", "minigo"), ("0.6", "minigo"), False),
        (("0.5", "maskrcnn"), ("3.1", "maskrcnn"), True),
        (("0.5", "transformer"), ("0.7", "transformer"), True),
        (("2.1", "dlrm"), ("3.0", "dlrm_dcnv2"), False),
        (("3.0", "unet3d"), ("4.0", "unet3d"), True),
    ],
)
def test_workload_identity(one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    assert (benchmark(*one).workload == benchmark(*other).workload) is same


def test_workloads_are_unique_within_a_round() -> None:
    for name in rounds():
        assert len({entry.workload for entry in suite(name)}) == len(suite(name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v5.0", "5.0"),
        ("5.0", "5.0"),
        (" V0.5 ", "0.5"),
        ("5.1.0", "5.1"),
        ("v0.5.0/", "0.5"),
        ("training_results_v5.0", "5.0"),
        ("mlcommons/training_results_v2.1", "2.1"),
        ("MLPerf Training v10.0", "10.0"),
        ("local", "local"),
    ],
)
def test_spellings_of_a_round(text: str, expected: str) -> None:
    assert normalise_round(text) == expected


@pytest.mark.parametrize("text", ["", "5", "latest", "5.0-rc", "v5.0.1", "5.0 and 5.1x"])
def test_text_that_names_no_round(text: str) -> None:
    with pytest.raises(RoundUnknownError, match="names no MLPerf round"):
        normalise_round(text)


def test_a_round_without_suite() -> None:
    with pytest.raises(RoundUnknownError, match=r"round 9\.9 has no suite.*known rounds: 0\.5, .*6\.1"):
        suite("9.9")
    with pytest.raises(RoundUnknownError, match="round local has no suite"):
        benchmark("local", "resnet")


def test_of_several_rounds_without_suite_the_first_is_named() -> None:
    for first in range(1, 9):
        names = [f"9.{(first + more) % 9}" for more in range(9)]
        with pytest.raises(RoundUnknownError, match=f"round {names[0]} has no suite"):
            require_rounds(["5.0", "local", *names])


def test_unknown_benchmark_lists_what_exists() -> None:
    with pytest.raises(
        UnknownBenchmarkError, match=r"round 5\.0 has no benchmark 'bart'; did you mean bert\? it has: bert, "
    ):
        benchmark("v5.0", "bart")
    with pytest.raises(UnknownBenchmarkError) as caught:
        benchmark("5.0", "qqqq")
    assert "did you mean" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("round_name", "folder", "expected"),
    [
        ("0.6", "mask", "maskrcnn"),
        ("0.6", "maskrcnn", "maskrcnn"),
        ("5.0", "ResNet", None),  # not in that suite any more
        ("4.0", "ResNet", "resnet"),
        ("4.0", "stable-diffusion", "stable_diffusion"),
        ("3.1", "sd", "stable_diffusion"),
        ("5.0", "ssd", "retinanet"),
        ("2.0", "retinanet", "ssd"),
        ("4.1", "rgat", "gnn"),
        ("5.0", "gnn", "rgat"),
        ("5.0", "results", None),
        ("9.9", "resnet", None),
        ("local", "resnet", None),
    ],
)
def test_folder_names(round_name: str, folder: str, expected: str | None) -> None:
    assert canonical_benchmark(round_name, folder) == expected


def test_campaign_rules() -> None:
    rules = campaign_rules(7, "digits", "epoch")
    assert (rules.round, rules.runs, rules.dropped_each_side, rules.max_non_converged) == ("local", 7, 1, 1)
    assert rules.workload == "local/digits"
    assert rules.quality_target == ""
    with pytest.raises(InputError, match="digits: a campaign needs at least one run, not 0"):
        campaign_rules(0, "digits")


def test_rules_for_falls_back_to_a_campaign() -> None:
    assert rules_for("0.6", "mask", 5) is benchmark("0.6", "maskrcnn")
    assert rules_for("local", "digits", 7).runs == 7
    assert rules_for("9.9", "resnet", 0).runs == 1  # an empty set must still be scorable (as invalid)
    assert rules_for("5.0", "mine", 4).workload == "local/mine"


def test_convergence_rules() -> None:
    special = {
        entry.name: entry.convergence
        for name in rounds()
        for entry in suite(name)
        if entry.convergence is not ConvergenceRule.LAST_EVALUATION
    }
    assert special == {
        "bert": ConvergenceRule.LAST_OR_TRAINED_SAMPLES,
        "stable_diffusion": ConvergenceRule.FIRST_PASSING,
    }


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        suite("5.0").benchmarks["mine"] = campaign_rules(5)  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        benchmark("5.0", "bert").runs = 3  # type: ignore[misc]


def test_loading_needs_the_standard_library_alone() -> None:
    program = (
        "import sys; from mlperf_stats.rules import scoring, selection, suite; suite.suite('5.0'); "
        "print([m for m in ('numpy', 'scipy', 'pandas', 'msgspec', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
