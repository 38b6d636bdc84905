"""Text from data is harmless in a terminal, a spreadsheet and a page."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import pytest

from exojax.storage.plain_text import csv_cell, markdown, plain, shared, shared_path
from exojax.storage.write_file import disk_error, write_atomically, write_csv, written_in_one_step


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Kepler-90 b, “β”", "Kepler-90 b, “β”"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m\x00\x7f", "\\x9b31m\\x00\\x7f"),
        ("‮nus", "\\u202enus"),
        (os.fsdecode(b"caf\xe9"), "caf\\udce9"),
    ],
)
def test_a_terminal_obeys_no_text(text: str, printed: str) -> None:
    assert plain(text) == printed
    plain(text).encode()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1-2", "'+1-2"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("-3.5e-7", "-3.5e-7"),
        ("+12", "+12"),
        (-3.5, "-3.5"),
        (None, ""),
        ('plain, "quoted"', 'plain, "quoted"'),
    ],
)
def test_no_cell_of_a_csv_is_a_formula(cell: object, written: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ["id"], [[cell]])
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {"id": written}
    assert csv_cell(csv_cell(cell)) == csv_cell(cell)


def test_markdown_is_text() -> None:
    assert markdown("a|b\n# [x](http://y) <script> `c` *d* _e_") == (
        "a\\|b\\\\n\\# \\[x\\](http://y) \\<script\\> \\`c\\` \\*d\\* \\_e\\_"
    )


def test_a_path_that_is_passed_on_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert shared_path("/home/ann/stars/a.csv") == "~/stars/a.csv"
    assert shared_path("/scratch/ann/a.csv") == "a.csv"
    assert shared_path(Path("stars/a.csv")) == "stars/a.csv"
    found = shared(
        {"text": "source: /scratch/ann/k2 (3 stars), '/home/ann/x y/b.npz'", "n": [3, "a/b", "/ 5", "1/2 m/s"]}
    )
    assert found == {"text": "source: k2 (3 stars), '~/x y/b.npz'", "n": [3, "a/b", "/ 5", "1/2 m/s"]}


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_atomically(path, b"old")
    with pytest.raises(TypeError), written_in_one_step(path) as stream:
        stream.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["a.txt"]


def test_the_file_that_no_room_is_for_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as full, written_in_one_step(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.filename == str(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == []


def test_a_fault_of_the_disk_is_found_in_what_libraries_make_of_it() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "a")
    wrapped = ValueError("cannot save")
    wrapped.__cause__ = ExceptionGroup("threads", [KeyError(), full])
    assert disk_error(wrapped) is full
    for text, number in (
        ("RESOURCE_EXHAUSTED: Failed to write: No space left on device [os_error_code='28']", errno.ENOSPC),
        ("database or disk is full", errno.ENOSPC),
        ("Disk quota exceeded", errno.EDQUOT),
        ("Read-only file system", errno.EROFS),
    ):
        fault = disk_error(RuntimeError(text))
        assert fault is not None
        assert fault.errno == number
    assert disk_error(OSError(errno.ENOENT, "No such file")) is None
    assert disk_error(ValueError("x")) is None
