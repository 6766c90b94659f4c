"""Every code that the code can raise is explained, and nothing is explained that does not exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlperf_stats.analysis.results import results_table
from mlperf_stats.errors import NotFoundError
from mlperf_stats.explanations import catalogue, explain
from mlperf_stats.store import open_snapshot
from mlperf_stats.store.queries import list_results, runs_of


def syntax_trees(repository: Path) -> Iterator[tuple[Path, ast.Module]]:
    for room in ("mlperf_stats", "runners", "dashboards"):
        for path in sorted((repository / room).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def is_warnings(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return "warnings" in name


def code_expressions(path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """Where codes come from: ``codes.py``, first arguments of Problem, what is put into warnings."""
    if path.name == "codes.py":
        yield from (statement.value for statement in tree.body if isinstance(statement, ast.Assign))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Problem"), args=[first, *_]):
                yield first
            case ast.Call(func=ast.Attribute(value=receiver, attr="append" | "add"), args=[only]):
                if is_warnings(receiver):
                    yield only
            case ast.keyword(arg="warnings", value=ast.Tuple() | ast.List() as value):
                yield value
            case ast.Assign(targets=[target], value=ast.Tuple() | ast.List() as value):
                if is_warnings(target):
                    yield value


def codes_in(path: Path, tree: ast.Module) -> Iterator[str]:
    for expression in code_expressions(path, tree):
        yield from strings(expression)


def test_every_code_in_the_tree_is_explained(repository: Path) -> None:
    raised = {code: path.name for path, tree in syntax_trees(repository) for code in codes_in(path, tree)}
    assert {"line-unparsable", "level-not-attained", "invalid-nonconverged"} <= raised.keys()
    assert {code: where for code, where in raised.items() if code not in catalogue()} == {}


def test_every_code_in_the_published_snapshot_is_explained() -> None:
    with open_snapshot() as store:
        results = list_results(store)
        warnings = {code for row in results_table(store) for code in row["warnings"].split(";") if code}
        runs = [run for group in runs_of(store, results).values() for run in group]
    holders = [problem for item in (*results, *runs) for problem in item.problems]
    holders += [problem for result in results for problem in result.system_problems]
    found = warnings | {problem.code for problem in holders}
    assert "level-not-attained" in found
    assert found - catalogue().keys() == set()


def test_every_explained_code_exists(repository: Path) -> None:
    written = {text for _, tree in syntax_trees(repository) for text in strings(tree)}
    assert set(catalogue()) - written == set()


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_texts_fit_where_they_are_shown(code: str) -> None:
    explanation = catalogue()[code]
    assert explanation.about in {"result", "interval", "run", "system"}
    assert len(explanation.brief) <= 75
    assert not explanation.brief.endswith(".")
    assert explanation.meaning.endswith(".")
    assert explanation.advice.endswith(".")


def test_unknown_code_names_close_ones() -> None:
    with pytest.raises(NotFoundError, match=r"did you mean .*mixed-gbs"):
        explain("mixed-bgs")
    with pytest.raises(NotFoundError, match="lists all codes"):
        explain("xyzzy")


def test_case_and_blanks_do_not_matter() -> None:
    assert explain(" Mixed-GBS ").code == "mixed-gbs"
