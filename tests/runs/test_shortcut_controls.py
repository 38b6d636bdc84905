"""The light curves of the shortcut controls: upside down, and without a star's best signal."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from exojax.config import RunConfig, SearchConfig
from exojax.folded_events import COVERAGE, SCALARS
from exojax.light_curves import LightCurves, shared_time
from exojax.runs.shortcut_controls import searched_again, upside_down, without_signal


def curves(n=3, c=400, cadence=0.05):
    rng = np.random.default_rng(0)
    return LightCurves(
        id=np.arange(n).astype(str),
        time=shared_time(n, c, cadence) + 100.0,
        flux=rng.normal(5, 1, (n, c)).astype(np.float32),
        valid=rng.random((n, c)) > 0.1,
        label=None,
        kind=None,
        catalogued=False,
        absolute=False,
        cadence=cadence,
        time_system="assumed",
        source="made up",
        sha256="0",
    )


def test_upside_down_keeps_the_median_and_turns_dips_up():
    stars = curves()
    stars.flux[0, 50:53] = -20
    stars.valid[2] = False
    turned = upside_down(replace(stars, flux=np.where(stars.valid, stars.flux, 0)))
    for star in (0, 1):
        v = stars.valid[star]
        assert np.median(turned.flux[star][v]) == np.median(stars.flux[star][v])
        np.testing.assert_allclose(
            turned.flux[star][v], 2 * np.median(stars.flux[star][v]) - stars.flux[star][v], rtol=1e-5
        )
    assert (turned.flux[~stars.valid] == 0).all()


def test_transits_of_the_signal_are_no_longer_there():
    stars = curves()
    period, t0, duration = (
        np.array([3.0, np.nan, np.nan]),
        np.array([101.0, 107.0, np.nan]),
        np.array([0.4, 0.4, np.nan]),
    )
    left = without_signal(stars, period, t0, duration)
    time = stars.time[0]
    inside = [np.abs((time - 101 + 1.5) % 3 - 1.5) <= 0.3, np.abs(time - 107) <= 0.3, np.zeros(400, bool)]
    for star in range(3):
        edge = np.isclose(np.abs((time - 101 + 1.5) % 3 - 1.5), 0.3) | np.isclose(np.abs(time - 107), 0.3)
        assert np.array_equal(left.valid[star][~edge], (stars.valid[star] & ~inside[star])[~edge])
    assert (left.flux[~left.valid] == 0).all()
    assert np.array_equal(left.flux[2], np.where(stars.valid[2], stars.flux[2], 0))


def test_controls_are_searched_for_as_many_candidates_as_the_score():
    """Each star has two signals that point up, weak enough for the cleaning to let them pass."""
    stars, k = curves(n=2, c=1000), 2
    time = stars.time[0] - 100
    rises = sum(3.5 * (np.abs((time - 0.7 + p / 2) % p - p / 2) < 0.1) for p in (2.3, 3.1))
    noise = np.random.default_rng(0).normal(0, 1, stars.flux.shape)
    stars = replace(stars, flux=np.where(stars.valid, noise + rises, 0).astype(np.float32))
    search = SearchConfig(period_min=1.5, period_max=8.0, max_candidates=k)
    run = SimpleNamespace(config=RunConfig(search=search), inputs=("local_view", "scalars"))
    made = searched_again(run, stars)
    assert set(made) == {"inverted and searched again", "best signal masked, searched again"}
    for features in made.values():
        assert features["local_view"].shape[:2] == features["scalars"].shape[:2] == (2, k)
    turned = made["inverted and searched again"]
    assert (turned["local_view"][..., COVERAGE] > 0).any(axis=-1).all()
    found = np.sort(10 ** turned["scalars"][..., SCALARS.index("log_period")], axis=1)
    np.testing.assert_allclose(found, [[2.3, 3.1]] * 2, rtol=5e-3)
