"""Boosting on made-up candidates: the columns it learns from, those it refuses, and the arrays it is kept as."""

import json

import numpy as np
import pytest
from made_up_inputs import made_up
from sklearn.metrics import roc_auc_score

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.features.series_columns import SERIES
from exojax.folded_events import SCALARS
from exojax.models import boosting, candidate, registry
from exojax.models.importance import permuted
from exojax.training.fit import Examples, FitSettings, fit_model, load_model

MODEL = boosting.MODEL


def stars(n=120, seed=0, series=True, signal=("sde", "dips")):
    """Make two candidates a row; hosts differ in a scalar of the first and in a statistic of the series."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 == 0).astype(int)
    features = {name: made_up(name, n, 0) for name in MODEL.inputs if name != "series"}
    for name, x in features.items():
        features[name] = rng.permutation(x, axis=0)
    features["series"] = rng.standard_normal((n, len(SERIES))).astype(np.float32)
    features["scalars"][..., SCALARS.index("epoch")] = np.nan
    features["scalars"][..., SCALARS.index("mag")] = 12.0
    features["scalars"][:, 0, SCALARS.index(signal[0])] += 2.5 * labels
    features["series"][:, list(SERIES).index(signal[1])] += 2.5 * labels
    if not series:
        features["series"][:] = np.nan
    return features, labels, np.arange(n)


@pytest.fixture(scope="module")
def fitted():
    return MODEL.fit(*stars(), 0)


def test_it_learns_from_the_first_candidate_and_from_the_series(fitted):
    features, labels, _ = stars(seed=1)
    score = MODEL.logits(fitted, features)
    assert (score.shape, score.dtype) == ((120,), np.float64)
    assert roc_auc_score(labels, score) > 0.95
    other = {name: x if name == "series" else x.copy() for name, x in features.items()}
    for name, x in other.items():
        if name != "series":
            x[:, 1:] = x[::-1, 1:]
    assert np.array_equal(MODEL.logits(fitted, other), score)


def test_it_learns_from_a_vetting_test_of_the_first_candidate():
    features, labels, groups = stars(seed=2, signal=("sde", "dips"))
    features["scalars"][:, 0, SCALARS.index("sde")] -= 2.5 * labels
    features["series"][:] = np.nan
    features["vetting"][:, 0, boosting.VETTING.index("vet_odd_even")] += 2.5 * labels
    found = MODEL.fit(features, labels, groups, 0)
    assert found["importance_name"][np.argmax(found["importance"])] == "vetting tests"
    assert roc_auc_score(labels, MODEL.logits(found, features)) > 0.95


def test_what_tells_is_what_is_important(fitted):
    order = fitted["importance_name"][np.argsort(-fitted["importance"])]
    assert set(order[:2]) == {"sde", "series: dips"}
    assert set(fitted["importance_name"]) == set(boosting.groups_of(fitted["columns"].tolist()))
    assert (fitted["importance_error"] >= 0).all()


def test_columns_that_say_nothing_are_named_and_left_out(fitted):
    assert {"mag", "crowd_1d"} <= set(fitted["dropped"])
    assert not set(fitted["dropped"]) & set(fitted["columns"])
    (remark,) = boosting.remarks(fitted)
    assert "mag" in remark
    assert "crowding (4 columns)" in remark
    # A value that the column never had in training changes nothing.
    features, _, _ = stars(seed=1)
    score = MODEL.logits(fitted, features)
    features["scalars"][..., SCALARS.index("mag")] = 3.0
    assert np.array_equal(MODEL.logits(fitted, features), score)


def test_folded_events_have_no_series_and_that_is_said():
    features, labels, groups = stars(series=False)
    arrays = MODEL.fit(features, labels, groups, 0)
    (remark,) = boosting.remarks(arrays)
    for family in ("dips", "quantiles", "autocorrelation"):
        assert f"series: {family} (" in remark
    fresh, truth, _ = stars(seed=1, series=False)
    fresh["scalars"][5] = np.nan
    for name in candidate.WHOLE + candidate.NEAR:
        fresh[name][6] = 0
    score = MODEL.logits(arrays, fresh)
    assert np.isfinite(score).all()
    assert roc_auc_score(truth, score) > 0.85


def test_kept_as_plain_arrays_and_restored_to_the_bit(tmp_path):
    features, labels, groups = stars()
    scores = fit_model(
        MODEL, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0, folder=tmp_path)
    )
    fresh, _, _ = stars(seed=1)
    again = load_model(MODEL, tmp_path, {})
    assert np.array_equal(again(fresh), scores(fresh))
    arrays = again.arrays
    assert {x.dtype.kind for x in arrays.values()} <= {"f", "U", "i", "u"}
    assert "learner" in json.loads(arrays["booster"].tobytes())
    assert again.remarks == boosting.remarks(arrays) != ()
    with pytest.raises(InputError, match="damaged") as refused:
        MODEL.logits(dict(arrays) | {"booster": arrays["booster"][:500]}, fresh)
    assert "\n" not in str(refused.value)


def test_trees_are_chosen_and_crowding_counted_in_folds_by_star(monkeypatch):
    features, labels, groups = stars()
    groups = groups // 2
    labels = labels[np.searchsorted(groups, groups)]
    rng = np.random.default_rng(5)
    features["scalars"][..., SCALARS.index("epoch")] = rng.uniform(0, 27, (120, 2))
    seen = []
    real = boosting._grow

    def watched(x, labels, n_trees, seed, stop):
        seen.append((len(x), n_trees, None if stop is None else len(stop[0])))
        return real(x, labels, min(n_trees, 20), seed, stop)

    counted = []
    moments = candidate.moments_of
    monkeypatch.setattr(candidate, "moments_of", lambda x: counted.append(len(x)) or moments(x))
    monkeypatch.setattr(boosting, "_grow", watched)
    arrays = MODEL.fit(features, labels, groups, 0)
    inner = seen[:-1]
    assert len(inner) == boosting.FOLDS
    assert all(train + test == 120 for train, _, test in inner)
    assert sum(test for _, _, test in inner) == 120
    assert seen[-1] == (120, int(arrays["rounds"]), None)
    assert sorted(counted)[: boosting.FOLDS] == sorted(train for train, _, _ in inner)
    np.testing.assert_array_equal(arrays["epochs"], moments(features["scalars"][:, :1])["epochs"])


def test_too_few_hosts_to_choose_by_take_a_fixed_number_of_trees():
    features, _, groups = stars()
    arrays = MODEL.fit(features, (groups < 2).astype(int), groups, 0)
    assert (int(arrays["rounds"]), len(arrays["importance"])) == (boosting.FEW_ROUNDS, 0)


def test_shuffling_loses_what_a_column_tells():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 3))
    labels = (x[:, 0] > 0.5).astype(int)
    lost = permuted(lambda z: z[:, 0] + z[:, 1] * 0, x, labels, {"a": [0], "rest": [1, 2]}, repeats=4, seed=0)
    assert lost["a"].shape == (4,)
    assert lost["a"].mean() == pytest.approx(1 - labels.mean(), abs=0.1)
    assert (lost["rest"] == 0).all()


def test_the_message_where_xgboost_is_missing(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install .xgboost-cpu"):
        registry.get("boosting")
    assert registry.get("svc")


def test_every_column_has_a_name_of_its_own_and_a_group():
    columns = candidate.COLUMNS + len(SERIES) + len(boosting.VETTING)
    assert len(set(boosting.NAMES)) == len(boosting.NAMES) == columns
    groups = boosting.groups_of(list(boosting.NAMES))
    assert sorted(number for columns in groups.values() for number in columns) == list(range(len(boosting.NAMES)))
