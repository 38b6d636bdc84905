"""The classifier kept as arrays is scikit-learn's, chosen on the rows it was given and on no others."""

import json
import zipfile

import numpy as np
import pytest
from sklearn.svm import SVC

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.models import registry, svc
from exojax.models.svc import MODEL, _columns
from exojax.storage.array_files import load_arrays
from exojax.training.fit import Examples, FitSettings, fit_model, load_model


def stars(n=90, c=130, seed=0, signal="flux"):
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 == 0).astype(int)
    features = {name: rng.standard_normal((n, c)).astype(np.float32) for name in ("flux", "spectrum")}
    features[signal][labels == 1, :20] += 0.7
    return features, labels, np.arange(n)


@pytest.mark.parametrize("c", [130, 1300])
def test_logits_are_scikit_learns_decision_function(c):
    features, labels, groups = stars(c=c)
    arrays = MODEL.fit(features, labels, groups, 0)
    fresh, _, _ = stars(c=c, seed=1)
    name = str(arrays["input"])
    x = _columns(features[name])
    ours = (x - x.mean(0)) / x.std(0)
    matches = []
    for _, strength in svc.CHOICES:
        model = SVC(C=strength, kernel="rbf", gamma="scale", class_weight="balanced").fit(ours, labels)
        expected = model.decision_function((_columns(fresh[name]) - x.mean(0)) / x.std(0))
        matches.append(np.abs(MODEL.logits(arrays, fresh) - expected).max() < 1e-6)
    assert any(matches)


@pytest.mark.parametrize("signal", ["flux", "spectrum"])
def test_the_input_with_the_signal_is_chosen(signal):
    assert str(MODEL.fit(*stars(signal=signal), 0)["input"]) == signal


def test_the_choice_is_made_in_folds_by_star(monkeypatch):
    features, labels, groups = stars()
    groups = groups // 2
    labels = labels[np.searchsorted(groups, groups)]
    seen = []
    monkeypatch.setattr(
        svc, "_score", lambda features, labels, name, c, gamma, train, test: seen.append((train, test)) or 0.0
    )
    MODEL.fit(features, labels, groups, 0)
    assert len(seen) == len(svc.CHOICES) * svc.FOLDS
    for train, test in seen:
        assert not set(groups[train]) & set(groups[test])


def test_columns_average_neighbours():
    x = np.arange(2400, dtype=np.float32)[None]
    assert _columns(x).shape == (1, 400)
    assert _columns(x)[0, :2].tolist() == [2.5, 8.5]
    assert _columns(x[:, :399]).shape == (1, 399)


def test_the_file_is_plain_arrays(tmp_path):
    features, labels, groups = stars()
    scores = fit_model(
        MODEL, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0, folder=tmp_path)
    )
    fresh, _, _ = stars(seed=1)
    assert np.array_equal(load_model(MODEL, tmp_path, {})(fresh), scores(fresh))
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]
    with zipfile.ZipFile(tmp_path / "model.npz") as stored:
        assert sorted(stored.namelist()) == sorted(f"{name}.npy" for name in MODEL.fit(features, labels, groups, 0))
    assert {x.dtype.kind for x in load_arrays(tmp_path / "model.npz").values()} == {"f", "U"}
    # A second call reads what is there.
    again = fit_model(
        MODEL, Examples(features, 1 - labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0, folder=tmp_path)
    )
    assert np.array_equal(again(fresh), scores(fresh))


def test_series_of_another_length_are_refused_in_one_line():
    arrays = MODEL.fit(*stars(), 0)
    other, _, _ = stars(c=150)
    with pytest.raises(InputError, match="150") as refused:
        MODEL.logits(arrays, other)
    assert "\n" not in str(refused.value)


def test_scoring_no_star_at_all():
    arrays = MODEL.fit(*stars(), 0)
    assert MODEL.logits(arrays, {name: np.zeros((0, 130), np.float32) for name in MODEL.inputs}).shape == (0,)


def test_an_unknown_model_is_answered_with_its_like():
    with pytest.raises(InputError, match="did you mean cnn"):
        registry.get("cnnn")
    assert json.dumps(list(registry.MODELS))
