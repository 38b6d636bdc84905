"""Light curves searched and folded: rows keep their place, what was done is not done again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_search import CADENCE, START, curves_of, flux_of

import exojax.runs.fold_stars
from exojax.config import FoldConfig, SearchConfig
from exojax.folded_events import COVERAGE, SCALARS, VALUE, VIEWS
from exojax.runs.fold_stars import folded_events

SEARCH = SearchConfig(period_min=1.0, period_max=6.0, max_candidates=2)
FOLD = FoldConfig(global_bins=40, local_bins=20)
HOSTS = (1, 4)


@pytest.fixture(scope="module")
def stars():
    curves = curves_of(flux_of(6, hosts=HOSTS))
    valid = curves.valid.copy()
    valid[3] = False  # a star without any measurement, in the middle
    return replace(curves, valid=valid)


@pytest.fixture(scope="module")
def found(stars):
    return folded_events(stars, SEARCH, FOLD)


def test_rows_keep_their_place_and_a_star_that_cannot_be_searched_is_empty(found):
    assert found["global_view"].shape == (6, 2, 40, 3)
    assert found["local_view"].shape == (6, 2, 20, 3)
    assert found["scalars"].shape == (6, 2, len(SCALARS))
    seen = (found["global_view"][..., COVERAGE] > 0).any(axis=2)
    assert seen[:, 0].tolist() == [True, True, True, False, True, True]
    assert np.isnan(found["period"]).tolist() == [False, False, False, True, False, False]
    for name in VIEWS:
        assert (found[name][3] == 0).all()
    assert np.isnan(found["scalars"][3]).all()


def test_a_planet_is_folded_at_its_period_and_its_depth_is_reported(found):
    for host in HOSTS:
        assert found["period"][host] == pytest.approx(1.9, rel=2e-3)
        late = found["t0"][host] - START - 0.7
        assert abs(late - round(late / 1.9) * 1.9) < CADENCE / 2
        view = found["local_view"][host, 0, :, VALUE]
        assert view[8:12].mean() < -0.7
        assert abs(np.median(view)) < 0.05
        numbers = dict(zip(SCALARS, found["scalars"][host, 0].tolist()))
        assert numbers["log_period"] == pytest.approx(np.log10(1.9), abs=1e-3)
        assert numbers["log_view_depth"] == pytest.approx(np.log10(3e-3), abs=0.1)
        assert numbers["log_depth_scatters"] == pytest.approx(1, abs=0.15)
        assert numbers["log_n_transits"] == pytest.approx(np.log10(13), abs=0.05)
        assert np.isnan(numbers["mag"])
        assert np.isnan(numbers["tess_depth"])


def test_a_second_call_searches_nothing_again_and_another_search_does(stars, found, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("searched again")

    folded_events(stars, SEARCH, FOLD)
    monkeypatch.setattr(exojax.runs.fold_stars, "search_each", never)
    again = folded_events(stars, SEARCH, FOLD)
    for name, values in found.items():
        np.testing.assert_array_equal(again[name], values)
    with pytest.raises(AssertionError, match="searched again"):
        folded_events(stars, replace(SEARCH, period_max=5.0), FOLD)
    with pytest.raises(AssertionError, match="searched again"):
        folded_events(stars, SEARCH, replace(FOLD, local_bins=24))
    with pytest.raises(AssertionError, match="searched again"):
        folded_events(replace(stars, flux=stars.flux * np.float32(1.001)), SEARCH, FOLD)


def test_a_star_without_its_signal_and_upside_down_shows_it_no_more(stars, found):
    snr = SCALARS.index("log_snr")
    signal = (found["period"], found["t0"], found["duration"])
    masked = folded_events(stars, SEARCH, FOLD, without=signal)
    inverted = folded_events(stars, SEARCH, FOLD, alter=lambda even: replace(even, flux=-even.flux))
    assert inverted["global_view"].shape[1] == SEARCH.max_candidates
    for host in HOSTS:
        assert found["scalars"][host, 0, snr] > np.log10(40)
        assert masked["scalars"][host, 0, snr] < 1
        # Upside down only the dip of the trend between transits remains.
        assert inverted["scalars"][host, 0, snr] < found["scalars"][host, 0, snr] - 0.5
    # What is folded is what was searched: a dip upside down is a dip, where the star itself shows a rise.
    for star in (0, 1, 2, 4, 5):
        assert inverted["local_view"][star, 0, 8:12, VALUE].min() < -0.7


def test_progress_counts_every_star_that_can_be_searched(stars):
    progress = []
    folded_events(stars, SEARCH, FOLD, report=lambda done, n: progress.append((done, n)))
    assert progress[-1] == (5, 6)


def test_a_star_does_not_depend_on_its_company(stars, found):
    """To the bit: by itself, or in another order."""
    order = np.array([5, 4, 2, 1, 0])
    turned = folded_events(stars.take(order), SEARCH, FOLD)
    alone = folded_events(stars.take(np.array([1])), SEARCH, FOLD)
    for name, values in found.items():
        np.testing.assert_array_equal(turned[name], values[order])
        np.testing.assert_array_equal(alone[name], values[[1]])


def test_altered_curves_have_as_many_candidates_as_the_stars_themselves(stars):
    """Every altered star holds two planets: both are folded, for the control as for the score."""
    time = np.arange(stars.flux.shape[1]) * CADENCE
    dips = sum(1e-2 * (np.abs((time - 0.7 + p / 2) % p - p / 2) < 0.08) for p in (1.9, 3.1))
    noise = np.random.default_rng(1).normal(0, 3e-4, len(time))

    def with_two_planets(even):
        flux = np.zeros_like(even.flux)
        flux[0, : len(time)] = noise - dips
        return replace(even, flux=flux)

    altered = folded_events(stars, SEARCH, FOLD, alter=with_two_planets)
    snr = altered["scalars"][..., SCALARS.index("log_snr")]
    for star in (0, 1, 2, 4, 5):
        assert (snr[star] > 1).all()
        assert (altered["local_view"][star, :, 8:12, VALUE].mean(axis=1) < -0.5).all()
