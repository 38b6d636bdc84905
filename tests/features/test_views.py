"""Folded views against bins counted by hand."""

import numpy as np
import pytest

from exojax.features.views import moments, views_of
from exojax.folded_events import COVERAGE, SCATTER, VALUE, VIEWS

BINS = {"global_bins": 20, "local_bins": 16}


def folded(flux, weight=None, *, period=40.0, t0=13.0, duration=4.0, secondary=np.nan, **bins):
    flux = np.atleast_2d(np.asarray(flux, np.float32))
    weight = np.ones_like(flux) if weight is None else np.atleast_2d(weight).astype(np.float32)
    stars = zip(flux, weight)
    return views_of([moments(*star, period, t0, duration, secondary, **(BINS | bins)) for star in stars])


def by_hand(flux, weight, tau, left, width, bins):
    """Return ``(bins,)`` weighted means, scatters and weights of the half-open bins from ``left`` on."""
    out = np.zeros((bins, 3))
    for b in range(bins):
        inside = (tau >= left + b * width) & (tau < left + (b + 1) * width) & (weight > 0)
        if inside.any():
            w = weight[inside]
            mean = np.average(flux[inside], weights=w)
            out[b] = mean, np.sqrt(np.average((flux[inside] - mean) ** 2, weights=w)), w.sum()
    return out


def scaled(hand):
    seen = hand[:, 2] > 0
    level = np.median(hand[seen, 0])
    depth = level - hand[seen, 0].min()
    return np.where(seen, (hand[:, 0] - level) / depth, 0), hand[:, 1] / depth


@pytest.mark.parametrize("seed", range(4))
def test_every_view_is_what_a_loop_over_its_bins_gives(seed):
    rng = np.random.default_rng(seed)
    c = 400
    period, t0, duration, secondary = 40.0, 13.0, 4.0, 0.4
    flux = rng.normal(0, 1, c).astype(np.float32)
    weight = rng.choice([0, 0.5, 1, 2], c).astype(np.float32)
    late = np.arange(c) - t0

    def wrap(x, p):
        return x - np.floor(x / p + 0.5) * p

    tau, number = wrap(late, period), np.floor(late / period + 0.5)
    views, depths = folded(flux, weight, period=period, t0=t0, duration=duration, secondary=secondary)
    window = 2 * duration
    hand = {
        "global_view": by_hand(flux, weight, tau, -period / 2, period / 20, 20),
        "local_view": by_hand(flux, weight, tau, -window, 2 * window / 16, 16),
        "secondary_view": by_hand(flux, weight, wrap(late - secondary * period, period), -window, 1.0, 16),
        "double_view": by_hand(flux, weight, wrap(late, 2 * period), -period, 2 * period / 20, 20),
    }
    for name, sums in hand.items():
        value, scatter = scaled(sums)
        np.testing.assert_allclose(views[name][0, :, VALUE], value, atol=2e-5, err_msg=name)
        np.testing.assert_allclose(views[name][0, :, SCATTER], scatter, atol=1e-5, err_msg=name)
    local = hand["local_view"]
    level = np.median(local[local[:, 2] > 0, 0])
    depth = level - local[local[:, 2] > 0, 0].min()
    for name, parity in (("even_view", 0), ("odd_view", 1)):
        sums = by_hand(flux, np.where(number % 2 == parity, weight, 0), tau, -window, 1.0, 16)
        expected = np.where(sums[:, 2] > 0, (sums[:, 0] - level) / depth, 0)
        np.testing.assert_allclose(views[name][0, :, VALUE], expected, atol=2e-5)
        np.testing.assert_allclose(depths[name][0], level - sums[sums[:, 2] > 0, 0].min(), rtol=1e-4)
    sums = by_hand(flux, weight, wrap(late, period / 2), -window, 1.0, 16)
    np.testing.assert_allclose(views["half_view"][0, :, VALUE], (sums[:, 0] - level) / depth, atol=2e-5)


def test_a_cadence_on_an_edge_belongs_to_the_bin_on_its_right():
    flux = np.zeros(40, np.float32)
    flux[13] = -8  # mid-transit: tau 0 is the left edge of bin 8 of 16, and of bin 10 of 20
    views, _ = folded(flux)
    assert views["local_view"][0, :, VALUE].argmin() == 8
    assert views["global_view"][0, :, VALUE].argmin() == 10
    # -period / 2 belongs to the first bin, +period / 2 is the same phase.
    flux = np.zeros(80, np.float32)
    flux[33] = flux[73] = -8
    views, _ = folded(flux)
    assert views["global_view"][0, :, VALUE].argmin() == 0


def test_the_window_ends_at_two_durations_and_at_half_a_period():
    flux = np.zeros(400, np.float32)
    views, _ = folded(flux)
    # 40 cadences a period and 16 in the window: every bin holds one cadence in each of ten transits.
    assert (views["local_view"][0, :, COVERAGE] == 1).all()
    views, _ = folded(flux, duration=30.0)
    # 40 cadences a period for 16 bins: two or three each, none counted twice.
    sums = moments(flux, np.ones(400, np.float32), 40.0, 13.0, 30.0, np.nan, **BINS)
    np.testing.assert_array_equal((sums.odd + sums.even)[:, 3], np.tile([30, 20], 8))
    assert (views["local_view"][0, :, COVERAGE] == 1).all()


def test_median_is_nought_and_depth_is_one():
    flux = np.tile(np.r_[np.zeros(11), -3.0 * np.ones(4), np.zeros(25)], 10) + 5.0
    views, depths = folded(flux, local_bins=32)
    for name in ("global_view", "local_view"):
        assert np.median(views[name][0, :, VALUE]) == pytest.approx(0, abs=1e-6)
        assert views[name][0, :, VALUE].min() == pytest.approx(-1, abs=1e-6)
    assert depths["local_view"][0] == pytest.approx(3, rel=1e-5)


def test_odd_and_even_keep_their_depths_apart_and_the_double_fold_shows_both():
    flux = np.zeros(400)
    for number in range(10):
        flux[40 * number + 11 : 40 * number + 15] = -2.0 if number % 2 else -1.0
    views, depths = folded(flux)
    assert depths["odd_view"][0] == pytest.approx(2)
    assert depths["even_view"][0] == pytest.approx(1)
    double = views["double_view"][0, :, VALUE]
    assert double.min() == double[0] == -1  # odd ones, a period away
    assert double[9:11].min() == pytest.approx(-0.5, abs=0.01)


def test_nothing_is_nought_flat_or_empty():
    views, depths = folded(np.outer([0, 7, 1], np.ones(100)), np.outer([1, 1, 0], np.ones(100)))
    for name in VIEWS:
        assert np.isfinite(views[name]).all()
        assert (views[name][..., VALUE] == 0).all()
        assert (views[name][2] == 0).all(), name
    assert (views["secondary_view"] == 0).all()  # no phase was given
    assert all((d == 0).all() for d in depths.values())


def test_views_do_not_depend_on_the_unit_nor_on_companions():
    rng = np.random.default_rng(0)
    flux = rng.normal(0, 1, (3, 200)).astype(np.float32)
    together, _ = folded(flux)
    alone, _ = folded(4.0 * flux[1])
    for name in VIEWS:
        np.testing.assert_allclose(together[name][1], alone[name][0], atol=1e-5)


@pytest.mark.parametrize("period", [40.0, 37.3, 800.0], ids=["whole", "broken", "single"])
def test_coverage_is_the_share_of_the_cadences_that_were_measured(period):
    """Half of the cadences make a coverage of a half, for a periodic fold as for a single transit."""
    flux = np.zeros(400, np.float32)
    t0 = 210.0 if period == 800.0 else 13.0
    bins = {"global_bins": 16, "local_bins": 16}
    given = {"period": period, "t0": t0, "duration": 8.0, "secondary": 0.5}
    half = (np.arange(400) % 2 == 0).astype(np.float32)
    whole, _ = folded(flux, **given, **bins)
    some, _ = folded(flux, half, **given, **bins)
    for name in VIEWS:
        full, left = (views[name][0, :, COVERAGE] for views in (whole, some))
        seen = full > 0
        assert seen.any() or (period == 800.0 and name in ("odd_view", "secondary_view"))
        assert np.all(full[seen] == 1)
        assert not seen.any() or left[seen].mean() == pytest.approx(0.5, abs=0.05), name
    # And where nothing was measured around the transit alone, that shows in the views around it alone.
    tau = (np.arange(400) - t0 + period / 2) % period - period / 2
    hole, _ = folded(flux, np.where((tau > -8) & (tau <= 0), half, 1), **given, **bins)
    local = hole["local_view"][0, :, COVERAGE]
    assert local[5:8].mean() == pytest.approx(0.5, abs=0.1)
    assert np.all(local[9:] == 1)


def test_coverage_counts_from_the_first_measurement_to_the_last():
    weight = np.ones(400, np.float32)
    # Padding and what comes before the first measurement is no gap.
    weight[:103] = weight[297:] = 0
    views, _ = folded(np.zeros(400, np.float32), weight)
    for name in ("global_view", "double_view", "local_view", "half_view"):
        assert np.all(views[name][0, :, COVERAGE] == 1), name
    # A gap between them is one.
    weight[180:220] = 0
    views, _ = folded(np.zeros(400, np.float32), weight)
    assert np.all(views["global_view"][0, :, COVERAGE] < 1)
    assert views["global_view"][0, :, COVERAGE].mean() == pytest.approx(1 - 40 / 194, abs=0.02)


def test_coverage_of_cadences_of_less_weight_is_less():
    weight = np.full(400, 0.25, np.float32)
    views, _ = folded(np.zeros(400, np.float32), weight)
    assert np.all(views["local_view"][0, :, COVERAGE] == 0.25)
    views, _ = folded(np.zeros(400, np.float32), 16 * weight)
    assert np.all(views["local_view"][0, :, COVERAGE] == 1)
