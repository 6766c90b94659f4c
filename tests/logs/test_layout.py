"""Which file is what, and whose, whatever level of a results repository the input starts at."""

from __future__ import annotations

import pytest

from mlperf_stats.errors import RoundUnknownError
from mlperf_stats.logs.layout import Kind, Layout, Place, SubmissionKey

KEY = SubmissionKey("5.0", "ACME", "", "x8")
RUN = "ACME/results/x8/bert/result_0.txt"
ABOVE = ("data", "training_results_v5.0")


def placed(path: str, context: tuple[str, ...] = ABOVE, round_given: str | None = None) -> Place | None:
    return Layout(context, round_given).place(path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (RUN, Kind.RUN),
        ("ACME/results/x8/bert/result_run10.txt", Kind.RUN),
        ("ACME/results/x8/bert/scaling.json", Kind.SCALING),
        ("ACME/results/x8/bert/power/result_0/node_0.txt", Kind.POWER),
        ("ACME/results/x8/bert/power/result_0/sw_0.txt", Kind.POWER),
        ("ACME/systems/x8.json", Kind.SYSTEM),
        ("ACME/results/x8/bert/.!65506!result_4.txt", None),
        ("ACME/results/x8/bert/result_0.txt.gz", None),
        ("ACME/results/x8/bert/old/result_0.txt", None),
        ("ACME/results/x8/bert/power/result_0/readme.txt", None),
        ("ACME/results/README.md", None),
        ("ACME/systems/readme.txt", None),
        ("ACME/benchmarks/bert/implementations/result_0.txt", None),
        ("README.md", None),
    ],
)
def test_kinds(path: str, kind: Kind | None) -> None:
    place = placed(path)
    assert (place.kind if place else None) == kind


def test_a_power_log_belongs_to_the_run_file_of_its_folder() -> None:
    place = placed("ACME/results/x8/bert/power/result_3/node_1.txt")
    assert place is not None
    assert (place.submission, place.benchmark_folder, place.run_stem) == (KEY, "bert", "result_3")


@pytest.mark.parametrize("depth", range(6))
def test_the_input_may_start_at_any_level(depth: int) -> None:
    """From above the repository down to one benchmark folder, the place is the same."""
    whole = (*ABOVE, *RUN.split("/"))
    place = placed("/".join(whole[1 + depth :]), whole[: 1 + depth])
    assert place == Place(Kind.RUN, RUN, KEY, "bert")


@pytest.mark.parametrize(
    "folder",
    [
        "training_results_v5.0",
        "training-results-v5.0",
        "training_results_v5.0-main",
        "v5.0",
        "v5.0.0",
        "V5.0",
        "my_training_results_v5.0",
    ],
)
def test_the_round_is_read_from_the_path(folder: str) -> None:
    place = placed(RUN, ("data", folder))
    assert place is not None
    assert place.submission == KEY


def test_the_users_word_for_the_round_wins() -> None:
    place = placed(RUN, round_given="4.1")
    assert place is not None
    assert place.submission.round == "4.1"


def test_the_nearest_folder_that_names_a_round_counts() -> None:
    place = placed(RUN, ("v1.0", "copy", "training_results_v5.0"))
    assert place is not None
    assert place.submission == KEY


def test_a_round_that_cannot_be_told_is_refused_with_what_to_do() -> None:
    with pytest.raises(RoundUnknownError, match="--round") as error:
        placed(RUN, ("data", "logs"))
    assert "\n" not in str(error.value)


def test_files_of_no_submission_need_no_round() -> None:
    assert placed("README.md", ("data", "logs")) is None


def test_runs_without_a_benchmark_folder() -> None:
    place = placed("ACME/results/x8/result_0.txt")
    assert place is not None
    assert (place.kind, place.submission, place.benchmark_folder) == (Kind.RUN, KEY, "")


def test_the_last_results_folder_counts() -> None:
    place = placed("results/ACME/results/x8/bert/result_0.txt")
    assert place is not None
    assert (place.submission, place.path) == (KEY, RUN)


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("v0.5.0/google/cloud_v2.8/gnmt-tpu/results/tpu/gnmt/result_0.txt", "cloud_v2.8/gnmt-tpu"),
        ("v0.5.0/intel/sub/results/tpu/gnmt/result_0.txt", "sub"),
        ("v0.5.0/intel/results/tpu/gnmt/result_0.txt", ""),
    ],
)
@pytest.mark.parametrize("context", [("v0.5",), ("training_results_v0.5",), ()])
def test_v05_has_entry_folders_of_any_depth(path: str, entry: str, context: tuple[str, ...]) -> None:
    place = placed(path, context)
    assert place is not None
    submitter = path.split("/")[1]
    assert place.submission == SubmissionKey("0.5", submitter, entry, "tpu")
    assert (place.path, place.benchmark_folder) == (path, "gnmt")


def test_v05_entry_description_stands_beside_the_benchmarks() -> None:
    place = placed("v0.5.0/intel/sub/results/clx/entry.json", ("v0.5",))
    assert place is not None
    assert (place.kind, place.submission.system_folder) == (Kind.ENTRY, "clx")


def test_an_input_that_is_one_v05_submitter() -> None:
    place = placed("sub/results/clx/ncf/result_0.txt", ("v0.5", "v0.5.0", "intel"))
    assert place is not None
    assert place.submission == SubmissionKey("0.5", "intel", "sub", "clx")
    assert place.path == "v0.5.0/intel/sub/results/clx/ncf/result_0.txt"


def test_names_may_hold_anything_but_a_slash() -> None:
    name = "x8 (TM) + [red]bold \x1b[31m\n…"
    place = placed(f"AC ME/results/{name}/bert/result_0.txt")
    assert place is not None
    assert place.submission == SubmissionKey("5.0", "AC ME", "", name)


CAMPAIGN_RUN = "ncf-mini/results/box/ncf/result_0.txt"


def test_a_campaign_is_a_submitter_of_the_local_round() -> None:
    layout = Layout(("home", "me"), None, ["ncf-mini/campaign.json"])
    place = layout.place(CAMPAIGN_RUN)
    assert place is not None
    assert place.submission == SubmissionKey("local", "ncf-mini", "", "box")
    assert (place.path, place.benchmark_folder) == (CAMPAIGN_RUN, "ncf")
    system = layout.place("ncf-mini/systems/box.json")
    assert system is not None
    assert system.submission == place.submission


def test_a_campaign_is_known_from_inside_and_below_a_round() -> None:
    place = Layout(("training_results_v5.0", "ncf-mini"), None, ["campaign.json"]).place(
        "results/box/ncf/result_0.txt"
    )
    assert place is not None
    assert place.submission == SubmissionKey("local", "ncf-mini", "", "box")


def test_a_round_that_is_given_wins_over_the_campaign() -> None:
    place = Layout((), "5.0", ["ncf-mini/campaign.json"]).place(CAMPAIGN_RUN)
    assert place is not None
    assert place.submission.round == "5.0"


def test_a_suite_of_campaigns_is_one_submitter() -> None:
    layout = Layout((), None, ["suite-mini/suite.json", "suite-mini/ncf/campaign.json"])
    places = [layout.place(f"suite-mini/results/box/{name}/result_0.txt") for name in ("ncf", "resnet")]
    assert {place.submission for place in places if place} == {
        SubmissionKey("local", "suite-mini", "", "box")
    }


def test_results_beside_a_campaign_belong_to_their_own_round() -> None:
    layout = Layout((), None, ["ncf-mini/campaign.json"])
    with pytest.raises(RoundUnknownError, match="--round"):
        layout.place("other/results/box/ncf/result_0.txt")
