"""A file with a changed byte is refused in one line, or read back as it was written."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.storage.array_files import check_archive, load_arrays, reason_of, save_arrays
from exojax.storage.json_files import check_same, read_checked, read_json, write_checked

DOCUMENT = {"prior": 0.25, "steps": [600, 0], "name": "a “star”", "deep": {"x": None, "on": True}, "empty": {}}
ARRAYS = {
    "params/kernel": np.arange(12, dtype=np.float32).reshape(3, 4),
    "name": np.array(["a", "bc"]),
    "one": np.array(7),
    "none": np.zeros((0, 3), np.int8),
}


def damaged(content: bytes, *, seed: int, n: int) -> list[bytes]:
    """Return copies with one bit of each byte flipped, and ``n`` with a few bytes changed, lost, doubled or cut off."""
    rng = np.random.default_rng(seed)
    found = [
        content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]
        for place in range(len(content))
    ]
    for _ in range(n):
        start, stop = np.sort(rng.integers(0, len(content) + 1, 2))
        kind = rng.integers(4)
        middle = (rng.bytes(stop - start), b"", content[start:stop] * 2, content[start:stop][:1])[kind]
        found.append(content[:start] + middle + content[stop:])
    return found


def same_arrays(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> bool:
    return found.keys() == wanted.keys() and all(
        (found[key].dtype, found[key].shape, found[key].tobytes()) == (x.dtype, x.shape, x.tobytes())
        for key, x in wanted.items()
    )


@pytest.mark.parametrize("compact", [False, True])
def test_of_a_json_document(tmp_path: Path, compact: bool) -> None:
    path = tmp_path / "a.json"
    write_checked(path, DOCUMENT, compact=compact)
    assert read_checked(path) == DOCUMENT
    refused = []
    for content in damaged(path.read_bytes(), seed=1, n=400):
        path.write_bytes(content)
        try:
            assert read_checked(path, nan=compact) == DOCUMENT, content
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 500
    assert not [text for text in refused if "\n" in text]


def test_of_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, ARRAYS)
    assert same_arrays(load_arrays(path), ARRAYS)
    refused = []
    for content in damaged(path.read_bytes(), seed=2, n=400):
        path.write_bytes(content)
        try:
            assert same_arrays(load_arrays(path), ARRAYS)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 1000
    assert not [text for text in refused if "\n" in text]


def test_a_document_that_was_written_anew_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (
        '{"prior": 0.5}',
        '{"crc32" : "0a1b2c3d", "prior": 0.5}',
        '{"crc32": 3}',
        '{"prior": 1, "crc32": "0"}',
    ):
        path.write_text(content)
        with pytest.raises(InputError, match="has no checksum"):
            read_checked(path)
        assert "crc32" not in read_json(path)


def test_arrays_that_numpy_wrote_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **ARRAYS)
    with pytest.raises(InputError, match="no checksum"):
        load_arrays(tmp_path / "a.npz")


def test_settings_of_another_work_are_named(tmp_path: Path) -> None:
    path = tmp_path / "out" / ".parts" / "search.json"
    for _ in range(2):
        check_same(path, {"version": 1, "seed": 3}, "search")
    with pytest.raises(InputError, match=r"out: holds another search \(seed: 3 -> 4\)"):
        check_same(path, {"version": 1, "seed": 4}, "search")


class TestLimitsOfJson:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('{"a": ' * 100_000 + "1" + "}" * 100_000, "nested too deep"),
            ('{"a": ' + "[" * 5_000_000, "nested too deep"),
            ('{"a": ' + "1" * 5000 + "}", "digits"),
            ('{"a": NaN}', "no number"),
            ('{"a": -Infinity}', "no number"),
            ('{"a": 1e999}', "no number"),
            ('{"a": "\\ud800' + "}", "JSON"),
        ],
    )
    def test_what_is_none_is_refused(self, tmp_path: Path, text: str, reason: str) -> None:
        path = tmp_path / "a.json"
        path.write_text(text)
        with pytest.raises(InputError, match=reason) as refused:
            read_json(path)
        assert len(str(refused.value)) < 400

    def test_a_file_of_a_terabyte_is_not_opened(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        with path.open("wb") as stream:
            stream.truncate(2**40)
        with pytest.raises(InputError, match="larger than 1 GB"):
            read_json(path)

    def test_one_of_windows_begins_with_a_mark(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
        assert read_json(tmp_path / "a.json") == {"a": 1}


def archive(members: dict[str, bytes], *, packed: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def array(header: str, content: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def header(shape: str, kind: str = "'<f4'") -> str:
    return f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}"


class TestLimitsOfArrays:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "archive|zip"),
            (archive({"a.npy": array(header("(1000000000, 1000000)"), bytes(40))}), "does not fit its size"),
            (archive({"a.npy": array(header("(2, -1)"), bytes(8))}), "does not fit its size|shape"),
            (archive({"a.npy": array(header("(1,)", "'|O'"), bytes(8))}), "objects"),
            (archive({"a.npy": array(header("((((((1,),),),),),)"), bytes(8))}), "shape"),
            (archive({"a.npy": array("(" * 5000 + ")" * 5000)}), "."),
            (archive({"a.npy": array("9" * 5000)}), "."),
            (archive({"a.txt": b"x"}), "no array"),
            (archive({f"{i}.npy": b"" for i in range(10_001)}), "10,001 arrays"),
            (
                archive({"a.npy": array(header("(2147483648,)"), bytes(2**28))}, packed=True),
                "unpacks to more than 268 MB",
            ),
        ],
        ids=lambda value: value[:20] if isinstance(value, str) else "",
    )
    def test_what_is_none_is_refused(self, tmp_path: Path, content: bytes, reason: str) -> None:
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises((ValueError, SyntaxError), match=reason) as refused:
            check_archive(tmp_path / "a.npz")
        assert len(reason_of(refused.value)) <= 100

    def test_an_archive_of_nothing_is_one(self, tmp_path: Path) -> None:
        (tmp_path / "a.npz").write_bytes(b"PK\x05\x06" + bytes(18))
        check_archive(tmp_path / "a.npz")
