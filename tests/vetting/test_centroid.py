"""The centroid's shift in transit: its size, its error under jitter, drift, jumps and outliers."""

import numpy as np
import pytest

from exojax.vetting.centroid import centroid_shift

N, SIZE = 80, 3197
RNG = np.random.default_rng(0)
PERIOD = RNG.uniform(60, 1000, N)
T0 = RNG.uniform(0, 1, N) * PERIOD
DURATION = RNG.uniform(5, 14, N)
IN_TRANSIT = np.abs((np.arange(SIZE) - T0[:, None] + PERIOD[:, None] / 2) % PERIOD[:, None] - PERIOD[:, None] / 2) < (
    DURATION[:, None] / 2
)


def measure(centroid, weight=None):
    """Return shifts ``(N, 2)`` and their significances ``(N,)``."""
    weight = np.broadcast_to(np.ones(SIZE) if weight is None else weight, (N, SIZE)).astype(np.float32)
    made = [centroid_shift(*star) for star in zip(np.asarray(centroid, np.float32), weight, PERIOD, T0, DURATION)]
    return np.array([one.shift for one in made]), np.array([one.sigma for one in made])


def pointing(seed):
    """Make white jitter, a drift, a roll of both axes every 12 cadences, a jump and a few outliers; pixels."""
    rng = np.random.default_rng(seed)
    time = np.arange(SIZE)
    centroid = 512 + 1e-3 * rng.normal(size=(N, SIZE, 2))
    centroid += (0.2 * (time / SIZE) ** 2)[None, :, None]
    roll = 2e-3 * ((time + rng.uniform(0, 12, (N, 1))) % 12 / 12 - 0.5)
    centroid += roll[..., None] * np.array([1.0, -0.7])
    centroid[:, 1500:] += 7.0
    centroid[rng.uniform(size=(N, SIZE)) < 0.006] += 3.0
    return centroid


def test_chance_is_what_it_says():
    _, sigma = measure(pointing(1))
    # exp(-r^2 / 2): the median is 1.18 and 1.1 % lie above 3.
    assert np.median(sigma) == pytest.approx(1.18, abs=0.3)
    assert np.mean(sigma > 3) <= 0.05


def test_a_shift_is_measured():
    shift = np.array([4e-3, -2e-3])
    centroid = pointing(2) + IN_TRANSIT[..., None] * shift
    got, sigma = measure(centroid)
    many = IN_TRANSIT.sum(1) > 40
    # A box cut through cadences loses part of it.
    np.testing.assert_allclose(np.median(got[many], axis=0), shift, rtol=0.12)
    assert np.median(sigma[many]) > 8
    # More jitter, less significance, in proportion.
    rng = np.random.default_rng(3)
    jitter = rng.normal(size=(N, SIZE, 2)) + 512
    small, large = (measure(jitter * scale + IN_TRANSIT[..., None] * shift * 100)[1] for scale in (0.1, 0.4))
    assert np.median(small[many]) / np.median(large[many]) == pytest.approx(4, rel=0.2)


def test_common_jitter_hides_no_shift_across_it():
    rng = np.random.default_rng(7)
    common = 5e-3 * rng.normal(size=(N, SIZE, 1))
    jitter = common + 5e-4 * rng.normal(size=(N, SIZE, 2))
    many = IN_TRANSIT.sum(1) > 40
    _, sigma = measure(jitter + IN_TRANSIT[..., None] * np.array([1e-3, -1e-3]))
    assert np.median(sigma[many]) > 8
    _, sigma = measure(jitter + IN_TRANSIT[..., None] * np.array([1e-3, 1e-3]))
    assert np.median(sigma[many]) < 5


def test_one_wild_event_is_no_shift():
    centroid = pointing(4)
    many = IN_TRANSIT.sum(1) / DURATION > 8
    second = np.abs(np.arange(SIZE) - (T0 + PERIOD)[:, None]) < DURATION[:, None] / 2
    _, sigma = measure(centroid + 0.3 * second[..., None])
    assert np.median(sigma[many]) < 2


def test_two_wild_events_of_four_leave_the_other_two():
    """With the mean of the two middle ones for a median all four would be unlike it."""
    rng = np.random.default_rng(8)
    centroid = 1e-3 * rng.normal(size=(SIZE, 2))
    for middle in (400, 1200):
        centroid[middle - 3 : middle + 4] += 0.3
    found = centroid_shift(centroid.astype(np.float32), np.ones(SIZE, np.float32), 800.0, 400.0, 8.0)
    assert np.isfinite(found.sigma)
    assert np.abs(found.shift).max() < 0.01 or found.sigma > 8


def test_no_centroid_and_a_single_transit():
    _, sigma = measure(pointing(5), np.zeros((N, SIZE)))
    assert np.all(np.isnan(sigma))
    _, sigma = measure(pointing(5), ~IN_TRANSIT)
    assert np.all(np.isnan(sigma))
    step = np.abs(np.arange(SIZE) - 800)[None, :, None] < 5
    centroid = (pointing(6) + 0.02 * step).astype(np.float32)
    made = [centroid_shift(star, np.ones(SIZE, np.float32), np.inf, 800.0, 9.0) for star in centroid]
    shift, sigma = np.array([one.shift for one in made]), np.array([one.sigma for one in made])
    assert np.median(sigma) > 8
    np.testing.assert_allclose(np.median(shift, axis=0), [0.02, 0.02], rtol=0.1)


def test_zero_lies_outside_the_ellipse_exactly_where_the_centroid_has_moved():
    centroid = (pointing(7) + IN_TRANSIT[..., None] * np.array([3e-4, -1e-4])).astype(np.float32)
    made = [centroid_shift(star, np.ones(SIZE, np.float32), *of) for star, *of in zip(centroid, PERIOD, T0, DURATION)]
    assert 10 < sum(one.moved for one in made) < N - 10
    for one in made:
        x, y = one.ellipse(points=2000).T
        # The origin is inside of a closed curve that turns around it.
        turns = np.abs(np.diff(np.unwrap(np.arctan2(y, x)))).sum() > 6 and np.ptp(np.unwrap(np.arctan2(y, x))) > 6
        assert turns != one.moved
        assert len(one.events) <= len(np.arange(T0[made.index(one)], SIZE, PERIOD[made.index(one)])) + 1
