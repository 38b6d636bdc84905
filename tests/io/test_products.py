"""Files of every pipeline are read as what they are: the star, the clock, the column, the depth of its transit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from products import DEPTH, DIP, FITS, Expected
from text_products import TEXT

from exojax.io import folder
from exojax.io.columns import Table, measured
from exojax.io.segment import Segment


def read(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Segment, str]:
    """Return the segment, and the name of the column that is its flux."""
    names: list[str] = []

    def noted(table: Table, *stated: object) -> object:
        found = measured(table, *stated)  # type: ignore[arg-type]
        names.append(found.name)
        return found

    monkeypatch.setattr("exojax.io.fits.measured", noted)
    monkeypatch.setattr("exojax.io.table.measured", noted)
    return folder.read_file(path), names[-1]


@pytest.mark.parametrize(("make", "expected"), (FITS | TEXT).values(), ids=(FITS | TEXT).keys())
def test_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], expected: Expected
) -> None:
    found, name = read(make(tmp_path), monkeypatch)
    assert (found.id, found.catalogue, found.time_system, name) == (
        expected.star,
        expected.catalogue,
        expected.clock,
        expected.flux,
    )
    assert found.absolute
    # Rows that are flagged or masked are left out or not valid; the dip is where it was, and as deep.
    inside = np.zeros(400, bool)
    inside[DIP] = True
    dip = found.time[found.valid & (found.flux < 1 - DEPTH / 2)]
    assert 9 <= len(dip) <= 10
    assert 1 - np.median(found.flux[found.valid & (found.flux < 1 - DEPTH / 2)]) == pytest.approx(DEPTH, rel=0.06)
    assert np.std(found.flux[found.valid & (found.flux > 1 - DEPTH / 2)]) < 4e-4
    step = np.median(np.diff(found.time))
    assert (dip[0] - found.time[0]) / step == pytest.approx(200, abs=2)
    assert (found.error is not None) is expected.error
    if found.error is not None:
        assert np.nanmedian(found.error) < 2e-3


def test_where_there_is_a_choice_it_is_reported(tmp_path: Path) -> None:
    found = folder.read_file(TEXT["background, raw, detrended"][0](tmp_path))
    assert "flux: the column detrended_flux is used (not used: raw_flux)" in found.warnings
    assert folder.read_file(FITS["Kepler"][0](tmp_path)).warnings == ()


def test_two_sectors_of_eleanor_are_one_star(tmp_path: Path) -> None:
    first = FITS["eleanor"][0](tmp_path)
    second = first.rename(tmp_path / "hlsp_eleanor_tess_ffi_tic100100827_s03_tess_v2.0.5_lc.fits")
    FITS["eleanor"][0](tmp_path)
    assert folder.stars_in([tmp_path]) == [("100100827", [first, second])]


def test_content_decides_what_a_file_is(tmp_path: Path) -> None:
    fits = FITS["TESS 120 s"][0](tmp_path).rename(tmp_path / "TIC 100100827.csv")
    assert folder.read_file(fits).id == "100100827"
    assert folder.read_file(FITS["Kepler"][0](tmp_path).rename(tmp_path / "star.dat")).id == "11442793"
