"""The Kaggle reader: files that are packed, quoted, shuffled or incomplete are read right; others are refused."""

import gzip
import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.errors import InputError
from exojax.io import kaggle, scale
from exojax.storage import checksum, open_file

REAL = Path(__file__).parents[2] / "../shared/data/kepler_in_kaggle_layout"
GOOD = b"LABEL,FLUX.1,FLUX.2,FLUX.3\n2,1.5,-2,3e2\n1,,0.25,NaN\n"
GOOD_FLUX = [[1.5, -2, 300], [0, 0.25, 0]]
GOOD_VALID = [[True, True, True], [False, True, False]]


def write(folder: Path, content: bytes, name: str = "stars.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        kaggle.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


FORMS = {
    "plain": GOOD,
    "no final line end": GOOD.rstrip(b"\n"),
    "bom": b"\xef\xbb\xbf" + GOOD,
    "crlf": GOOD.replace(b"\n", b"\r\n"),
    "quoted header": GOOD.replace(b"LABEL,FLUX.1", b'"LABEL","FLUX.1"'),
    "quoted cells": GOOD.replace(b"1.5", b'"1.5"').replace(b"1,,", b'1,"",'),
    "NA and spaces": GOOD.replace(b"NaN", b"NA").replace(b"1.5", b" 1.5 "),
    "blank lines": GOOD.replace(b"\n1,", b"\n\n \r\n1,") + b"\n\n",
    "order": b"FLUX.3,FLUX.1,LABEL,FLUX.2\n300,1.5,2,-2\ninf,null,1.0,.25\n",
    "empty last cell": b"LABEL,FLUX.2,FLUX.1,FLUX.3\n2,-2,1.5,300\n1,.25,,",
    "gzip": gzip.compress(GOOD),
    "zip": zipped({"inner.csv": GOOD, "__MACOSX/._inner.csv": b"x", "readme.txt": b"x"}),
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_accepted_form_reads_the_same(tmp_path: Path, content: bytes) -> None:
    stars = kaggle.read(write(tmp_path, content))
    np.testing.assert_array_equal(stars.flux, GOOD_FLUX)
    np.testing.assert_array_equal(stars.valid, GOOD_VALID)
    assert stars.label is not None
    assert stars.label.tolist() == [1, 0]
    assert stars.label.dtype == np.int8
    assert not stars.absolute
    assert not stars.catalogued


@pytest.mark.parametrize("name", ["exoTest.csv", "exoTest.csv.gz", "exoTest.CSV.zip", "exoTest"])
def test_id_is_stem_and_row(tmp_path: Path, name: str) -> None:
    assert kaggle.read(write(tmp_path, GOOD, name)).id.tolist() == ["exoTest:0", "exoTest:1"]


def test_time_axis_and_fingerprint(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assumed, stated = kaggle.read(path), kaggle.read(path, cadence_minutes=144)
    np.testing.assert_allclose(stated.time, [[0, 0.1, 0.2]] * 2)
    assert (stated.time_system, stated.warnings) == ("assumed", ())
    assert assumed.cadence == pytest.approx(29.4244 / 1440)
    assert assumed.warnings == ("a cadence of 29.4244 minutes is assumed, because the file has no time axis",)
    assert assumed.sha256 == checksum.of_file(path)
    with pytest.raises(InputError, match="positive"):
        kaggle.read(path, cadence_minutes=0.0)


def test_label_may_be_absent_only_where_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, b"FLUX.1,FLUX.2\n1,2\n")
    assert kaggle.read(path, require_label=False).label is None
    assert "LABEL" in message(path)


def test_rows_without_information_are_kept(tmp_path: Path) -> None:
    stars = kaggle.read(write(tmp_path, b"LABEL,FLUX.1,FLUX.2\n1,,\n1,5,5\n1,5,5\n"))
    assert stars.valid.sum(axis=1).tolist() == [0, 2, 2]


numbers = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-(10**6), 10**6))


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    n_stars=st.integers(1, 5),
    n_cadences=st.integers(1, 9),
    packed=st.sampled_from(["", "gz", "zip"]),
)
def test_round_trip(data: st.DataObject, n_stars: int, n_cadences: int, packed: str) -> None:
    row = st.lists(numbers, min_size=n_cadences, max_size=n_cadences)
    table = data.draw(st.lists(row, min_size=n_stars, max_size=n_stars))
    labels = data.draw(st.lists(st.sampled_from([0, 1]), min_size=n_stars, max_size=n_stars))
    order = data.draw(st.permutations(range(n_cadences + 1)))
    form = data.draw(st.sampled_from(["{!r}", "{:.9e}", "{:+.8E}"]))
    lines = [["LABEL", *(f"FLUX.{n}" for n in range(1, n_cadences + 1))]]
    for label, values in zip(labels, table):
        lines.append([str(label + 1), *("" if value is None else form.format(value) for value in values)])
    text = "".join(",".join(line[column] for column in order) + "\n" for line in lines).encode()
    content = {"": text, "gz": gzip.compress(text), "zip": zipped({"a.csv": text})}[packed]
    with tempfile.TemporaryDirectory() as folder:
        stars = kaggle.read(write(Path(folder), content))
    expected = np.array([[np.nan if v is None else v for v in values] for values in table], np.float32)
    # A few made-up numbers may look like flux with a scale: what the reader does with that is tested by itself.
    scaled = scale.relative(expected, np.isfinite(expected))
    np.testing.assert_array_equal(stars.valid, scaled.valid)
    np.testing.assert_array_equal(stars.flux, np.where(scaled.valid, scaled.flux, 0))
    assert stars.absolute == scaled.absolute
    assert stars.label is not None
    assert stars.label.tolist() == labels


BAD = {
    "empty": (b"", "empty"),
    "header only": (b"LABEL,FLUX.1,FLUX.2\n", "no rows"),
    "no label": (
        GOOD.replace(b"LABEL,", b"").replace(b"\n2,", b"\n").replace(b"\n1,", b"\n"),
        "no column LABEL",
    ),
    "no flux": (b"LABEL,a,b\n1,2,3\n", "no FLUX columns"),
    "no header": (b"1,2,3\n1,2,3\n", "no FLUX columns"),
    "doubled flux": (b"LABEL,FLUX.1,FLUX.1\n1,2,3\n", "FLUX.1 twice"),
    "doubled number": (b"LABEL,FLUX.1,FLUX.01\n1,2,3\n", "FLUX.01 twice"),
    "doubled label": (b"LABEL,LABEL,FLUX.1\n1,2,3\n", "LABEL twice"),
    "gap": (b"LABEL,FLUX.1,FLUX.3\n1,2,3\n", "FLUX.1 and FLUX.3"),
    "unknown column": (b",LABEL,FLUX.1\n0,2,3\n", "unknown column ''"),
    "label 0": (GOOD.replace(b"\n1,", b"\n0,"), "line 3: LABEL is 0"),
    "label fraction": (GOOD.replace(b"\n1,", b"\n1.5,"), "line 3: LABEL is 1.5"),
    "label missing": (GOOD.replace(b"\n1,", b"\n,"), "line 3: LABEL is missing"),
    "label text": (GOOD.replace(b"\n1,", b"\nhost,"), "line 3, column LABEL: 'host'"),
    "label after blank": (GOOD.replace(b"\n1,", b"\n\n7,"), "line 4: LABEL is 7"),
    "short row": (GOOD + b"1,2,3\n", "line 4 has 3 values where the header has 4"),
    "long row": (GOOD + b"1,2,3,4,5\n", "line 4 has 5 values where the header has 4"),
    "cut row": (GOOD[:-7], "line 3 has 3 values"),
    "compensating rows": (b"LABEL,FLUX.1,FLUX.2\n1,2\n1,2,3,4\n", "line 2 has 2 values"),
    "text": (GOOD.replace(b"0.25", b"bright"), "line 3, column FLUX.2: 'bright'"),
    "decimal comma": (GOOD.replace(b"0.25", b'"0,25"'), "'0,25' is not a number"),
    "carriage return in a cell": (GOOD.replace(b"0.25", b"0\r25"), "line 3, column FLUX.2"),
    "open quote": (GOOD.replace(b"0.25", b'"0.25'), "line 3"),
    "not utf-8": (GOOD.replace(b"0.25", b"\xff\xfe"), "line 3, column FLUX.2"),
    "semicolons": (GOOD.replace(b",", b";"), "semicolons"),
    "tabs": (GOOD.replace(b",", b"\t"), "tabs"),
    "utf-16": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "utf-16 without mark": (GOOD.decode().encode("utf-16-be"), "UTF-16"),
    "binary": (bytes(range(256)) * 20, "binary"),
    "binary without nul": (b"\x93\xfa" * 400, "binary"),
    "truncated gzip": (gzip.compress(GOOD + b"1,2,3,4\n" * 5000)[:60], "cut short"),
    "gzip tail lost": (gzip.compress(GOOD)[:-4], "cut short"),
    "gzip damaged": (gzip.compress(GOOD)[:-8] + bytes(8), "gzip"),
    "bad zip": (b"PK\x03\x04" + bytes(200), "zip"),
    "truncated zip": (zipped({"a.csv": GOOD})[:-30], "zip"),
    "zip of two": (zipped({"a.csv": GOOD, "b.csv": GOOD}), "2 CSV files"),
    "zip of none": (zipped({"a.txt": GOOD}), "0 CSV files"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    content, words = BAD[case]
    assert words in message(write(tmp_path, content))


def test_bad_cell_is_found_far_into_the_file(tmp_path: Path) -> None:
    row = b"1," + b",".join(b"%d" % n for n in range(50)) + b"\n"
    header = b"LABEL," + b",".join(b"FLUX.%d" % n for n in range(1, 51)) + b"\n"
    rows = [row] * 30_000
    rows[20_000] = row.replace(b",37,", b",3 7,")
    rows[20_001] = b"junk\n"
    assert "line 20002, column FLUX.38: '3 7'" in message(write(tmp_path, header + b"".join(rows)))


def test_missing_file_folder_and_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no such file" in message(tmp_path / "absent.csv")
    assert "folder" in message(tmp_path)
    path = write(tmp_path, GOOD)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "Permission denied" in message(path)


def test_second_read_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD)
    first = kaggle.read(path)
    monkeypatch.setattr(open_file, "text", None)
    second = kaggle.read(path)
    np.testing.assert_array_equal(first.flux, second.flux)
    np.testing.assert_array_equal(first.valid, second.valid)
    assert second.sha256 == first.sha256
    second.flux[:] = 7
    np.testing.assert_array_equal(kaggle.read(path).flux, GOOD_FLUX)


def test_changed_file_of_the_same_size_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    before = kaggle.read(path)
    stat = path.stat()
    path.write_bytes(GOOD.replace(b"1.5", b"9.5"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    after = kaggle.read(path)
    assert after.flux[0, 0] == 9.5
    assert after.sha256 != before.sha256


def test_nothing_is_written_beside_the_file_nor_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = tmp_path / "cache"
    monkeypatch.setenv("EXOJAX_CACHE", str(cached))
    data = tmp_path / "data"
    data.mkdir()
    bad = write(data, GOOD + b"1,2\n", "bad.csv")
    message(bad)
    assert [path.name for path in data.iterdir()] == ["bad.csv"]
    kaggle.read(write(data, GOOD, "good.csv"))
    assert sorted(path.name for path in data.iterdir()) == ["bad.csv", "good.csv"]
    assert not list(cached.glob("*.tmp"))
    assert "line 4" in message(bad)


def test_real_kepler_stars() -> None:
    if not REAL.is_dir():
        pytest.skip("needs the light curves of ../shared/data, which are not public")
    for name, n_stars, base_rate in (("exoTrain", 649, 0.525), ("exoTest", 163, 0.564)):
        stars = kaggle.read(REAL / f"{name}.csv", cadence_minutes=144)
        assert stars.flux.shape == (n_stars, 1500)
        assert stars.label is not None
        assert stars.label.mean() == pytest.approx(base_rate, abs=5e-4)
        by_numpy = np.genfromtxt(REAL / f"{name}.csv", delimiter=",", skip_header=1, max_rows=5)
        np.testing.assert_array_equal(np.where(stars.valid, stars.flux, np.nan)[:5], by_numpy[:, 1:].astype(np.float32))


@pytest.mark.parametrize("place", [0, -1], ids=["before the member", "in the directory"])
def test_an_archive_whose_name_is_no_text_is_refused(tmp_path: Path, place: int) -> None:
    raw = bytearray(zipped({"größe.csv": GOOD}))  # not ASCII: marked as UTF-8
    name = "größe.csv".encode()
    at = [found for found in range(len(raw)) if raw.startswith(name, found)][place]
    raw[at] = 0xFF
    assert "not a usable zip archive" in message(write(tmp_path, bytes(raw)))
