"""The figures against scikit-learn and by hand; the intervals by how often they hold the truth."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from exojax.evaluation import bootstrap as boot
from exojax.evaluation import metrics, repeated

FAST = {"seed": 0, "n_bootstrap": 200}


@st.composite
def weighted(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw labels of both classes, scores with many ties, and integer weights that leave both classes
    something."""
    n = draw(st.integers(2, 60))
    labels = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    labels[:2] = 0, 1
    score = np.array(draw(st.lists(st.integers(0, draw(st.integers(1, 12))), min_size=n, max_size=n))) / 7
    weight = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    weight[:2] += 1
    return labels, score, weight


@settings(max_examples=200, deadline=None)
@given(weighted())
def test_a_weighted_sweep_is_scikit_learns(case):
    labels, score, weight = case
    swept = boot.sweep(labels, score, weight[None])
    # Rows of no weight are dropped for scikit-learn, whose precision is undefined where nothing is called.
    y, s, w = labels[weight > 0], score[weight > 0], weight[weight > 0]
    assert boot.average_precision(swept)[0] == pytest.approx(average_precision_score(y, s, sample_weight=w))
    assert boot.roc_auc(swept)[0] == pytest.approx(roc_auc_score(y, s, sample_weight=w))
    precision, recall, _ = precision_recall_curve(y, s, sample_weight=w)
    assert boot.recall_at_precision(swept)[0] == pytest.approx(recall[precision >= 0.9].max())
    assert boot.precision_at_recall(swept)[0] == pytest.approx(precision[recall >= 0.9].max())


def test_by_hand():
    # From the top: host, host, other, host, and six others, of which the last two tie with the last host.
    labels = np.array([1, 1, 0, 1, 0, 0, 0, 1, 0, 0])
    p = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1, 0.1, 0.1])
    figures = metrics.evaluate(labels, p, 0.7, groups=np.arange(10), **FAST)
    assert figures["recall_at_precision_0.9"]["value"] == 0.5
    assert figures["precision_at_recall_0.9"]["value"] == 0.4
    assert figures["average_precision"]["value"] == pytest.approx((1 + 1 + 0.75 + 0.4) / 4)
    assert figures["brier"]["value"] == pytest.approx(np.mean((p - labels) ** 2))
    assert figures["confusion"] == [[5, 1], [1, 3]]
    assert (figures["recall"]["value"], figures["precision"]["value"]) == (0.75, 0.75)
    assert (figures["n"], figures["n_positive"], figures["threshold"]) == (10, 4, 0.7)


def test_precision_never_reached_is_a_recall_of_zero():
    figures = metrics.ranking(np.array([0, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.6]), groups=np.arange(4), **FAST)
    assert figures["recall_at_precision_0.9"]["value"] == 0


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(5, 5, 0.4782, 1), (3, 5, 0.1466, 0.9473), (0, 5, 0, 0.5218), (0, 0, None, None)],
)
def test_clopper_pearson(k, n, low, high):
    interval = metrics.proportion(k, n)
    if n == 0:
        assert interval is None
    else:
        assert (interval["low"], interval["high"]) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("labels", "threshold", "undefined", "why"),
    [
        ([0, 0, 0], 0.5, {*metrics.RANKING, "recall"}, "no row is labelled a host"),
        ([1, 1, 1], 0.5, {"roc_auc"}, "every row is labelled a host"),
        ([1, 0, 0], 0.99, {"precision"}, "no row reaches the threshold"),
        ([1, 0, 0], 0.5, set(), ""),
    ],
)
def test_undefined_figures_are_null_with_the_reason(labels, threshold, undefined, why):
    figures = metrics.evaluate(np.array(labels), np.array([0.9, 0.6, 0.2]), threshold, groups=np.arange(3), **FAST)
    names = [*metrics.RANKING, "brier", "recall", "precision"]
    assert {name for name in names if figures[name] is None} == undefined
    assert any(text.startswith(f"undefined, because {why}") for text in figures["warnings"]) == bool(undefined)
    json.dumps(figures, allow_nan=False)
    for name in set(names) - undefined:
        assert figures[name]["low"] <= figures[name]["value"] <= figures[name]["high"]


def test_few_hosts_and_repeated_stars_are_warned_of():
    labels = (np.arange(60) < 5).astype(int)
    p = np.linspace(1, 0, 60)
    warnings = metrics.evaluate(labels, p, 0.5, groups=np.arange(60) // 2, **FAST)["warnings"]
    assert any("only 3 planet host(s)" in text for text in warnings)
    assert any("several rows" in text for text in warnings)
    assert metrics.evaluate(1 - labels, 1 - p, 0.5, groups=np.arange(60), **FAST)["warnings"] == []


@pytest.mark.parametrize("bad", [np.array([0.5, np.nan]), np.array([0.5, 1.5]), np.array([])])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match="probabilities"):
        metrics.evaluate(np.zeros(len(bad)), bad, 0.5, groups=np.arange(len(bad)), **FAST)


def test_resamples_draw_whole_stars_and_keep_both_classes():
    groups = np.array([0, 0, 0, 1, 1, 2, 3, 4, 5])
    labels = np.array([1, 0, 0, 1, 1, 0, 0, 0, 0])
    weight = np.concatenate(list(boot.resamples(labels, groups, seed=0, n=250)))
    assert weight.shape == (250, 9)
    assert (weight[:, 0] == weight[:, 2]).all()
    assert (weight[:, 3] == weight[:, 4]).all()
    assert (weight[:, [0, 3]].sum(axis=1) == 2).all()
    assert (weight[:, 5:].sum(axis=1) == 4).all()
    assert weight[:, 0].std() > 0


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    # Hosts N(1, 1) against others N(0, 1): the true AUC is Phi(1 / sqrt 2).
    rng, truth, hits = np.random.default_rng(5), 0.7602, 0
    labels = (np.arange(160) < 40).astype(int)
    for trial in range(120):
        auc = metrics.ranking(labels, rng.normal(labels), groups=np.arange(160), seed=trial, n_bootstrap=200)["roc_auc"]
        hits += auc["low"] <= truth <= auc["high"]
    assert 105 <= hits <= 119


def test_a_star_with_many_rows_widens_the_interval():
    rng = np.random.default_rng(0)
    labels = np.repeat((np.arange(60) < 20).astype(int), 10)
    score = np.repeat(rng.normal(labels[::10]), 10)
    width = {}
    for name, groups in (("star", np.repeat(np.arange(60), 10)), ("row", np.arange(600))):
        auc = metrics.ranking(labels, score, groups=groups, **FAST)["roc_auc"]
        width[name] = auc["high"] - auc["low"]
    assert width["star"] > 2 * width["row"]


def test_paired_difference_cancels_what_two_models_share():
    rng = np.random.default_rng(1)
    labels = (np.arange(400) < 40).astype(int)
    a = rng.normal(2 * labels)
    same = repeated.paired_difference(labels, a, a, groups=np.arange(400), **FAST)
    assert same == {"value": 0, "low": 0, "high": 0}
    b = a + rng.normal(size=400)
    better = repeated.paired_difference(labels, a, b, groups=np.arange(400), **FAST)
    assert better["value"] == pytest.approx(average_precision_score(labels, a) - average_precision_score(labels, b))
    assert better["low"] > 0
    twice = repeated.paired_difference(labels, np.stack([a, b]), np.stack([b, b]), groups=np.arange(400), **FAST)
    assert twice["value"] == pytest.approx(better["value"] / 2)
    assert repeated.paired_difference(0 * labels, a, b, groups=np.arange(400), **FAST) is None


def test_curves_are_scikit_learns_and_lie_in_their_bands():
    rng = np.random.default_rng(2)
    labels = (np.arange(300) < 60).astype(int)
    p = np.round(rng.random(300) * 0.5 + 0.4 * labels, 2)
    pr, roc = metrics.curves(labels, p, groups=np.arange(300), **FAST)
    precision, recall, _ = precision_recall_curve(labels, p)
    assert np.allclose(np.interp(pr.x[1:], recall[::-1], recall[::-1]), pr.x[1:])
    assert {*np.round(pr.y, 9)} <= {*np.round(precision, 9)}
    assert np.sum(np.diff(pr.x) * pr.y[1:]) == pytest.approx(average_precision_score(labels, p))
    fpr, tpr, _ = roc_curve(labels, p)
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(np.trapezoid(tpr, fpr))
    on_grid = np.interp(roc.grid, roc.x, roc.y)
    assert ((roc.low <= on_grid + 1e-9) & (on_grid <= roc.high + 1e-9)).mean() > 0.95
    assert (pr.low <= pr.high).all()
    assert metrics.curves(0 * labels, p, groups=np.arange(300), **FAST) == (None, None)
    assert metrics.curves(0 * labels + 1, p, groups=np.arange(300), **FAST) == (None, None)


def test_the_pr_curve_starts_at_the_first_host_found():
    labels, score = np.array([0, 1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    pr, _ = metrics.curves(labels, score, groups=np.arange(5), **FAST)
    assert pr.x.tolist() == [0, 0.5, 0.5, 1, 1]
    assert pr.y == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 2, 2 / 5])
    assert (pr.low > 0).all()


def test_reliability_bins_by_hand():
    bins = metrics.reliability(np.array([0, 0, 1, 1, 1]), np.array([0.0, 0.05, 0.09, 0.95, 1.0]))
    assert bins.count.tolist() == [3, 2]
    assert bins.predicted == pytest.approx([0.14 / 3, 0.975])
    assert bins.observed == pytest.approx([1 / 3, 1])
    assert bins.high[1] == 1
    assert bins.low[1] == pytest.approx(0.1581, abs=1e-4)
