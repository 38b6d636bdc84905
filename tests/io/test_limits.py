"""Impossible sizes are refused before memory is taken; one bad file is skipped alone."""

import gzip
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from damage import watched
from products import FLUX, TIME, spoc
from small_fits import curve, write
from small_fits import fits as astropy

from exojax.errors import InputError
from exojax.io import fits, folder, kaggle, table
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves

ROWS = "time,flux\n" + "\n".join(f"{t},{f}" for t, f in zip(TIME, FLUX))


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        folder.read_file(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(home: Path, key: str, value: str) -> Path:
    """Write a file of TESS in whose table's header one card has another value."""
    path = spoc(home)
    raw = bytearray(path.read_bytes())
    at = raw.find(f"{key:8}=".encode(), 2880)
    raw[at + 10 : at + 80] = value.rjust(20).ljust(70).encode()
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("NAXIS", "2147483648", "NAXIS is 2147483648"),
        ("NAXIS", "-1", "NAXIS is -1"),
        ("NAXIS", "9" * 60, "NAXIS is '99999999999999999999'"),
        ("NAXIS2", "4000000000", "is truncated"),
        ("NAXIS1", "1.5", "NAXIS1 is '1.5'"),
        ("TFIELDS", "2147483648", "TFIELDS is 2147483648"),
        ("PCOUNT", "2147483648", "is truncated"),
        ("TFORM1", "'99999999999D'", "truncated or damaged"),
    ],
)
def test_sizes_in_a_header(tmp_path: Path, key: str, value: str, words: str) -> None:
    assert words in message(changed(tmp_path, key, value))


def test_what_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "LARGEST", 10**6)
    monkeypatch.setattr("exojax.io.text.LARGEST", 10**6)
    head = spoc(tmp_path).read_bytes()[:2880]
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(head + bytes(2 * 10**6)))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 10**6))
    for name in ("a.fits.gz", "a.csv.gz"):
        assert "MB unpacked" in message(tmp_path / name)


def test_long_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(ROWS.replace("flux", "9" * 5000, 1))
    assert "has no flux column" in message(path)
    path.write_text("LABEL,FLUX." + "1" * 5000 + "\n1,2\n")
    with pytest.raises(InputError, match=r"no FLUX columns|unknown column"):
        kaggle.read(path)
    path.write_text(",".join(["1"] * 5000) + "\n")
    assert "has 5000 values" in message(path)
    path.write_text(ROWS.replace("1400.", "1" * 5000, 1))
    assert folder.read_file(path).valid.sum() > 390


def test_a_datasum_that_does_not_fit_is_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", curve())
    with astropy.open(path) as parts:
        parts.writeto(tmp_path / "b.fits", checksum=True)
    assert fits.read(tmp_path / "b.fits").warnings == ()
    raw = bytearray((tmp_path / "b.fits").read_bytes())
    raw[-6000] ^= 64
    (tmp_path / "b.fits").write_bytes(raw)
    assert any("DATASUM" in text for text in fits.read(tmp_path / "b.fits").warnings)


def test_one_bad_file_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(2):
        (tmp_path / f"TIC {k + 5}.csv").write_text(ROWS)
    raw = bytearray(spoc(tmp_path).read_bytes())
    at = raw.find(b"TELESCOP")
    # A card that astropy cannot parse.
    raw[at + 10 : at + 30] = b"= garbage = =       "
    next(tmp_path.glob("*.fits")).unlink()
    (tmp_path / "header.fits").write_bytes(raw)
    (tmp_path / ("x" * 250 + ".csv")).write_text(ROWS)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/star\xff.csv")).write_text(ROWS)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.csv")).write_text("no")
    found = list(folder.read_stars(folder.stars_in([tmp_path])))
    skipped = [one for one in found if isinstance(one, Skipped)]
    assert sorted(one.id for one in skipped) == ["bad\\xff", "header"]
    ids = [str(one.id[0]) for one in found if isinstance(one, LightCurves)]
    assert sorted(ids) == ["5", "6", "star\\xff", "x" * 250]
    # All that is written is UTF-8.
    for one in found:
        texts = [str(one.path), one.reason] if isinstance(one, Skipped) else [one.source, *one.warnings]
        "".join(texts).encode()

    def broken(path: Path, stated: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(folder, "read_file", broken)
    (one,) = folder.read_star("5", [tmp_path / "TIC 5.csv"])
    assert isinstance(one, Skipped)
    assert one.reason == "could not be read (ZeroDivisionError: a mistake of ours)"


def test_no_table_is_read_as_a_header_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("my star, seen twice\n\n" + ROWS)
    np.testing.assert_allclose(table.read(path).flux, FLUX / np.median(FLUX))


LONG = 300_000
"""signs in a cell or a line of a damaged table: what takes their square takes minutes"""


@pytest.mark.parametrize(
    "text",
    [
        f"time,flux,bkg_flux\n{ROWS[10:].replace(chr(10), ',1' + chr(10), 20)},{'9' * LONG}x\n",
        ROWS + f"\n{'1' * LONG}x,1\n",
        f"#{' ' * LONG}\n" + ROWS,
        ROWS.replace("flux", "flux" + "(" * LONG, 1),
        ROWS.replace("flux", "flux" + "7" * LONG + "_", 1),
    ],
    ids=["digits in an unused column", "digits for a time", "blank comment", "brackets in a name", "digits in a name"],
)
def test_a_long_cell_line_or_name_ends_a_reading_soon(tmp_path: Path, text: str) -> None:
    path = tmp_path / "long.csv"
    path.write_text(text)
    # A reading that takes too long ends with an error of its own.
    with watched(), suppress(InputError):
        folder.read_file(path)
