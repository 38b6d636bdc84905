"""Single transits of a candidate: depths against float64, and which candidates are two planets in one."""

import jax.numpy as jnp
import numpy as np
import pytest

from exojax.search.events import events, max_event_share, middles, n_transits, unlike_sigma

LONG = jnp.full(1, 1e6)
"""cadences: so long a transit that its ends do not matter"""


def array(*values):
    return jnp.asarray(values, jnp.float32)


@pytest.mark.parametrize("size", [3197, 65_000])
def test_depths_against_float64(size):
    rng = np.random.default_rng(size)
    n, n_events = 5, 40
    flux = rng.normal(size=(n, size)).astype(np.float32)
    weight = (rng.uniform(0.5, 1.5, (n, size)) * (rng.uniform(size=(n, size)) > 0.1)).astype(np.float32)
    weight[:, 500:700] = 0
    period = rng.uniform(60, size / 2, n)
    t0, duration = rng.uniform(0, 60, n), rng.uniform(4, 15, n)
    depth, ivar = events(flux, weight, array(*period), array(*t0), array(*duration), n_events)
    edge = np.arange(size) - 0.5
    for star in range(n):
        for k in range(n_events):
            middle = t0[star] + k * period[star]
            start, stop = middle - duration[star] / 2, middle + duration[star] / 2
            share = np.clip(np.minimum(stop, edge + 1) - np.maximum(start, edge), 0, 1) * weight[star]
            if share.sum() < 0.49:
                assert ivar[star, k] == depth[star, k] == 0
            elif share.sum() > 0.51:
                # float32 holds a time to 0.004 cadences at the end of the long curve.
                near = 1e-3 if size < 10_000 else 0.02
                assert ivar[star, k] == pytest.approx(share.sum(), abs=near)
                assert depth[star, k] == pytest.approx(
                    -np.sum(share * flux[star]) / share.sum(), abs=5 * near / share.sum()
                )


def test_counts_only_what_was_measured():
    flux, weight = np.zeros((1, 100), np.float32), np.ones((1, 100), np.float32)
    flux[0, 9:12] = flux[0, 49:52] = -3
    weight[0, 28:34] = 0
    depth, ivar = events(flux, weight, array(20), array(10), array(3), 8)
    np.testing.assert_allclose(depth, [[3, 0, 3, 0, 0, 0, 0, 0]], atol=1e-4)
    np.testing.assert_allclose(ivar, [[3, 0, 3, 3, 3, 0, 0, 0]], atol=1e-4)
    assert n_transits(ivar) == 4
    assert max_event_share(depth, ivar) == pytest.approx(0.5, abs=1e-4)


def test_infinite_period_is_one_transit():
    assert np.array_equal(middles(array(np.inf), array(7), 3), [[7, np.inf, np.inf]])
    _, ivar = events(jnp.zeros((1, 50)), jnp.ones((1, 50)), array(np.inf), array(7), array(4), 3)
    np.testing.assert_allclose(ivar, [[4, 0, 0]], atol=1e-5)


# Depths and inverse variances of the transits, and whether they are one planet.
ONE_PLANET = {
    "equal": ([10, 10], [25, 25]),
    "a fifth shallower by detrending, at any precision": ([10, 8], [1e4, 1e4]),
    "noise": ([3, 0.5], [4, 4]),
    "a binary with unequal eclipses, many of them": ([10, 5] * 5, [100] * 10),
    "a weak planet among many transits": ([1.5, 0.6, 1.2, 0.9, 1.1, 0.3, 1.4], [9] * 7),
    "one seen": ([10, 0], [25, 0]),
}
NOT_ONE = {
    "two planets, one transit each": ([3.1, 6.2], [900, 900]),
    "and with a third place where nothing is": ([3.1, 6.2, 0.0], [900, 900, 900]),
    "a glitch among many": ([20, 0.4, 0.2, 0.1, -0.3, 0.2, 0.1, 0.5], [25] * 8),
    "one deep event and an empty place": ([6, 0], [16, 16]),
}


@pytest.mark.parametrize("name", ONE_PLANET)
def test_alike(name):
    depth, ivar = (array(x) for x in ONE_PLANET[name])
    assert unlike_sigma(depth, ivar, LONG)[0] < 3


@pytest.mark.parametrize("name", NOT_ONE)
def test_unlike(name):
    depth, ivar = (array(x) for x in NOT_ONE[name])
    assert unlike_sigma(depth, ivar, LONG)[0] > 4
    # Told of the same depths in either order, and not once red noise drowns the difference.
    turned = unlike_sigma(depth[:, ::-1], ivar[:, ::-1], LONG)
    np.testing.assert_allclose(turned, unlike_sigma(depth, ivar, LONG), rtol=1e-4)
    assert unlike_sigma(depth, ivar / 1e4, LONG)[0] < 4


def test_unlike_by_hand():
    # 6 against 3 at ivar 4 each: (3 - 0.25 * 6) / sqrt(1/4 + 1/4).
    assert unlike_sigma(array([6, 3]), array([4, 4]), LONG)[0] == pytest.approx(1.5 / 0.5**0.5, rel=1e-4)
