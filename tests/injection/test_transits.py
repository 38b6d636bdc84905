"""Transits put into curves: where they fall, how much they take, and how strong they are."""

from __future__ import annotations

import numpy as np
import pytest

from exojax.injection.transits import inject, transit_cadences, white_scatter, white_snr
from exojax.light_curves import LightCurves


def curves(n: int = 3, size: int = 900, *, absolute: bool = True, seed: int = 0) -> LightCurves:
    """Make curves with irregular times, unordered gaps and NaN padding at the end of every row."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(100, 130, (n, size)), axis=1)
    valid = rng.random((n, size)) > 0.1
    valid[:, -20:] = False
    time[:, -20:] = np.nan
    flux = np.where(valid, 1 + rng.normal(0, 1e-3, (n, size)), 0).astype(np.float32)
    return LightCurves(
        id=np.arange(n).astype(str),
        time=time,
        flux=flux,
        valid=valid,
        label=None,
        kind=None,
        catalogued=True,
        absolute=absolute,
        cadence=0.03,
        time_system="BKJD",
        source="test",
        sha256="0",
    )


PERIOD, T0, DURATION = np.array([3.3, 7.1, 40.0]), np.array([90.2, 101.0, 115.5]), np.array([0.2, 0.31, 0.5])


def test_every_valid_cadence_in_transit_is_touched_and_no_other() -> None:
    given = curves()
    where = transit_cadences(given, PERIOD, T0, DURATION, 0.03)
    found = set(zip(where.row.tolist(), where.column.tolist()))
    expected = set()
    for row, column in zip(*np.nonzero(given.valid)):
        # Transits from long before the first cadence to long after the last.
        middles = T0[row] + PERIOD[row] * np.arange(-40, 40)
        if np.abs(given.time[row, column] - middles).min() < DURATION[row] / 2 + 0.015:
            expected.add((int(row), int(column)))
    assert found == expected
    assert len(expected) > 50
    middle = T0[where.row] + where.epoch * PERIOD[where.row]
    np.testing.assert_allclose(given.time[where.row, where.column] - middle, where.since, atol=1e-9)


def test_a_fraction_of_the_flux_is_taken_or_units_of_it() -> None:
    lost = np.float32(0.25)
    for absolute, left in ((True, 0.75), (False, None)):
        given = curves(absolute=absolute)
        before = given.flux.copy()
        where = transit_cadences(given, PERIOD, T0, DURATION, 0.03)
        after = inject(given, where, np.full(where.row.size, lost))
        inside = np.zeros(before.shape, bool)
        inside[where.row, where.column] = True
        expected = before[inside] * left if left is not None else before[inside] - lost
        np.testing.assert_allclose(after.flux[inside], expected, rtol=1e-6)
        np.testing.assert_array_equal(after.flux[~inside], before[~inside])
        np.testing.assert_array_equal(given.flux, before)
        assert after.flux.dtype == np.float32
        assert after.valid is given.valid


def test_white_scatter_sees_neither_slow_variation_nor_gaps() -> None:
    rng = np.random.default_rng(1)
    given = curves(n=2, size=4000)
    sigma = np.array([1e-3, 4e-3])
    slow = 0.05 * np.sin(np.nan_to_num(given.time) * 2 * np.pi / 8)
    noisy = np.where(given.valid, 1 + slow + sigma[:, None] * rng.standard_normal(given.flux.shape), 0)
    noisy[0, 5] = 3.0
    given.flux[:] = noisy
    np.testing.assert_allclose(white_scatter(given), sigma, rtol=0.08)


@pytest.mark.filterwarnings("error")
def test_a_star_without_neighbouring_measurements_has_no_scatter() -> None:
    given = curves(n=2)
    given.valid[0, ::2] = False
    given.valid[1] = False
    assert np.isnan(white_scatter(given)).all()


def test_the_snr_is_the_matched_filters() -> None:
    given = curves()
    where = transit_cadences(given, PERIOD, T0, DURATION, 0.03)
    depth = np.array([1e-3, 2e-3, 3e-3])
    counts = np.bincount(where.row, minlength=3)
    found = white_snr(where, depth[where.row], np.full(3, 5e-4))
    np.testing.assert_allclose(found, depth * np.sqrt(counts) / 5e-4)
    nowhere = transit_cadences(given, PERIOD * 100, T0 - 1000, DURATION, 0.03)
    assert white_snr(nowhere, np.zeros(nowhere.row.size), np.full(3, 5e-4)).tolist() == [0, 0, 0]
