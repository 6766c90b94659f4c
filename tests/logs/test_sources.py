"""Folders, zips and tars give the same files, and inputs are never written to."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from madeup_logs import round_files, write_tree

from mlperf_stats.errors import InputError
from mlperf_stats.logs.archives import safe_name
from mlperf_stats.logs.sources import Limits, Source, open_source

FILES = round_files()


def as_folder(root: Path) -> Path:
    return write_tree(root / "v5.0", FILES)


def as_zip(root: Path) -> Path:
    path = root / "v5.0.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ACME/", "")
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def tar_writer(suffix: str) -> Callable[[Path], Path]:
    def write(root: Path) -> Path:
        path = root / f"v5.0{suffix}"
        kind = suffix.rpartition(".")[2].replace("tar", "").replace("tgz", "gz")
        with tarfile.open(path, f"w:{kind}") as archive:
            for name, content in reversed(FILES.items()):
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    return write


MAKERS: dict[str, Callable[[Path], Path]] = {
    "folder": as_folder,
    "zip": as_zip,
    **{suffix: tar_writer(suffix) for suffix in (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")},
}


def contents(source: Source) -> dict[str, bytes]:
    found = {}
    for member, content in source.read([member.path for member in source.members()]):
        assert isinstance(content, bytes)
        assert member.size_bytes == len(content)
        found[member.path] = content
    return found


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_of_source_gives_the_same_files(kind: str, tmp_path: Path) -> None:
    source = open_source(MAKERS[kind](tmp_path))
    assert [member.path for member in source.members()] == sorted(FILES)
    assert {member.path: member.size_bytes for member in source.members()} == {
        name: len(content) for name, content in FILES.items()
    }
    assert contents(source) == FILES
    assert source.context[-1] == "v5.0"


@pytest.mark.parametrize("kind", MAKERS)
def test_reading_is_limited_to_what_was_asked_for(kind: str, tmp_path: Path) -> None:
    source = open_source(MAKERS[kind](tmp_path))
    wanted = "Globex/results/gx-1 (TM)/resnet/result_1.txt"
    assert [(member.path, content) for member, content in source.read([wanted])] == [(wanted, FILES[wanted])]


@pytest.mark.parametrize("kind", ["folder", "zip", ".tar.gz"])
def test_files_beyond_the_size_limit_come_as_errors(kind: str, tmp_path: Path) -> None:
    source = open_source(MAKERS[kind](tmp_path), Limits(file_bytes=100))
    errors = {member.path: content for member, content in source.read(sorted(FILES))}
    assert isinstance(errors["ACME/results/acme_x8/bert/result_0.txt"], OSError)
    assert errors["README.md"] == FILES["README.md"]


def test_folder_leaves_out_git_and_what_is_no_file(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "v5.0", {".git/config": b"x", "a/.git/HEAD": b"x", "a/b.txt": b"y"})
    os.mkfifo(root / "a" / "pipe")
    source = open_source(root)
    assert [member.path for member in source.members()] == ["a/b.txt"]
    assert source.skipped == {"not a regular file": 1}


def test_folder_follows_links_to_files_not_to_folders(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "v5.0", {"a/b.txt": b"y"})
    (root / "link.txt").symlink_to(root / "a" / "b.txt")
    (root / "loop").symlink_to(root)
    (root / "dangling.txt").symlink_to(root / "nowhere")
    source = open_source(root)
    assert [member.path for member in source.members()] == ["a/b.txt", "dangling.txt", "link.txt"]
    found = {member.path: content for member, content in source.read(["link.txt", "dangling.txt"])}
    assert found["link.txt"] == b"y"
    assert isinstance(found["dangling.txt"], FileNotFoundError)


def test_a_file_that_vanishes_between_listing_and_reading_is_an_error_of_that_file(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "v5.0", {"a.txt": b"a", "b.txt": b"b"})
    source = open_source(root)
    paths = [member.path for member in source.members()]
    (root / "a.txt").unlink()
    found = [content for _, content in source.read(paths)]
    assert isinstance(found[0], OSError)
    assert found[1] == b"b"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing", None),
        ("notes.txt", b"text"),
        ("v5.0.zip", b"no zip"),
        ("v5.0.zip", b""),
        ("v5.0.tar.gz", b"no tar"),
        ("v5.0.tar", b""),
    ],
)
def test_what_is_no_source_is_refused_in_one_line(name: str, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as error:
        contents(open_source(path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["zip", ".tar.gz", ".tar.xz"])
def test_a_cut_archive_is_refused(kind: str, tmp_path: Path) -> None:
    path = MAKERS[kind](tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="archive"):
        contents(open_source(path))


def test_a_damaged_zip_member_costs_that_member(tmp_path: Path) -> None:
    path = as_zip(tmp_path)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("ACME/results/acme_x8/bert/result_0.txt")
    data = bytearray(path.read_bytes())
    middle = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    data[middle] ^= 0xFF
    path.write_bytes(data)
    source = open_source(path)
    found = {member.path: content for member, content in source.read(sorted(FILES))}
    assert isinstance(found.pop(info.filename), OSError)
    assert all(isinstance(content, bytes) for content in found.values())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.txt", "a/b.txt"),
        ("./a//b.txt", "a/b.txt"),
        ("a\\b.txt", "a/b.txt"),
        ("../a", None),
        ("a/../../b", None),
        ("a/..", None),
        ("/etc/passwd", None),
        ("\\\\server\\share", None),
        ("C:/windows", None),
        ("", None),
        (".", None),
    ],
)
def test_safe_names(name: str, safe: str | None) -> None:
    assert safe_name(name) == safe
