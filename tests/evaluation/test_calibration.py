"""Calibration stays finite, stays in order, and undoes what balanced batches did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import f1_score

from exojax.evaluation.calibration import (
    Calibrator,
    choose_threshold,
    fit,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    prior_shift,
)


def test_platt_finds_the_parameters_that_made_the_labels():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 3, 20_000)
    labels = rng.random(20_000) < expit(0.5 * z - 1)
    assert fit_platt(z, labels) == pytest.approx((0.5, -1), abs=0.06)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("n_hosts", [1, 5])
def test_platt_on_separable_rows_is_finite_and_unsure(n_hosts, scale):
    labels = np.arange(200) < n_hosts
    slope, intercept = fit_platt(scale * np.where(labels, 5.0, -5.0), labels)
    p = expit(slope * scale * np.where(labels, 5.0, -5.0) + intercept)
    # Platt's targets are the best a fit of two values can do.
    assert p[0] == pytest.approx((n_hosts + 1) / (n_hosts + 2), abs=1e-3)
    assert p[-1] == pytest.approx(1 / (202 - n_hosts), abs=1e-3)


@pytest.mark.parametrize("logits", [np.linspace(3, -3, 100), np.zeros(100)], ids=["inverted", "constant"])
def test_platt_never_reorders_and_falls_back_to_the_base_rate(logits):
    labels = np.arange(100) >= 90
    slope, intercept = fit_platt(logits, labels)
    p = expit(slope * logits + intercept)
    assert slope > 0
    assert np.array_equal(np.argsort(p, kind="stable"), np.argsort(logits, kind="stable"))
    assert p == pytest.approx(np.full(100, (10 * 11 / 12 + 90 / 92) / 100), rel=5e-3)


@pytest.mark.parametrize(("logits", "labels"), [([0, np.inf], [0, 1]), ([0, 1], [0, 0]), ([0, 1], [1, 1])])
def test_platt_refuses_what_it_cannot_fit(logits, labels):
    with pytest.raises(ValueError, match="finite logits and both classes"):
        fit_platt(np.array(logits), np.array(labels))


def drawn(n, make, seed=0):
    """Draw logits, and labels of which P(host) = sigmoid(make(logit))."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, n)
    return z, (rng.random(n) < expit(make(z))).astype(int)


def test_temperature_has_no_offset_and_finds_its_scale():
    z, labels = drawn(20_000, lambda z: z / 2.5)
    curve = fit_temperature(z, labels)
    assert (curve.slope, curve.intercept) == pytest.approx((0.4, 0), abs=0.02)
    assert fit_temperature(1e6 * z, labels).slope == pytest.approx(curve.slope / 1e6, rel=1e-4)
    # The wrong way round it stays in order, at one half.
    assert 0 < fit_temperature(-z, labels).slope < 0.01


def test_isotonic_is_pooled_by_hand_and_straight_between_the_centres():
    # Sorted by logit the labels are 0 0 1 0 1 1: the third and fourth pool to one half.
    curve = fit_isotonic(np.array([0.0, 1, 2, 3, 4, 5]), np.array([0, 0, 1, 0, 1, 1]))
    low, high = 1 / 5, 4 / 5  # Platt's targets of three and three
    assert curve.knots == pytest.approx((0.5, 2.5, 4.5))
    assert curve.values == pytest.approx((logit(low), logit((low + high) / 2), logit(high)), abs=1e-9)
    odds = curve.log_odds(np.array([-9.0, 0.5, 1.5, 2.5, 9.0]))
    assert odds == pytest.approx([logit(low), logit(low), logit(low) / 2, 0, logit(high)], abs=0.02)


@pytest.mark.parametrize("make", [fit_temperature, fit_isotonic, lambda z, y: Calibrator("platt", *fit_platt(z, y))])
def test_no_map_reorders_or_ties_stars(make):
    z, labels = drawn(400, lambda z: z)
    for sign in (1, -1):
        curve = make(sign * z, labels)
        odds = curve.log_odds(np.sort(np.append(z, [-30.0, 30.0])))
        assert np.isfinite(odds).all()
        assert (np.diff(odds) > 0).all()


def test_the_map_that_made_the_labels_is_chosen():
    # 130 stars are hosts or more in each case; no straight line follows a step.
    made = {"temperature": lambda z: z / 3, "platt": lambda z: z - 3, "isotonic": lambda z: np.where(z > 1, 1.0, -4.0)}
    for name, make in made.items():
        z, labels = drawn(3000, make)
        curve = fit(z, labels, np.arange(3000), seed=0)
        assert curve.method == name
        assert min(curve.log_loss, key=curve.log_loss.get) == name
        assert set(curve.log_loss) == set(made)
        assert fit(z, labels, np.arange(3000), seed=0) == curve


@pytest.mark.parametrize(
    ("hosts", "tried"),
    [
        (19, set()),
        (20, {"temperature", "platt"}),
        (99, {"temperature", "platt"}),
        (100, {"temperature", "platt", "isotonic"}),
    ],
)
def test_the_number_of_host_stars_decides_what_is_tried(hosts, tried):
    labels = (np.arange(1000) < 2 * hosts).astype(int)
    star = np.arange(1000) // 2  # two rows each
    z = np.random.default_rng(0).normal(2 * labels, 1)
    curve = fit(z, labels, star, seed=0)
    assert set(curve.log_loss) == tried
    if not tried:
        assert (curve.method, curve.slope, curve.intercept) == ("platt", *fit_platt(z, labels))


def test_no_star_judges_a_map_that_it_made():
    """Rows repeated under one star change no choice; as stars of their own they make the steps look true."""
    z, labels = drawn(400, lambda z: 0.5 * z, seed=3)
    z, labels, star = np.repeat(z, 8), np.repeat(labels, 8), np.repeat(np.arange(400), 8)
    apart = fit(z, labels, np.arange(3200), seed=0).log_loss["isotonic"]
    assert fit(z, labels, star, seed=0).log_loss["isotonic"] > apart + 0.01


@given(st.floats(-20, 20), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_prior_shift_is_bayes_rule(z, old, new):
    p = expit(z)
    odds = p / (1 - p) * (new / old) * ((1 - old) / (1 - new))
    assert prior_shift(np.array([z]), old, new)[0] == pytest.approx(np.log(odds), abs=1e-6)
    assert prior_shift(prior_shift(np.array([z]), old, new), new, old)[0] == pytest.approx(z, abs=1e-9)


def test_prior_shift_maps_the_old_prior_to_the_new_and_refuses_certainty():
    assert expit(prior_shift(np.array([logit(0.5)]), 0.5, 0.007))[0] == pytest.approx(0.007)
    with pytest.raises(ValueError, match="priors"):
        prior_shift(np.zeros(1), 0.5, 0.0)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=25).filter(
        lambda r: any(y for y, _ in r)
    )
)
def test_no_threshold_has_a_higher_f1(rows):
    labels, p = np.array([y for y, _ in rows]), np.array([s for _, s in rows]) / 8
    threshold = choose_threshold(labels, p)
    best = max(f1_score(labels, p >= t) for t in np.unique(p))
    assert f1_score(labels, p >= threshold) == pytest.approx(best)


def test_the_threshold_lies_between_scores_and_prefers_fewer_alarms():
    assert choose_threshold(np.array([1, 0]), np.array([0.8, 0.2])) == pytest.approx(0.5)
    # Calling one or three rows gives F1 of 2/3 either way... one is called.
    assert choose_threshold(np.array([1, 0, 0, 1]), np.array([0.9, 0.7, 0.5, 0.3])) == pytest.approx(0.8)
    neighbours = np.array([np.nextafter(0.5, 1), 0.5])
    assert (neighbours >= choose_threshold(np.array([1, 0]), neighbours)).tolist() == [True, False]
    with pytest.raises(ValueError, match="without hosts"):
        choose_threshold(np.array([0, 0]), np.array([0.1, 0.2]))
