"""The frozen plan: seeds, order of variants, what may change and what not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from mlperf_runners.campaign.plan import Launch, Plan, Stopping, Variant, check_unchanged, freeze, load
from mlperf_runners.campaign.seeds import read_seeds, run_seed
from mlperf_runners.errors import CampaignChangedError, CampaignError


def plan(**changes: object) -> Plan:
    given = Plan(
        name="c",
        workload="ncf",
        mode="mini",
        variants=(Variant("", {"target": 0.5, "mlp_widths": [8, 4]}),),
        stopping=Stopping("fixed", 5),
        launch=Launch(),
        system="box",
        environment={"cpu": "x", "gpus": []},
    )
    return msgspec.structs.replace(given, **changes)


def test_seeds_are_the_first_48_bits_of_a_hash_of_the_run() -> None:
    digest = hashlib.sha256(b"c\0ncf\0base\x007").hexdigest()
    assert run_seed("c", "ncf", "base", 7) == int(digest[:12], 16)


def test_seeds_of_a_thousand_runs_differ() -> None:
    assert len({run_seed("c", "ncf", variant, i) for variant in ("", "b") for i in range(1000)}) == 2000


def test_two_variants_alternate_so_that_drift_cancels() -> None:
    two = plan(variants=(Variant("base", {}), Variant("b", {})))
    assert [two.variant_of(index) for index in range(8)] == [0, 1, 1, 0, 0, 1, 1, 0]
    assert two.most_runs == 10
    assert two.system_folder(1) == "box+b"


def test_a_frozen_plan_is_read_back_as_it_was(tmp_path: Path) -> None:
    frozen = freeze(tmp_path / "c", plan())
    assert load(tmp_path / "c") == frozen
    assert load(tmp_path / "nothing") is None


def test_an_edited_plan_is_refused(tmp_path: Path) -> None:
    freeze(tmp_path, plan())
    path = tmp_path / "campaign.json"
    path.write_text(path.read_text().replace('"target": 0.5', '"target": 0.4'))
    with pytest.raises(CampaignError, match="edited after it was frozen"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": 1}', b"\xff"])
def test_a_damaged_plan_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "campaign.json").write_bytes(content)
    with pytest.raises(CampaignError, match="not a readable campaign"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variants": (Variant("", {"target": 0.6, "mlp_widths": [8, 4]}),)}, "settings.target 0.5 → 0.6"),
        ({"variants": (Variant("", {"target": 0.5, "mlp_widths": [8]}),)}, "mlp_widths.1 4 → unset"),
        ({"stopping": Stopping("fixed", 6)}, "stopping.runs 5 → 6"),
        ({"launch": Launch(threads=2)}, "launch.threads 1 → 2"),
        ({"environment": {"cpu": "y", "gpus": []}}, "environment.cpu x → y"),
    ],
)
def test_changes_are_named(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    frozen = freeze(tmp_path, plan(created="2020"))
    check_unchanged(tmp_path, frozen, plan(created="2021"))
    with pytest.raises(CampaignChangedError) as error:
        check_unchanged(tmp_path, frozen, plan(**changes))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_seeds(tmp_path: Path) -> None:
    path = tmp_path / "seeds"
    path.write_text("# mine\n17\n\n4 # second\n")
    assert read_seeds(path) == (17, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n2\n1\n", "seed 1 stands in line 1 already"),
        ("1\n-2\n", "'-2' is no seed"),
        ("9223372036854775808\n", "below 2^63"),
        ("# none\n", "holds no seed"),
    ],
)
def test_bad_files_of_seeds(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "seeds"
    path.write_text(text)
    with pytest.raises(CampaignError) as error:
        read_seeds(path)
    assert words in str(error.value)
