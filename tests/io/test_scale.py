"""One rule for the unit of flux: the same numbers are on the same scale, whatever file they come in."""

from pathlib import Path

import numpy as np
import pytest
from small_fits import TESS
from small_fits import write as write_fits

from exojax.io import fits, kaggle, npz, scale, table

N = 400
TIME = 1400 + 0.02 * np.arange(N)
NOISE = 1e-3 * np.random.default_rng(3).normal(size=N)
NOISE[100:110] -= 0.01
UNITS = {
    "relative": (1 + NOISE, True),
    "minus one": (NOISE, True),
    "counts": (10_000 * (1 + NOISE), True),
    "faint counts": (4 * (1 + 300 * NOISE), True),
    "counts between 5 and 20": (12.5 * (1 + NOISE), True),
    "parts per million about zero": (1e6 * NOISE, False),
    "scatters about zero": (NOISE / 1e-3, False),
    "counts less than the background": (-50 * (1 + NOISE), False),
}


def as_npz(folder: Path, flux: np.ndarray) -> tuple[np.ndarray, bool]:
    np.savez(folder / "x.npz", tic_id=[7], flux=flux[None], time=TIME[None], n_points=[N])
    read = npz.read(folder / "x.npz")
    return read.flux[0], read.absolute


def as_kaggle(folder: Path, flux: np.ndarray) -> tuple[np.ndarray, bool]:
    head = ",".join(["LABEL", *(f"FLUX.{i + 1}" for i in range(N))])
    (folder / "x.csv").write_text(f"{head}\n" + ",".join(["1", *map(str, flux)]) + "\n")
    read = kaggle.read(folder / "x.csv")
    return read.flux[0], read.absolute


def as_table(folder: Path, flux: np.ndarray) -> tuple[np.ndarray, bool]:
    (folder / "x.csv").write_text("time,flux\n" + "\n".join(f"{t},{f}" for t, f in zip(TIME, flux)))
    read = table.read(folder / "x.csv")
    return read.flux, read.absolute


def as_fits(folder: Path, flux: np.ndarray) -> tuple[np.ndarray, bool]:
    write_fits(folder / "x.fits", {"TIME": TIME, "PDCSAP_FLUX": flux.astype(np.float64)}, TESS)
    read = fits.read(folder / "x.fits")
    return read.flux, read.absolute


@pytest.mark.parametrize("reader", [as_npz, as_kaggle, as_table, as_fits])
@pytest.mark.parametrize("unit", UNITS)
def test_every_reader_decides_alike(tmp_path, reader, unit):
    flux, absolute = UNITS[unit]
    found, said = reader(tmp_path, flux)
    assert said is absolute
    if absolute:
        expected = flux / np.median(flux) if unit == "faint counts" else 1 + NOISE
        assert found == pytest.approx(expected, abs=2e-4)
    else:
        # In the file's own units; a single star's median is taken off.
        assert np.ptp(found) == pytest.approx(np.ptp(flux), rel=1e-5)


def test_a_files_unit_is_that_of_most_of_its_stars():
    """A star too faint to tell takes the others' unit; one without a positive median cannot be used."""
    flux = np.stack([900 * (1 + NOISE)] * 5 + [3 * (1 + 600 * NOISE), -2 + NOISE, np.zeros(N)])
    valid = np.ones(flux.shape, bool)
    valid[7] = False
    found = scale.relative(flux, valid)
    assert found.absolute
    assert found.kind == "divided"
    assert np.median(found.flux[:6], axis=1) == pytest.approx(1)
    assert found.lost.tolist() == [False] * 6 + [True, False]
    assert not found.valid[6:].any()
    assert any("1 stars" in remark and "left empty" in remark for remark in scale.remarks(found))


def test_magnitudes_are_the_files_or_nobodys():
    """A lone star of 12.5 counts among brighter ones is in counts, a bright variable among magnitudes in magnitudes."""
    counts = np.stack([12.5 + NOISE, *[900 * (1 + NOISE)] * 3])
    assert scale.relative(counts, np.ones(counts.shape, bool)).kind == "divided"
    bright = np.stack([4.2 + 200 * NOISE, *[12.5 + NOISE] * 3])
    found = scale.relative(bright, np.ones(bright.shape, bool))
    assert found.kind == "magnitudes"
    assert np.median(found.flux, axis=1) == pytest.approx(1)


def test_what_the_file_tells_is_not_guessed():
    steady = (12.5 + NOISE)[None]
    every = np.ones(steady.shape, bool)
    assert scale.relative(steady, every).kind == "magnitudes"
    assert scale.relative(steady, every, unit="flux").kind == "divided"
    assert scale.relative(900 * steady, every, unit="magnitudes").kind == "magnitudes"


def test_without_a_measurement_there_is_no_scale():
    found = scale.relative(np.zeros((2, 3)), np.zeros((2, 3), bool))
    assert (found.absolute, found.kind, scale.remarks(found)) == (False, "none", ())
