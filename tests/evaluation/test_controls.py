"""The shortcut controls take away what they say, and no more."""

import numpy as np
import pytest

from exojax.evaluation import controls


def test_coverage_features_by_hand():
    time = np.array([[0, 1, 2, 5, 6, 9, np.nan], [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]], np.float64)
    valid = np.isfinite(time)
    valid[1, [2, 3]] = False
    valid[2] = False
    features = controls.coverage_features(time, valid, 0.5)
    assert features[0] == pytest.approx([6 / 7, 2, 3, 9, 1])
    assert features[1] == pytest.approx([5 / 7, 1, 3, 6, 1])
    assert features[2] == pytest.approx([0, 0, 0, 0, 0.5])


def test_coverage_alone_finds_a_campaign_but_nothing_where_there_is_nothing():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    time = np.broadcast_to(np.arange(50.0), (200, 50))
    valid = rng.random((200, 50)) > 0.1 + 0.2 * labels[:, None]
    features = controls.coverage_features(time, valid, 1.0)
    scores = controls.coverage_score(features[:100], labels[:100], features[100:])
    (row,) = controls.score("coverage", labels[100:], scores, groups=np.arange(100), seed=0)
    assert row["roc_auc"]["low"] > 0.5
    assert "still ranked first" in row["says"]
    constant = controls.coverage_score(np.ones((100, 5)), labels[:100], np.ones((9, 5)))
    assert (constant == constant[0]).all()


def test_masking_takes_the_dip_and_its_neighbours_and_leaves_flares():
    rng = np.random.default_rng(1)
    series = rng.uniform(-1, 1, (2, 300)).astype(np.float32)
    series[0, 100:104] = -20
    series[0, 200] = 20
    valid = np.ones((2, 300), bool)
    masked = controls.mask_dips(series, valid)
    assert (masked[0, 98:106] == 0).all()
    kept = np.r_[0:98, 106:300]
    assert np.array_equal(masked[0, kept], series[0, kept])
    assert np.array_equal(masked[1], series[1])
    assert series[0, 100] == -20
    assert masked.dtype == np.float32


def test_masking_ignores_what_was_never_measured():
    series = np.random.default_rng(2).uniform(-1, 1, (2, 100)).astype(np.float32)
    series[0, 50] = -1e6
    valid = np.ones((2, 100), bool)
    valid[0, 50] = False
    valid[1] = False
    assert np.array_equal(controls.mask_dips(series, valid), series)


def test_inverting_twice_is_nothing():
    series = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert controls.invert(series)[1, 2] == -5
    assert np.array_equal(controls.invert(controls.invert(series)), series)


def test_the_control_is_split_by_kind():
    labels = np.array([1] * 20 + [0] * 40)
    kind = np.array(["planet"] * 20 + ["binary"] * 20 + ["quiet"] * 20)
    rng = np.random.default_rng(3)
    scores = np.r_[rng.normal(3, 1, 20), rng.normal(3, 1, 20), rng.normal(0, 1, 20)]
    rows = controls.score("masked", labels, scores, groups=np.arange(60), seed=0, kind=kind)
    by_population = {row["against"]: row for row in rows}
    assert list(by_population) == ["all other stars", "binary", "quiet"]
    assert by_population["quiet"]["roc_auc"]["value"] > 0.9
    assert "chance" in by_population["binary"]["says"]
    assert (by_population["binary"]["n"], by_population["binary"]["n_positive"]) == (40, 20)
    (none,) = controls.score("masked", 0 * labels, scores, groups=np.arange(60), seed=0)
    assert none["roc_auc"] is None
    assert "one class" in none["says"]
