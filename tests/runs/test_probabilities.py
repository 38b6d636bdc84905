"""The stars that a probability is for, and the calibration that a run keeps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from exojax.errors import InputError
from exojax.evaluation.calibration import Calibrator, choose_threshold, fit_platt
from exojax.runs.probabilities import (
    Calibration,
    apply,
    at_rate,
    calibrated,
    disagreement,
    log_odds,
    restored,
    stored,
    to_prior,
)

PLATT = Calibration(0.5, Calibrator("platt", 1.0, 0.0), 0.8, "validation", 7)


def test_a_stated_rate_is_bayes_rule_and_calls_the_same_stars():
    z = np.array([logit(0.9), logit(0.8), logit(0.79)])
    assert apply("svc", PLATT, z) == pytest.approx([0.9, 0.8, 0.79])
    rare = at_rate(PLATT, 0.01)
    # Odds of 9 to 1 at even odds are 9 to 99 at 1 in 100.
    assert apply("svc", rare, z)[0] == pytest.approx(9 / 108)
    assert (rare.share, PLATT.share, rare.prior) == (0.01, 0.5, 0.5)
    called = [apply("svc", how, z[[0, 2]]) >= how.threshold for how in (PLATT, rare)]
    assert np.array_equal(*called)
    # A rate replaces the one before; it is not added to it.
    again = at_rate(at_rate(PLATT, 0.3), 0.01)
    assert again.threshold == pytest.approx(rare.threshold)
    assert apply("svc", again, z) == pytest.approx(apply("svc", rare, z))


def test_a_threshold_of_one_stays_and_no_rate_is_a_certainty():
    assert at_rate(replace(PLATT, threshold=1.0), 0.01).threshold == 1
    for rate in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(InputError, match=r"--prior .* between 0 and 1"):
            at_rate(PLATT, rate)


def test_networks_are_moved_to_the_training_rows_share_first():
    how = replace(PLATT, prior=0.01)
    assert apply("cnn", how, np.zeros(1)) == pytest.approx([0.01])
    assert apply("cnn", at_rate(how, 0.2), np.zeros(1)) == pytest.approx([0.2])
    assert apply("svc", how, np.zeros(1)) == pytest.approx([0.5])
    assert to_prior("cnn", np.zeros(1), 0.01) == pytest.approx([logit(0.01)])


def test_members_disagree_in_units_of_the_probability_given():
    z = logit(np.array([[0.2, 0.5, 0.9], [0.4, 0.5, 0.9], [0.6, 0.5, 0.3]]))
    # 0.2, 0.4, 0.6: squares of 0.2, 0, 0.2 over two.
    assert disagreement("svc", PLATT, z) == pytest.approx([0.2, 0, np.sqrt(0.12)])
    # At a rate of 1 in 100 all three are near zero, and so is what they differ by.
    assert disagreement("svc", at_rate(PLATT, 0.01), z)[0] < 0.01
    assert disagreement("svc", replace(PLATT, curve=Calibrator("platt", 1e-6, 0.0)), z) == pytest.approx(0, abs=1e-5)
    unknown = disagreement("svc", PLATT, np.where([[0, 1, 0]], np.nan, z))
    assert np.isnan(unknown).tolist() == [False, True, False]
    for wrong in (z[:1], z[0]):
        with pytest.raises(ValueError, match="at least two members"):
            disagreement("svc", PLATT, wrong)


def test_a_calibration_survives_json():
    how = Calibration(
        0.2,
        Calibrator("isotonic", 1e-3, -0.1, (0.5, 2.0), (-3.0, 1.0), {"platt": 0.3, "isotonic": 0.2}),
        0.4,
        "x",
        None,
    )
    assert restored(json.loads(json.dumps(stored(how)))) == how


def test_a_file_from_before_there_was_a_choice_is_read():
    old = {"prior": 0.2, "slope": 2.0, "intercept": -1.0, "threshold": 0.4, "protocol": "validation", "step": 3}
    how = restored(old)
    assert how == Calibration(0.2, Calibrator("platt", 2.0, -1.0), 0.4, "validation", [3])
    assert apply("svc", how, np.array([0.5])) == pytest.approx(expit([0.0]))


@pytest.mark.parametrize(
    "change",
    [
        {"slope": 0.0},
        {"method": "beta"},
        {"knots": [0.0, 1.0], "values": [0.0]},
        {"knots": [1.0, 0.0], "values": [0.0, 1.0]},
        {"knots": [0.0, 1.0], "values": [1.0, 0.0]},
        {"slope": "steep"},
        {"log_loss": 3},
    ],
)
def test_a_damaged_calibration_is_no_calibration(change):
    with pytest.raises((KeyError, TypeError, ValueError)):
        restored(stored(PLATT) | change)


def test_a_star_that_cannot_be_searched_has_the_share_of_hosts():
    z = np.array([np.nan, logit(0.9)])
    assert apply("svc", replace(PLATT, prior=0.2), z) == pytest.approx([0.2, 0.9])
    rare = at_rate(PLATT, 0.01)
    assert apply("svc", rare, z)[0] == pytest.approx(0.01)
    assert expit(log_odds("svc", rare, z)) == pytest.approx(apply("svc", rare, z))
    assert np.isfinite(log_odds("svc", rare, np.array([np.nan, 500.0]))).all()


def test_it_calibrates_nothing():
    """Out-of-fold scores with and without such rows make one and the same map; the threshold sees them at the prior."""
    rng = np.random.default_rng(0)
    label = (np.arange(120) % 4 == 0).astype(int)
    z = 2.0 * label + rng.normal(size=120)
    unknown = np.arange(120) % 10 == 0
    star = np.arange(120)

    def score(fit, rows):
        return np.where(unknown[rows], np.nan, z[rows])

    how = calibrated("svc", label, star, 3, 0, score)
    slope, intercept = fit_platt(z[~unknown], label[~unknown])
    assert (how.curve.slope, how.curve.intercept) == (slope, intercept)
    probability = apply("svc", how, np.where(unknown, np.nan, z))
    assert how.threshold == choose_threshold(label, probability)
    with pytest.raises(InputError, match=r"none of the 30 planet hosts .* could be searched"):
        calibrated("svc", label, star, 3, 0, lambda fit, rows: np.where(label[rows] == 1, np.nan, 0.0))
