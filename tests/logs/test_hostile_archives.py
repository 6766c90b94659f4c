"""Archives from strangers: nothing leaves its folder, nothing explodes, what is sound is still read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from madeup_logs import run_log

from mlperf_stats.errors import InputError, UnsafeArchiveError
from mlperf_stats.logs.sources import Limits, open_source

GOOD = "ACME/results/x8/bert/result_0.txt"
LOG = run_log()
ZEROS = bytes(1 << 20)


def contents(path: Path, limits: Limits | None = None) -> dict[str, bytes | OSError]:
    source = open_source(path, limits)
    return {
        member.path: content for member, content in source.read([member.path for member in source.members()])
    }


def skipped(path: Path) -> dict[str, int]:
    source = open_source(path)
    source.members()
    list(source.read([]))
    return dict(source.skipped)


@pytest.fixture(autouse=True)
def memory_stays_bounded() -> Iterator[None]:
    """No archive here may cost more than 100 MB, whatever it claims."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def write_zip(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return path


def zip_special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def tar_member(name: str, content: bytes = LOG, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    padding = bytes(-info.size % tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.GNU_FORMAT) + (content + padding if info.size else b"")


TAR_END = bytes(2 * tarfile.BLOCKSIZE)


def write_tar(path: Path, *members: bytes) -> Path:
    path.write_bytes(b"".join((*members, TAR_END)))
    return path


TRAVERSALS = [
    "../evil.txt",
    "a/../../evil.txt",
    "/etc/evil.txt",
    "..\\evil.txt",
    "C:/evil.txt",
    "\\\\host\\evil",
]


@pytest.mark.parametrize("name", TRAVERSALS)
def test_names_that_lead_out_are_skipped_and_counted(name: str, tmp_path: Path) -> None:
    as_zip = write_zip(tmp_path / "v5.0.zip", (name, b"evil"), (GOOD, LOG))
    as_tar = write_tar(tmp_path / "v5.0.tar", tar_member(name, b"evil"), tar_member(GOOD))
    for path in (as_zip, as_tar):
        assert contents(path) == {GOOD: LOG}
        assert skipped(path) == {"name leads out of the archive": 1}
    assert sorted(tmp_path.iterdir()) == [as_tar, as_zip]


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o060666, 0o010666, 0o140777])
def test_zip_links_and_devices_are_skipped(mode: int, tmp_path: Path) -> None:
    link = zip_special("ACME/results/x8/bert/result_1.txt", mode)
    path = write_zip(tmp_path / "v5.0.zip", (link, b"/etc/passwd"), (GOOD, LOG))
    assert contents(path) == {GOOD: LOG}
    assert skipped(path) == {"link, device or sparse file": 1}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_tar_links_and_devices_are_skipped(kind: bytes, tmp_path: Path) -> None:
    special = tar_member("ACME/results/x8/bert/result_1.txt", b"", kind, "/etc/passwd")
    path = write_tar(tmp_path / "v5.0.tar", special, tar_member(GOOD))
    assert contents(path) == {GOOD: LOG}
    assert skipped(path) == {"link, device or sparse file": 1}


def test_tar_sparse_files_are_skipped(tmp_path: Path) -> None:
    """A sparse header promises a terabyte of zeros in one block."""
    header = bytearray(tarfile.TarInfo("ACME/results/x8/bert/result_1.txt").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = tarfile.itn(1 << 40, 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * 32)
    path = write_tar(tmp_path / "v5.0.tar", bytes(header), tar_member(GOOD))
    assert contents(path) == {GOOD: LOG}
    assert skipped(path) == {"link, device or sparse file": 1}


def zip_bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(GOOD, "w") as file:
        for _ in range(70):
            file.write(ZEROS)
    return path


def tar_bomb(pack: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        info = tarfile.TarInfo(GOOD)
        info.size = 70 << 20
        path.write_bytes(pack(info.tobuf()) + pack(ZEROS) * 70 + pack(TAR_END))
        return path

    return write


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("v5.0.zip", zip_bomb),
        ("v5.0.tar.gz", tar_bomb(gzip.compress)),
        ("v5.0.tar.xz", tar_bomb(lzma.compress)),
        ("v5.0.tar.bz2", tar_bomb(bz2.compress)),
    ],
)
def test_bombs_by_ratio_are_refused_unless_allowed(
    name: str, write: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = write(tmp_path / name)
    with pytest.raises(UnsafeArchiveError, match="--max-archive-ratio") as error:
        contents(path)
    assert "\n" not in str(error.value)
    allowed = Limits(archive_ratio=1e6)
    assert [member.size_bytes for member in open_source(path, allowed).members()] == [70 << 20]


@pytest.mark.parametrize("name", ["v5.0.zip", "v5.0.tar"])
def test_archives_with_too_many_members_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    names = [f"ACME/results/x8/bert/result_{number}.txt" for number in range(30)]
    if name.endswith(".zip"):
        write_zip(path, *((member, b"") for member in names))
    else:
        write_tar(path, *(tar_member(member, b"") for member in names))
    assert len(contents(path, Limits(archive_files=30))) == 30
    with pytest.raises(UnsafeArchiveError, match="--max-archive-files"):
        contents(path, Limits(archive_files=29))


@pytest.mark.parametrize("name", ["v5.0.zip", "v5.0.tar"])
def test_archives_that_unpack_to_too_much_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith(".zip"):
        write_zip(path, (GOOD, LOG))
    else:
        write_tar(path, tar_member(GOOD))
    with pytest.raises(UnsafeArchiveError, match="--max-archive-gib"):
        contents(path, Limits(archive_bytes=len(LOG) - 1))


def test_a_zip_whose_directory_alone_fills_the_memory_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "v5.0.zip", (GOOD, LOG))
    data = bytearray(path.read_bytes())
    data[-10:-6] = struct.pack("<L", 3 << 30)  # length of the central directory
    path.write_bytes(data)
    with pytest.raises(UnsafeArchiveError, match="--max-archive-files"):
        contents(path)


END, END_64, LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


def zip_of_ten(path: Path) -> tuple[bytes, int, int]:
    """Members and directory of a zip, with length and place of the directory; its end record is gone."""
    data = write_zip(
        path, *((f"ACME/results/x8/bert/result_{number}.txt", LOG) for number in range(10))
    ).read_bytes()
    size, place = struct.unpack("<LL", data[-10:-2])
    return data[:-22], size, place


def end_64(size: int, place: int) -> bytes:
    return END_64 + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 10, 10, size, place)


def end(size: int, place: int) -> bytes:
    return END + struct.pack("<HHHHLLH", 0, 0, 10, 10, size, place, 0)


def locator(place: int) -> bytes:
    return LOCATOR + struct.pack("<LQL", 0, place, 1)


def test_a_zip_with_64_bit_records_is_read(tmp_path: Path) -> None:
    path = tmp_path / "v5.0.zip"
    rest, size, place = zip_of_ten(path)
    path.write_bytes(rest + end_64(size, place) + locator(len(rest)) + end(0xFFFFFFFF, 0xFFFFFFFF))
    assert set(contents(path).values()) == {LOG}


@pytest.mark.parametrize("lie", ["small beside 64 bits", "elsewhere", "in the fields"])
def test_a_zip_that_lies_about_the_length_of_its_directory_is_refused(lie: str, tmp_path: Path) -> None:
    """There are several places to state it, and one of them is believed."""
    path = tmp_path / "v5.0.zip"
    rest, size, place = zip_of_ten(path)
    honest_64 = end_64(size, place)
    path.write_bytes(
        {
            "small beside 64 bits": rest + honest_64 + locator(len(rest)) + end(0, 0),
            "elsewhere": rest + end_64(0, 0) + honest_64 + locator(len(rest)) + end(0xFFFFFFFF, 0xFFFFFFFF),
            "in the fields": rest + honest_64 + locator(len(rest)) + end(0, int.from_bytes(END, "little")),
        }[lie]
    )
    with pytest.raises(UnsafeArchiveError, match="its directory alone"):
        contents(path, Limits(archive_files=2))


def test_a_zip_member_is_never_read_beyond_the_size_it_promises(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "v5.0.zip", (GOOD, ZEROS * 50), ("ACME/results/x8/bert/result_1.txt", LOG))
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    path.write_bytes(data)
    found = contents(path)
    lying = found[GOOD]
    assert isinstance(lying, OSError) or len(lying) == 1000
    assert found["ACME/results/x8/bert/result_1.txt"] == LOG


def test_zip_members_that_share_their_bytes_count_each(tmp_path: Path) -> None:
    """The quadratic bomb: a thousand directory entries that point to the same megabyte."""
    path = write_zip(tmp_path / "v5.0.zip", (GOOD, ZEROS))
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(
        entry[:28]
        + struct.pack("<H", len(GOOD) + 2)
        + entry[30:46]
        + GOOD.replace("_0", f"_{n:03d}").encode()
        for n in range(1000)
    )
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entries), start, 0)
    path.write_bytes(data[:start] + entries + tail)
    with pytest.raises(UnsafeArchiveError, match="bomb"):
        contents(path)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(8, b"\x01\x00"), (10, b"\x63\x00"), (16, b"\0\0\0\0"), (42, b"\xff\xff\xff\x7f")],
    ids=["encrypted", "unknown method", "wrong checksum", "points nowhere"],
)
def test_a_zip_member_that_cannot_be_read_costs_itself_only(
    offset: int, value: bytes, tmp_path: Path
) -> None:
    path = write_zip(tmp_path / "v5.0.zip", (GOOD, LOG), ("ACME/results/x8/bert/result_1.txt", LOG))
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + offset : entry + offset + len(value)] = value
    path.write_bytes(data)
    found = contents(path)
    assert isinstance(found[GOOD], OSError)
    assert found["ACME/results/x8/bert/result_1.txt"] == LOG


def extension(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE]
)
def test_extended_tar_headers_of_any_size_are_not_read_into_memory(kind: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v5.0.tar.gz"
    path.write_bytes(gzip.compress(extension(kind, 1 << 33)) + gzip.compress(ZEROS) * 150)
    with pytest.raises(InputError):
        contents(path)


def test_tar_headers_that_extend_each_other_without_end_are_refused(tmp_path: Path) -> None:
    record = b"11 comment=\n".ljust(tarfile.BLOCKSIZE, b"\0")
    path = write_tar(
        tmp_path / "v5.0.tar", (extension(tarfile.XHDTYPE, 12) + record) * 5000, tar_member(GOOD)
    )
    with pytest.raises(InputError) as error:
        contents(path)
    assert "\n" not in str(error.value)


def test_a_tar_member_that_promises_more_than_there_is_refuses_the_archive(tmp_path: Path) -> None:
    info = tarfile.TarInfo(GOOD)
    info.size = 1 << 40
    path = write_tar(tmp_path / "v5.0.tar", info.tobuf(tarfile.GNU_FORMAT))
    for limits in (None, Limits(file_bytes=1 << 41, archive_bytes=1 << 42)):
        with pytest.raises(InputError):
            contents(path, limits)


def test_a_damaged_tar_header_refuses_the_archive_instead_of_ending_it(tmp_path: Path) -> None:
    members = [tar_member(f"ACME/results/x8/bert/result_{number}.txt") for number in range(3)]
    path = write_tar(tmp_path / "v5.0.tar", *members)
    data = bytearray(path.read_bytes())
    data[len(members[0]) + 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read to its end"):
        contents(path)


@pytest.mark.parametrize("name", ["v5.0.zip", "v5.0.tar"])
def test_archives_inside_are_not_opened(name: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as inner:
        inner.writestr(GOOD, LOG)
    if name.endswith(".zip"):
        path = write_zip(tmp_path / name, ("inner.zip", buffer.getvalue()))
    else:
        path = write_tar(tmp_path / name, tar_member("inner.zip", buffer.getvalue()))
    assert list(contents(path)) == ["inner.zip"]


@pytest.mark.parametrize("name", ["v5.0.zip", "v5.0.tar"])
def test_of_a_name_that_comes_twice_the_last_counts(name: str, tmp_path: Path) -> None:
    if name.endswith(".zip"):
        with pytest.warns(UserWarning, match="Duplicate name"):
            path = write_zip(tmp_path / name, (GOOD, b"first"), (GOOD, LOG))
    else:
        path = write_tar(tmp_path / name, tar_member(GOOD, b"first"), tar_member(GOOD))
    assert contents(path) == {GOOD: LOG}


def test_names_of_any_length_and_bytes(tmp_path: Path) -> None:
    long_name = "ACME/" + "x/" * 5000 + "result_0.txt"
    odd_name = "ACME/results/\x1b[31m\n[b]x\u202e/bert/result_0.txt"
    as_zip = write_zip(tmp_path / "v5.0.zip", (long_name, LOG), (odd_name, LOG))
    as_tar = tmp_path / "v5.0.tar"
    with tarfile.open(as_tar, "w") as archive:
        for name in (long_name, odd_name, "ACME/results/caf\udce9/bert/result_0.txt"):
            info = tarfile.TarInfo(name)
            info.size = len(LOG)
            archive.addfile(info, io.BytesIO(LOG))
    assert set(contents(as_zip)) == {odd_name}
    assert set(contents(as_tar)) == {odd_name, "ACME/results/caf\udce9/bert/result_0.txt"}
    assert skipped(as_zip) == skipped(as_tar) == {"name is too long": 1}
