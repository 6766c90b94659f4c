"""Ingest is repeatable, keeps what it must, replaces what changed, and refuses without a trace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from madeup_logs import database_rows, round_files, run_log, submission_files, system_json, write_tree

from mlperf_stats.errors import DatabaseError, InputError, ReadOnlyDatabaseError, RoundUnknownError
from mlperf_stats.store import Store, open_memory, open_store
from mlperf_stats.store.ingest import IngestProgress, IngestReport, ingest, read_manifest

RUN_1 = "ACME/results/acme_x8/bert/result_1.txt"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "training_results_v5.0", round_files())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "results.db"


def into(database: Path, *inputs: Path, **options: str | Path | None) -> IngestReport:
    with open_store(database, published=False, write=True) as store:
        return ingest(store, inputs, **options)  # type: ignore[arg-type]


def test_a_small_round(tree: Path, database: Path) -> None:
    report = into(database, tree)
    assert (report.submissions, report.results, report.runs, report.ignored_files) == (3, 4, 11, 2)
    assert (report.added, report.replaced, report.unchanged) == (11, 0, 0)
    assert report.runs_by_status == {"converged": 11}
    assert report.runs_by_round == {"5.0": 11}
    assert report.problems_by_code == {}
    rows = database_rows(database)
    assert {name: len(found) for name, found in rows.items()} == {
        "submissions": 3,
        "results": 4,
        "runs": 11,
        "evaluations": 33,
    }
    assert {row[0] for row in rows["runs"]} == {
        "5.0/ACME/acme_x8/resnet",
        "5.0/ACME/acme_x8/bert",
        "5.0/ACME/acme_x64/resnet",
        "5.0/Globex/gx-1 (TM)/resnet",
    }


def test_the_same_again_changes_nothing(tree: Path, database: Path) -> None:
    into(database, tree)
    before = database_rows(database)
    report = into(database, tree)
    assert (report.added, report.replaced, report.unchanged) == (0, 0, 11)
    assert database_rows(database) == before


def test_order_and_number_of_inputs_do_not_matter(tree: Path, tmp_path: Path) -> None:
    one, parts = tmp_path / "one.db", tmp_path / "parts.db"
    into(one, tree)
    for part in ("Globex", "ACME/results/acme_x8/bert", "ACME"):
        into(parts, tree / part)
    assert database_rows(parts) == database_rows(one)


def test_several_inputs_at_once_and_progress_over_all(tree: Path, tmp_path: Path, database: Path) -> None:
    other = write_tree(tmp_path / "training_results_v4.1", submission_files("Initech", "i1", "bert"))
    seen: list[IngestProgress] = []
    with open_store(database, published=False, write=True) as store:
        report = ingest(store, [tree, other], on_progress=seen.append)
    assert report.runs_by_round == {"5.0": 11, "4.1": 5}
    done = [state.bytes_done for state in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].bytes_total
    assert [seen[0].label, seen[-1].label] == ["training_results_v5.0", "training_results_v4.1"]


@pytest.mark.parametrize("kind", ["zip", "gztar", "xztar"])
def test_an_archive_gives_the_same_database_as_its_folder(kind: str, tree: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "a" / tree.name), kind, tree))
    into(tmp_path / "folder.db", tree)
    into(tmp_path / "archive.db", archive)
    assert database_rows(tmp_path / "archive.db") == database_rows(tmp_path / "folder.db")


def test_a_changed_file_replaces_its_run(tree: Path, database: Path) -> None:
    into(database, tree)
    before = database_rows(database)
    (tree / RUN_1).write_bytes(run_log(99.0, benchmark="bert", evaluations=[(1, 0.7)]))
    report = into(database, tree)
    assert (report.added, report.replaced, report.unchanged) == (0, 1, 10)
    after = database_rows(database)
    assert len(after["runs"]) == 11
    assert len(after["evaluations"]) == len(before["evaluations"]) - 2
    with open_store(database, published=False) as store:
        (minutes,) = store.connection.execute("SELECT minutes FROM runs WHERE path = ?", [RUN_1]).fetchone()
    assert minutes == 99.0


def test_a_changed_system_description_and_scaling_file_replace_theirs(tree: Path, database: Path) -> None:
    into(database, tree)
    (tree / "ACME/systems/acme_x8.json").write_bytes(system_json(accelerators_per_node="4", status="cloud"))
    (tree / "ACME/results/acme_x8/bert/scaling.json").write_bytes(b'{"scaling_factor": 1.2}')
    assert into(database, tree).unchanged == 11
    with open_store(database, published=False) as store:
        query = "SELECT accelerators, benchmark, scaling_factor FROM results"
        query += " JOIN submissions USING (submission_key) WHERE system = 'acme_x8'"
        found = set(store.connection.execute(query))
    assert found == {(8, "bert", 1.2), (8, "resnet", 1.0)}


def test_runs_that_are_gone_from_the_input_stay(tree: Path, database: Path) -> None:
    into(database, tree)
    (tree / RUN_1).unlink()
    assert into(database, tree).runs == 10
    assert len(database_rows(database)["runs"]) == 11


def test_runs_that_are_gone_from_a_campaign_go(tmp_path: Path, database: Path) -> None:
    """A campaign that was begun anew with fewer runs must not be mixed with the one before."""
    campaign = write_tree(
        tmp_path / "mine", {"results/box/bert/result_0.txt": run_log(9.0, benchmark="bert")}
    )
    (campaign / "campaign.json").touch()
    for number in (1, 2):
        content = run_log(9.0 + number, benchmark="bert", evaluations=[(1, 0.7)])
        (campaign / f"results/box/bert/result_{number}.txt").write_bytes(content)
    assert into(database, campaign).added == 3
    before = database_rows(database)
    (campaign / "results/box/bert/result_1.txt").unlink()
    report = into(database, campaign)
    assert (report.added, report.replaced, report.unchanged) == (0, 0, 2)
    assert report.problems_by_code["runs-gone"] == 1
    after = database_rows(database)
    assert len(after["runs"]) == 2
    assert len(after["evaluations"]) == len(before["evaluations"]) - 1
    assert "runs-gone" not in into(database, campaign).problems_by_code


def manifest(tmp_path: Path, *paths: str) -> Path:
    path = tmp_path / "manifest.csv"
    path.write_text("round,path\n" + "".join(f"5.0,{name}\n" for name in paths))
    return path


def test_an_absent_run_counts_until_its_file_turns_up(tree: Path, tmp_path: Path, database: Path) -> None:
    content = (tree / RUN_1).read_bytes()
    (tree / RUN_1).unlink()
    published = manifest(tmp_path, RUN_1, "ACME/results/acme_x8/bert/result_0.txt")
    report = into(database, tree, manifest=published)
    assert report.runs_by_status == {"converged": 10, "absent": 1}
    (tree / RUN_1).write_bytes(content)
    assert into(database, tree, manifest=published).replaced == 1
    assert {row[2] for row in database_rows(database)["runs"]} == {"converged"}


def test_absent_never_replaces_what_is_there(tree: Path, tmp_path: Path, database: Path) -> None:
    into(database, tree)
    before = database_rows(database)
    (tree / RUN_1).unlink()
    report = into(database, tree, manifest=manifest(tmp_path, RUN_1))
    assert (report.added, report.replaced, report.unchanged) == (0, 0, 11)
    assert database_rows(database) == before


def test_manifest_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text('v5.0,a/b.txt\n\n4.0,"a, b.txt"\n')
    assert read_manifest(path) == (("5.0", "a/b.txt"), ("4.0", "a, b.txt"))


@pytest.mark.parametrize("content", [b"5.0\n", b"5.0,a,b\n", b"later,a\n", b"\xff\xfe\n", b"5.0,a\n1,2,3\n"])
def test_a_manifest_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_manifest(path)
    assert "\n" not in str(error.value)


def test_problems_are_counted_and_the_most_serious_are_named(tree: Path, database: Path) -> None:
    (tree / RUN_1).write_bytes(b"the same as result_0.txt\n")
    (tree / "ACME/systems/acme_x8.json").write_bytes(b"no description")
    report = into(database, tree)
    assert report.runs_by_status == {"converged": 10, "unreadable": 1}
    assert report.problems_by_code == {"no-marks": 1, "system-unreadable": 1}
    assert [(path, code) for path, code, _ in report.worst] == [
        (RUN_1, "no-marks"),
        ("ACME/systems/acme_x8.json", "system-unreadable"),
    ]


def test_a_benchmark_that_the_suite_does_not_know_is_kept_and_noted(tmp_path: Path, database: Path) -> None:
    into(database, write_tree(tmp_path / "v5.0", submission_files("ACME", "x", "chess")))
    (result,) = database_rows(database)["results"]
    assert result[0] == "5.0/ACME/x/chess"
    assert "benchmark-unknown" in repr(result)


def test_names_are_stored_as_they_are(tmp_path: Path, database: Path) -> None:
    system = "x8 [b]bold \x1b[31m\n'; DROP TABLE runs; --"
    into(database, write_tree(tmp_path / "v5.0", submission_files('AC\'ME "Ltd"', system, "bert")))
    assert {row[0] for row in database_rows(database)["results"]} == {f'5.0/AC\'ME "Ltd"/{system}/bert'}


def test_in_memory_stores_ingest_alike(tree: Path) -> None:
    with open_memory() as store:
        assert ingest(store, [tree]).added == 11


def folder_without_runs(root: Path) -> Path:
    (root / "empty").mkdir()
    return root / "empty"


def file_that_is_no_archive(root: Path) -> Path:
    (root / "notes.txt").write_text("notes")
    return root / "notes.txt"


def tree_of_no_round(root: Path) -> Path:
    return write_tree(root / "logs", round_files())


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda root: root / "nowhere", InputError),
        (folder_without_runs, InputError),
        (file_that_is_no_archive, InputError),
        (tree_of_no_round, RoundUnknownError),
    ],
)
def test_a_wrong_input_is_refused_in_one_line_and_changes_nothing(
    make: object, error: type[InputError], tree: Path, tmp_path: Path, database: Path
) -> None:
    assert callable(make)
    wrong = make(tmp_path)
    with pytest.raises(error) as caught:
        into(database, tree, wrong)  # the first input is fine, and still nothing of it is written
    assert "\n" not in str(caught.value)
    assert not database.exists()


def test_no_input_at_all(database: Path) -> None:
    with pytest.raises(InputError, match="nothing to ingest"):
        into(database)


@pytest.mark.parametrize("word", ["five", "", "v", "5"])
def test_a_round_that_is_none_is_refused(word: str, tree: Path, database: Path) -> None:
    if word:
        with pytest.raises(RoundUnknownError):
            into(database, tree, round=word)
    else:
        assert into(database, tree, round=word).runs_by_round == {"5.0": 11}


def test_own_runs_go_by_the_round_local(tmp_path: Path, database: Path) -> None:
    tree = write_tree(tmp_path / "campaign", submission_files("study", "laptop", "mnist"))
    assert into(database, tree, round="local").runs_by_round == {"local": 5}


def test_a_store_that_is_open_for_reading_is_not_written_to(tree: Path, database: Path) -> None:
    into(database, tree / "Globex")
    with open_store(database, published=False) as store, pytest.raises(ReadOnlyDatabaseError):
        ingest(store, [tree])


def test_summaries_of_the_same_round_and_benchmark_are_forgotten_when_a_run_changes(
    tree: Path, database: Path
) -> None:
    into(database, tree)
    with open_store(database, published=False, write=True) as store:
        _add_summaries(store)
        ingest(store, [tree])
        assert _summarised(store) == {"resnet", "bert"}
        (tree / RUN_1).write_bytes(run_log(98.0))
        ingest(store, [tree / "ACME" / "results" / "acme_x8" / "bert"])
        assert _summarised(store) == {"resnet"}


def _add_summaries(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO summaries (result_key, computed_by, level) SELECT result_key, 't', 0.95 FROM results"
        )


def _summarised(store: Store) -> set[str]:
    query = "SELECT DISTINCT benchmark FROM summaries JOIN results USING (result_key)"
    return {row[0] for row in store.connection.execute(query)}


def test_an_error_inside_a_transaction_leaves_the_submissions_before_it(tree: Path, database: Path) -> None:
    """The database dies between two submissions: the first is there whole, the others not at all."""
    with open_store(database, published=False, write=True) as store:
        store.connection.execute(
            "CREATE TEMP TRIGGER fails BEFORE INSERT ON main.runs "
            "WHEN new.path LIKE '%acme_x8/resnet/result_3%' BEGIN SELECT raise(ABORT, 'disk I/O error'); END"
        )
        with pytest.raises(DatabaseError, match="committed before is intact"):
            ingest(store, [tree])
    rows = database_rows(database)
    assert {row[0] for row in rows["runs"]} == {"5.0/ACME/acme_x64/resnet"}
    assert len(rows["submissions"]) == 1
    assert into(database, tree).added == 9
