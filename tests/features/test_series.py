"""Every statistic of a series again by hand in NumPy, on stars made up so that the answer is known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax.features import flux as flux_module
from exojax.features.series import quantiles, statistics
from exojax.features.series_columns import BOXES, LAGS, QUANTILES, SERIES

CADENCE, C = 0.1, 600
SLOT = {name: i for i, name in enumerate(SERIES)}
compiled = jax.jit(partial(statistics, cadence=CADENCE))


def stars(n=6, c=C, seed=0):
    rng = np.random.default_rng(seed)
    flux = rng.standard_normal((n, c)).astype(np.float32)
    valid = rng.random((n, c)) > 0.1
    valid[:, 200:260] = False
    return flux, valid


def columns(flux, valid):
    found = np.asarray(compiled(jnp.asarray(flux, jnp.float32), jnp.asarray(valid)))
    assert found.shape == (len(flux), len(SERIES))
    return {name: found[:, i] for name, i in SLOT.items()}


def scaled(x, valid):
    """Return series in units of 1.4826 MAD about the median, by NumPy."""
    centre = np.median(x[valid])
    return (x.astype(np.float64) - centre) / (1.4826 * np.median(np.abs(x[valid] - centre)))


def residuals(flux, valid):
    left = np.asarray(flux_module.trendless(jnp.asarray(flux), jnp.asarray(valid), cadence=CADENCE))
    return [scaled(x, v) for x, v in zip(left, valid)]


def test_quantiles_are_order_statistics():
    flux, valid = stars()
    valid[5] = False
    found = np.stack(quantiles(jnp.asarray(flux), jnp.asarray(valid), QUANTILES))
    for star in range(5):
        ordered = np.sort(flux[star][valid[star]])
        rank = [int(np.floor(q * (len(ordered) - 1) + 0.5)) for q in QUANTILES]
        assert np.array_equal(found[:, star], ordered[rank])
    assert np.isnan(found[:, 5]).all()


def test_moments_hops_and_quantiles_of_all_and_of_residuals():
    flux, valid = stars()
    flux[1] = flux[1] ** 2
    flux[2] += 10 * np.sin(np.arange(C) * CADENCE / 3)
    found, rest = columns(flux, valid), residuals(flux, valid)
    for star in range(3):
        v = valid[star]
        z, r = scaled(flux[star], v), rest[star]
        near = partial(pytest.approx, rel=2e-3, abs=2e-3)
        cut = np.clip(r, -20, 20)[v]
        normal = (cut - cut.mean()) / cut.std()
        assert found["skew"][star] == near((normal**3).mean())
        assert found["kurtosis"][star] == near((normal**4).mean() - 3)
        assert found["log_spread"][star] == near(np.log10(z[v].std()))
        both = v[1:] & v[:-1]
        assert found["all_eta"][star] == near((np.diff(z)[both] ** 2).mean() / (2 * z[v].var()))
        hops = 1.4826 * np.median(np.abs(np.diff(r)[both])) / np.sqrt(2)
        assert found["log_hops"][star] == near(np.log10(hops))
        assert found["q5"][star] == near(np.sort(r[v])[int(0.05 * (v.sum() - 1) + 0.5)])
    # A slow sine is in the whole and not in the residuals.
    assert found["log_slow"][2] > 0.6 > 3 * abs(found["log_slow"][0])


def test_autocorrelation_counts_pairs_on_both_sides_of_no_gap():
    flux, valid = stars()
    flux[0, 1:] = flux[0, 1:] + 2 * flux[0, :-1]
    flux[1] += 5 * (np.arange(C) % 40 < 6)
    found, rest = columns(flux, valid), residuals(flux, valid)
    for star in range(3):
        v = valid[star]
        r = np.clip(rest[star], -20, 20)
        r = np.where(v, r - r[v].mean(), 0)

        def acf(lag, r=r, v=v):
            pairs = v[lag:] & v[:-lag]
            return (r[lag:] * r[:-lag])[pairs].mean() / (r[v] ** 2).mean()

        for lag in LAGS:
            assert found[f"acf_{lag}"][star] == pytest.approx(acf(lag), abs=2e-3)
        assert found["acf_2d"][star] == pytest.approx(max(acf(lag) for lag in range(20, 40)), abs=2e-3)
    # What recurs every 4 days does so at lags of 4 to 8.
    assert found["acf_4d"][1] > 0.7 > found["acf_1d"][1] + 0.3
    # 16 to 32 days leaves pairs in 60 days; a series of 30 has none.
    assert np.isfinite(found["acf_16d"]).all()
    short = np.asarray(statistics(jnp.asarray(flux[:, :300]), jnp.asarray(valid[:, :300]), cadence=CADENCE))
    assert np.isnan(short[:, SLOT["acf_16d"]]).all()


def test_the_periodogram_finds_sines_in_order_of_their_power():
    flux, valid = stars()
    t = np.arange(C) * CADENCE
    flux[0] += 6 * np.sin(2 * np.pi * t / 20) + 3 * np.sin(2 * np.pi * t / 2.4)
    found = columns(flux, valid)
    assert 10 ** found["all_period"][0] == pytest.approx(20, rel=0.12)
    assert 10 ** found["all_period_2"][0] == pytest.approx(2.4, rel=0.06)
    assert found["all_peak"][0] > 2 * found["all_peak_2"][0] > 0.1
    assert found["power_2d"][0] == pytest.approx(np.log10(4.5 / 23.5), abs=0.2)
    # The running median has taken the slow one.
    assert 10 ** found["period"][0] == pytest.approx(2.4, rel=0.06)
    assert found["peak"][0] > found["peak"][1] + 0.5
    assert (10 ** found["all_period"] <= C * CADENCE).all()


def test_dips_are_counted_measured_and_timed():
    flux, valid = stars(3)
    flux = np.clip(flux, -1.5, 1.5)
    for start in (50, 130, 290, 370):
        flux[0, start : start + 5] = -12.0
        valid[0, start - 1 : start + 6] = True
    valid[0, 132] = False  # a gap ends a dip: two of them
    flux[1, 400:403] = 11.0
    valid[1, 400:403] = True
    found, rest = columns(flux, valid), residuals(flux, valid)
    assert found["dips"][:3].tolist() == [5, 0, 0]
    assert found["deep_dips"][0] == 5
    assert found["rises"][:3].tolist() == [0, 1, 0]
    low = rest[0][(rest[0] < -3) & valid[0]]
    assert len(low) == 19
    assert found["dip_share"][0] == pytest.approx(19 / valid[0].sum())
    assert found["dip_width"][0] == pytest.approx(CADENCE * 19 / 5)
    assert found["dip_longest"][0] == pytest.approx(0.5)
    assert found["dip_depth"][0] == pytest.approx(-low.mean(), rel=1e-3)
    assert found["dip_deepest"][0] == pytest.approx(-low.min(), rel=1e-3)
    intervals = CADENCE * np.diff([50, 130, 133, 290, 370])
    assert found["dip_interval"][0] == pytest.approx(np.log10(intervals.mean()), rel=1e-4)
    assert found["dip_regular"][0] == pytest.approx(intervals.std() / intervals.mean(), rel=1e-4)
    for name in ("dip_width", "dip_depth", "dip_interval", "dip_regular"):
        assert np.isnan(found[name][2])


def test_boxes_are_the_most_significant_means():
    flux, valid = stars()
    found, rest = columns(flux, valid), residuals(flux, valid)
    for star in range(3):
        cut = np.where(valid[star], np.clip(rest[star], -8, 8), 0)
        for width in BOXES:
            sums, counts = (np.convolve(x, np.ones(width), "same") for x in (cut, valid[star].astype(float)))
            every = sums[counts > width / 2] / np.sqrt(counts[counts > width / 2])
            assert found[f"box_{width}"][star] == pytest.approx(-every.min(), rel=2e-3)
            assert found[f"bump_{width}"][star] == pytest.approx(every.max(), rel=2e-3)


def test_neither_the_unit_nor_the_level_of_the_flux_matters():
    flux, valid = stars()
    flux[:3, 100:110] -= 9
    before = columns(flux, valid)
    for name, now in columns(0.02 * flux + 5, valid).items():
        np.testing.assert_allclose(now, before[name], rtol=2e-3, atol=2e-3, err_msg=name)


def test_padding_behind_the_end_changes_no_statistic_but_the_grid_of_frequencies():
    flux, valid = stars()
    before = columns(flux, valid)
    longer = np.asarray(
        statistics(
            jnp.pad(jnp.asarray(flux), ((0, 0), (0, 84))),
            jnp.pad(jnp.asarray(valid), ((0, 0), (0, 84))),
            cadence=CADENCE,
        )
    )
    for name, i in SLOT.items():
        if "period" not in name and "peak" not in name and "power" not in name:
            # The running median ends otherwise where blocks come after it.
            np.testing.assert_allclose(longer[:, i], before[name], rtol=0.02, atol=0.01, err_msg=name)


def test_a_star_without_scatter_or_measurement_has_no_statistics():
    flux, valid = stars(3)
    flux[0], valid[1] = 3.0, False
    found = np.asarray(compiled(jnp.asarray(flux), jnp.asarray(valid)))
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2]).mean() > 0.8


def test_every_column_is_explained():
    assert all(len(text) > 10 for text in SERIES.values())
