"""The shell around the commands: what is listed, exit codes, pipes, start-up cost, plugins."""

from __future__ import annotations

import importlib.metadata
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import pytest
from typer.testing import Result

from mlperf_stats import __version__
from mlperf_stats.cli.plain_text import print_everywhere
from mlperf_stats.cli.registry import COMMANDS, CommandEntry
from mlperf_stats.errors import InputError

Invoke = Callable[..., Result]
PROGRAM = [sys.executable, "-m", "mlperf_stats"]


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_registry_says_what_the_command_says(entry: CommandEntry) -> None:
    module = import_module(entry.module)
    assert (getdoc(module.command) or "").splitlines()[0] == entry.brief
    assert module.EXAMPLES


def test_help_lists_every_command_and_the_trademark(invoke: Invoke) -> None:
    text = invoke("--help").stdout
    for entry in COMMANDS:
        assert f"  {entry.name} " in text
    assert "trademark of MLCommons" in " ".join(text.split())


@pytest.mark.parametrize(
    "command", ["results", "compare", "ingest", "plan valid", "validate splits", "run", "dashboard"]
)
def test_help_speaks_no_python(invoke: Invoke, command: str) -> None:
    text = " ".join(invoke(*command.split(), "--help").stdout.split())
    assert not re.search(r"<(list|str|path|int|float)\b|x[<>]=", text)
    assert re.search(r"\[(default: \S+; )?\d+ (or more|to \d+)\]", text)


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").stdout == f"mlperf-stats {__version__}\n"


def test_typo_is_met_with_a_suggestion(invoke: Invoke) -> None:
    result = invoke("resluts")
    assert result.exit_code == 2
    assert result.stderr == "mlperf-stats: there is no command 'resluts'; did you mean results?\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results", "--db", "nowhere.db"], "mlperf-stats: nowhere.db: no such database"),
        (["results", "--no-published"], "mlperf-stats: there is no database of your own yet"),
        (
            ["results", "--min-accelerators", "9", "--max-accelerators", "8"],
            "mlperf-stats: --min-accelerators 9 is above --max-accelerators 8",
        ),
        (["explain", "bad\x1b[31m"], "mlperf-stats: no warning has the code"),
    ],
)
def test_errors_are_one_clean_line_and_exit_code_2(
    invoke: Invoke, arguments: list[str], message: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["results", "--format", "xml"], ["results", "--no-such"], ["show"], ["export"]]
)
def test_usage_errors_exit_with_2(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("mlperf-stats: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["results", "--round"], "option '--round' requires an argument; write it behind the option"),
        (["compare", "--ranks=2"], "option '--ranks' does not take a value; leave it out"),
        (["results", "bert"], "mlperf-stats results has no place for 'bert'; 'mlperf-stats results --help'"),
        (["explain", "no-peers", "a", "b"], "mlperf-stats explain has no place for 'a b';"),
        (["plan", "detect", "--benchmark", "bert"], "give --difference to be detected, or --equivalence"),
        (["plan", "widht"], "there is no command 'widht'; did you mean width?"),
        (["plan", "nonsense"], "there is no command 'nonsense'; 'mlperf-stats plan --help' lists them"),
        (["plan", "width", "--benchmark", "bert", "--round", "9"], "no round '9' in the database"),
        (["plan", "width", "--pilot", "nowhere"], "no file or folder 'nowhere', and no result has the id"),
        (["rcp", "5.0/QCT/D74H-7U/bert", "--round", "4.0"], "--round is for a folder of logs"),
        (["rcp", "nowhere"], "no file or folder 'nowhere', and no result has the id"),
        (["combine", "5.0/QCT/D74H-7U", "--reference", "none.csv"], "none.csv: no such file"),
    ],
)
def test_what_is_wrong_and_what_now(invoke: Invoke, arguments: list[str], said: str) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"mlperf-stats: {said}")
    assert result.stderr.count("\n") == 1


def test_mistyped_option_is_met_with_a_suggestion(invoke: Invoke) -> None:
    result = invoke("results", "--benchmrk", "bert")
    assert (
        result.stderr
        == "mlperf-stats: mlperf-stats results has no option --benchmrk; did you mean --benchmark?\n"
    )


def test_closed_pipe_is_quiet(database: Path) -> None:
    """The reader leaves before anything is written: SIGPIPE's exit code and not a word."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    arguments = ["results", "--db", str(database), "--no-published", "--format", "csv"]
    with os.fdopen(write_end, "w") as pipe:
        done = subprocess.run([*PROGRAM, *arguments], stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_locale_without_unicode_gets_plain_signs(encoding: str) -> None:
    arguments = ["compare", "5.0/QCT/D74H-7U/bert", "5.0/ASUSTeK/ESC_N8_E11/bert", "--round", "5.0"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    row = done.stdout.decode(encoding).splitlines()[1]
    assert re.search(r"  0\.\d+ [-–] 1\.\d+  ~ ", row), row
    assert "\\u" not in done.stdout.decode(encoding)


def test_a_character_without_a_sign_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    print_everywhere()
    print("系 ±2 %, a…b", flush=True)
    assert out.buffer.getvalue() == b"\\u7cfb +-2 %, a*b\n"


def test_interrupt_exits_with_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlperf_stats.store.ingest.ingest", interrupted)
    result = invoke("ingest", tmp_path, "--db", tmp_path / "own.db")
    assert result.exit_code == 130
    assert result.stderr == (
        "mlperf-stats: interrupted; 0 submissions are in the database, the same command goes on\n"
    )


def loaded(*arguments: str) -> set[str]:
    """Top-level modules that a command has loaded when it ends."""
    program = (
        f"import sys; sys.argv[1:] = {arguments!r}; from mlperf_stats.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


STATISTICS = {"numpy", "scipy", "pandas", "statsmodels", "altair", "torch"}


def test_help_loads_little() -> None:
    assert not loaded("--help") & {*STATISTICS, "rich", "sqlite3", "msgspec"}


def test_results_that_were_computed_before_load_no_statistics(database: Path) -> None:
    arguments = ["results", "--db", str(database), "--format", "csv"]
    loaded(*arguments)
    assert not loaded(*arguments) & STATISTICS


class FakeEntryPoint:
    def __init__(self, target: Callable[..., object] | ModuleNotFoundError) -> None:
        self.target = target

    def load(self) -> Callable[..., object]:
        if isinstance(self.target, ModuleNotFoundError):
            raise self.target
        return self.target


def offer(monkeypatch: pytest.MonkeyPatch, target: Callable[..., object] | ModuleNotFoundError) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [FakeEntryPoint(target)])


def test_plugin_joins_through_the_entry_point_group(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(workload: str) -> None:
        """Run it."""
        print(f"running {workload}")

    offer(monkeypatch, command)
    assert invoke("run", "bert").stdout == "running bert\n"


def test_plugin_error_is_handled_like_any_other(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        raise InputError("no such workload; try --list")

    offer(monkeypatch, command)
    result = invoke("run")
    assert (result.exit_code, result.stderr) == (2, "mlperf-stats: no such workload; try --list\n")


@pytest.mark.parametrize(("name", "extra"), [("run", "runners"), ("dashboard", "dashboard")])
def test_missing_extra_is_named(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    offer(monkeypatch, ModuleNotFoundError("No module named 'torch'", name="torch"))
    result = invoke(name)
    assert result.exit_code == 2
    assert (
        f"'{name}' needs torch, which is not installed: pip install 'mlperf-stats[{extra}]'" in result.stderr
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mlperf-stats resu", "results"),
        ("mlperf-stats results --round 5.", "5.0"),
        ("mlperf-stats results --benchmark retina", "retinanet"),
        ("mlperf-stats results --division cl", "closed"),
        ("mlperf-stats results --availability pre", "preview"),
        ("mlperf-stats explain mixed", "mixed-gbs"),
        ("mlperf-stats results --submitter Q", "QCT"),
        ("mlperf-stats results --sort med", "median_minutes"),
        ("mlperf-stats show 5.0/QCT/", "5.0/QCT/D74H-7U/bert"),
        ("mlperf-stats compare 5.0/QCT", "5.0/QCT/D74H-7U"),
        ("mlperf-stats compare 5.0/QCT/D74H-7U/b", "5.0/QCT/D74H-7U/bert"),
        ("mlperf-stats compare --footing eq", "equal-convergence"),
        ("mlperf-stats combine 5.0/QCT", "5.0/QCT/D74H-7U"),
        ("mlperf-stats plan width --pilot 5.0/QCT/D74H-7U/b", "5.0/QCT/D74H-7U/bert"),
    ],
)
def test_shell_completion(words: str, expected: str) -> None:
    assert expected in completed(words)


def test_a_database_that_cannot_be_read_completes_nothing() -> None:
    assert completed("mlperf-stats show --db nowhere.db 5.0") == []
    assert completed("mlperf-stats results --no-published --submitter q") == []


def completed(words: str) -> list[str]:
    """What the shell would offer; nothing else is printed."""
    environment = {
        **os.environ,
        "XDG_DATA_HOME": "/nowhere",
        "_MLPERF_STATS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    program = [sys.executable, "-c", "from mlperf_stats.cli import main; main()"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()
