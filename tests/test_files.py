"""Files are read within bounds, and written whole or not at all."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof import files
from sockproof.files import FileError, LineWriter, WriteError
from tests.small_disk import small_disk

SMALL = 64 * 1024  # octets of a disk, or of the biggest file


@pytest.fixture
def small_limit() -> Iterator[None]:
    """No file of this process may get bigger than `SMALL`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    with small_disk(tmp_path / "disk", SMALL) as place:
        yield place


def test_what_is_written_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    for text in ("first", "second \ud800"):
        files.write(path, text, durable=True)
    assert path.read_text() == "second \\ud800"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_file_keeps_its_mode_and_a_link_its_place(tmp_path: Path) -> None:
    path, link = tmp_path / "real", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to("real")
    files.write(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_disk_that_is_full_leaves_the_older_file(small_disk: Path) -> None:
    path = small_disk / "summary.json"
    files.write(path, "old")
    with pytest.raises(WriteError, match=r"cannot write .*summary.json: No space left on device"):
        files.write(path, "x" * 2 * SMALL)
    assert path.read_text() == "old"
    assert [each.name for each in small_disk.iterdir()] == ["summary.json"]
    files.write(path, "new")
    assert path.read_text() == "new"


def test_file_that_may_not_grow_leaves_the_older_one(tmp_path: Path, small_limit: None) -> None:
    path = tmp_path / "summary.json"
    files.write(path, "old")
    with pytest.raises(WriteError, match="File too large"):
        files.write(path, "x" * 2 * SMALL)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("name", ["no/file", "file/file", "folder", "loop", "nul\0", "pipe"])
def test_place_that_cannot_be_written_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")  # which nobody reads
    with pytest.raises(WriteError, match="cannot write") as caught:
        files.write(tmp_path / name, "text")
    assert "\n" not in str(caught.value)


def test_devices_and_pipes_are_written_to_as_they_are(tmp_path: Path) -> None:
    files.write(Path("/dev/null"), "text")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(WriteError, match="No space left"):
        files.write(Path("/dev/full"), "text")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write(path, "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)


def test_line_that_does_not_fit_leaves_nothing_behind(small_disk: Path) -> None:
    writer = LineWriter(small_disk / "run.jsonl")
    writer.write({"a": 1})
    with pytest.raises(WriteError, match="No space left"):
        writer.write({"b": "x" * 2 * SMALL})
    writer.write({"c": 1})
    writer.close()
    assert (small_disk / "run.jsonl").read_text() == '{"a":1}\n{"c":1}\n'


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "cannot be read: No such file or directory"),
        ("folder", "is a folder"),
        ("pipe", "is not a regular file"),
        ("zero", "is not a regular file"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("hole", "has 1,048,576 MiB, more than 1 MiB"),
        ("latin", r"is not UTF-8 \(byte 2\)"),
        ("nul\0", "is not a file name"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 40)
    (tmp_path / "latin").write_bytes(b"gr\xc3\xfc\xdfe")
    with pytest.raises(FileError, match=said) as caught:
        files.read_text(tmp_path / name, files.MIB)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = [" * 50_000, "is nested too deeply|has a line"),
        ("[" * 5000, "is not TOML|is nested too deeply"),
        ("a" + ".a" * 100_000 + " = 1", "has a line of more than 16,384 characters"),
        ("a" + ".a" * 5000 + " = 1", "is nested too deeply"),
        ("a = 1979-13-01", "is not TOML"),
        ("a = 1\na = 2", "is not TOML: Cannot overwrite a value"),
        ("\0", "is not TOML"),
        ("#" + "\n#" * (1 << 20), "more than 1 MiB"),
    ],
)
def test_what_is_no_toml_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(FileError, match=said) as caught:
        files.read_toml(tmp_path / "rules.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b'{"a": NaN}', r"is not JSON: invalid character \(byte 6\)"),
        (b'{"a": 1e999}', "is invalid: Number out of range"),
        (b'{"a": "\\ud800"}', "is not JSON"),
        (b"[]", "is invalid: Expected object, got array"),
        (b'{"a": "x"}', r"is invalid: Expected int, got str - at \$\[...\]"),
    ],
)
def test_what_is_no_json_of_its_type_is_one_line(tmp_path: Path, octets: bytes, said: str) -> None:
    (tmp_path / "value.json").write_bytes(octets)
    with pytest.raises(FileError, match=said) as caught:
        files.read_json(tmp_path / "value.json", dict[str, int], files.MIB)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b'{"a": "\xff"}', r"is not JSON: not UTF-8 \(byte \d\)"),
        (b'{"a":' * 100_000, "is not JSON: it is nested too deeply"),
    ],
)
def test_what_is_no_json_of_any_type_is_one_line(tmp_path: Path, octets: bytes, said: str) -> None:
    (tmp_path / "value.json").write_bytes(octets)
    with pytest.raises(FileError, match=said):
        files.read_json(tmp_path / "value.json", dict[str, Any], files.MIB)


def test_line_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"a":1}\n')
    os.truncate(path, 1 << 40)
    lines = files.read_lines(path, 1 << 41)
    assert next(lines) == (1, b'{"a":1}\n')
    with pytest.raises(FileError, match="line 2 is longer than 8 MiB"):
        next(lines)


def test_line_that_was_never_finished_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"one\ntwo\nthr")
    assert list(files.read_lines(path, 100)) == [(1, b"one\n"), (2, b"two\n")]
