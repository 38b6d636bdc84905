"""The regression kept as arrays is scikit-learn's, chosen on the rows it was given and on no others."""

import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.models import linear
from exojax.models.linear import MODEL
from exojax.training.fit import Examples, FitSettings, fit_model, load_model


def stars(n=120, d=40, seed=0):
    """Make columns of very different scales, three of which differ between hosts and others."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 == 0).astype(int)
    x = rng.standard_normal((n, d))
    x[labels == 1, :3] += 1.0
    return {"spectrum": (x * np.geomspace(0.1, 10, d) - 5).astype(np.float32)}, labels, np.arange(n)


def test_logits_are_scikit_learns_decision_function():
    features, labels, groups = stars()
    arrays = MODEL.fit(features, labels, groups, 0)
    fresh = stars(seed=1)[0]
    x = features["spectrum"].astype(np.float64)
    scaled, here = ((z - x.mean(0)) / x.std(0) for z in (x, fresh["spectrum"]))
    models = [LogisticRegression(C=c, max_iter=1000).fit(scaled, labels) for c in linear.STRENGTHS]
    assert min(np.abs(MODEL.logits(arrays, fresh) - one.decision_function(here)).max() for one in models) < 1e-6
    # Log-odds at the training rows' share of hosts, as the calibration of a classical model takes them to be.
    assert np.mean(1 / (1 + np.exp(-MODEL.logits(arrays, features)))) == pytest.approx(labels.mean(), abs=1e-3)


def test_the_strength_is_chosen_in_folds_by_star(monkeypatch):
    features, labels, groups = stars()
    groups = groups // 2
    labels = labels[np.searchsorted(groups, groups)]
    seen = []
    monkeypatch.setattr(linear, "_score", lambda x, labels, c, train, test: seen.append((c, train, test)) or c)
    arrays = MODEL.fit(features, labels, groups, 0)
    assert len(seen) == len(linear.STRENGTHS) * linear.FOLDS
    for _, train, test in seen:
        assert not set(groups[train]) & set(groups[test])
    best = linear._fit(features["spectrum"], labels, max(linear.STRENGTHS))
    assert np.array_equal(arrays["weight"], best["weight"])


def test_too_few_hosts_to_choose_by_take_the_strongest_regularisation():
    features, _, groups = stars()
    labels = (groups < 2).astype(int)
    arrays = MODEL.fit(features, labels, groups, 0)
    assert np.array_equal(arrays["weight"], linear._fit(features["spectrum"], labels, linear.STRENGTHS[0])["weight"])


def test_a_constant_column_has_no_say():
    features, labels, groups = stars()
    features["spectrum"][:, 5] = 3.0
    arrays = MODEL.fit(features, labels, groups, 0)
    other = {"spectrum": features["spectrum"].copy()}
    other["spectrum"][:, 5] = 7.0
    assert np.isfinite(MODEL.logits(arrays, features)).all()
    np.testing.assert_allclose(MODEL.logits(arrays, other), MODEL.logits(arrays, features), atol=1e-9)


def test_the_file_is_plain_arrays(tmp_path):
    features, labels, groups = stars()
    scores = fit_model(
        MODEL, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0, folder=tmp_path)
    )
    fresh = stars(seed=1)[0]
    assert np.array_equal(load_model(MODEL, tmp_path, {})(fresh), scores(fresh))
    with zipfile.ZipFile(tmp_path / "model.npz") as stored:
        assert sorted(stored.namelist()) == ["intercept.npy", "mean.npy", "scale.npy", "weight.npy"]


def test_spectra_of_another_length_are_refused_in_one_line():
    arrays = MODEL.fit(*stars(), 0)
    with pytest.raises(InputError, match="41 columns") as refused:
        MODEL.logits(arrays, stars(d=41)[0])
    assert "\n" not in str(refused.value)
