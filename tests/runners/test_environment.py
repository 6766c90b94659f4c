"""What is known of the machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlperf_runners.campaign import environment
from mlperf_runners.campaign.environment import processors, session_environment

TWO_SOCKETS = "".join(
    f"processor : {4 * thread + 2 * socket + core}\nphysical id\t: {socket}\ncore id\t\t: {core}\n\n"
    for thread in range(2)
    for socket in range(2)
    for core in range(2)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TWO_SOCKETS, (2, 2)),
        (TWO_SOCKETS.replace("physical id", "x"), (1, 6)),
        ("", (1, 6)),
    ],
)
def test_processors_and_their_cores_are_counted(
    text: str, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processors of two cores with two threads each; or six threads of unknown cores."""
    monkeypatch.setattr(Path, "read_text", lambda path: text)
    monkeypatch.setattr(environment.os, "cpu_count", lambda: 6)
    assert processors() == expected


def test_the_commit_is_that_of_the_code_not_of_a_project_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package may lie in somebody's checkout, in a folder that is no part of it."""
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b")
    (tmp_path / "kept.py").touch()
    for command in (("init", "-q"), ("add", "kept.py"), ("commit", "-q", "-m", "first")):
        subprocess.run([*git, *command], check=True)
    package = tmp_path / "venv" / "package"
    package.mkdir(parents=True)
    for place, is_found in ((tmp_path / "kept.py", True), (package / "environment.py", False)):
        monkeypatch.setattr(environment, "__file__", str(place))
        assert bool(session_environment()["git"]) is is_found
