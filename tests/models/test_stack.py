"""Several models weighed by rows that they have not seen, fitted, kept, and read back."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from exojax.config import RunConfig, TrainConfig
from exojax.errors import InputError
from exojax.models import linear, mlp, registry
from exojax.models.base import Classical, Stack
from exojax.models.code import fingerprint
from exojax.training import fit as fitting
from exojax.training.cost import parameters_of
from exojax.training.fit import Examples, FitSettings, fit_model, load_model
from exojax.training.stack import weigh

SMALL = Stack(
    of={"linear": linear.MODEL, "mlp": replace(mlp.MODEL, train=TrainConfig(steps=8, evaluate_every=4, batch_size=8))}
)


def rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3 == 0).astype(np.int64)
    spectrum = rng.normal(size=(n, 16)).astype(np.float32)
    spectrum[:, 3] += 2 * labels
    return {"spectrum": spectrum}, labels, np.arange(n)


def test_weights_are_those_of_a_logistic_regression_and_never_negative():
    rng = np.random.default_rng(1)
    labels = (rng.random(4000) < 0.2).astype(np.int64)
    good, other = 2.0 * labels + rng.normal(size=4000), 1.5 * labels + rng.normal(size=4000)
    arrays = weigh(np.stack([20 * good, other, -labels + rng.normal(size=4000)]), labels)
    # Two normal classes apart by d with unit variance have log-odds d x; the second is given in twenty times the unit.
    assert arrays["weight"][:2] == pytest.approx([2.0 / 20, 1.5], rel=0.15)
    assert arrays["weight"][2] == 0.0
    probability = expit(arrays["weight"] @ np.stack([20 * good, other, good]) + arrays["bias"])
    assert probability.mean() == pytest.approx(labels.mean(), abs=0.01)


def test_log_odds_without_an_error_get_finite_weights():
    labels = np.array([0, 0, 1, 1])
    assert np.isfinite(weigh(np.array([[-1.0, -2.0, 1.0, 2.0]]), labels)["weight"]).all()


def test_it_is_kept_and_read_back_bit_by_bit(tmp_path):
    features, labels, groups = rows()
    records = []
    how = {"cadence": 0.02, "seed": 0, "folder": tmp_path, "report": records.append}
    scorer = fit_model(SMALL, Examples(features, labels, groups), FitSettings(TrainConfig(), **how))
    # Three folds and the whole, of two models.
    assert [record["step"] for record in records] == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert {record["of"] for record in records} == {8}
    again = load_model(SMALL, tmp_path, {"spectrum": [16]})
    fresh = rows(seed=9)[0]
    np.testing.assert_array_equal(again(fresh), scorer(fresh))
    each = np.stack([part(fresh) for part in scorer.parts.values()])
    assert again(fresh) == pytest.approx(scorer.arrays["weight"] @ each + scorer.arrays["bias"])
    # The network's step is known, or weights of an earlier one would be taken without a word.
    assert again.steps == [8]
    assert parameters_of(scorer) == 3 + sum(parameters_of(part) for part in scorer.parts.values())


def test_killed_between_two_models_it_goes_on_with_what_is_there(tmp_path):
    features, labels, groups = rows()
    whole = fit_model(SMALL, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0))

    class Killed(Exception):
        pass

    def dies(*args):
        raise Killed

    stubborn = replace(SMALL, of=SMALL.of | {"mlp": replace(SMALL.of["linear"], fit=dies)})
    with pytest.raises(Killed):
        fit_model(
            stubborn,
            Examples(features, labels, groups),
            FitSettings(TrainConfig(), cadence=0.02, seed=0, folder=tmp_path),
        )
    resumed = replace(SMALL, of={"linear": replace(linear.MODEL, fit=dies), "mlp": SMALL.of["mlp"]})
    scorer = fit_model(
        resumed, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0, folder=tmp_path)
    )
    np.testing.assert_array_equal(scorer(features), whole(features))


def test_no_model_is_weighed_by_a_row_of_a_star_that_it_was_fitted_on():
    """Stars of two rows; a model that knows its training rows by heart would get all of the weight."""
    features, labels, _ = rows()
    groups = np.arange(60) // 2
    features["spectrum"][:, 0] = groups

    def fit(features, labels, groups, seed):
        return {"star": groups}

    calls = []

    def logits(arrays, features):
        calls.append(np.isin(features["spectrum"][:, 0], arrays["star"]))
        return np.zeros(len(features["spectrum"]))

    model = Stack(of={"heart": Classical(inputs=("spectrum",), fit=fit, logits=logits)})
    fit_model(model, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0))
    assert len(calls) == 3
    assert not np.concatenate(calls).any()


def test_a_recipe_is_refused(tmp_path):
    features, labels, groups = rows()
    recipe = fitting.Recipe(loss=lambda logits, labels: logits)
    with pytest.raises(InputError, match="is no network"):
        fit_model(
            SMALL, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0, recipe=recipe)
        )


def test_it_is_in_the_registry_without_options_or_space():
    model = registry.get("stack")
    assert set(model.inputs) >= {"global_view", "scalars", "series"}
    with pytest.raises(InputError, match="has no"):
        registry.build(RunConfig(model="stack", options={"dropout": 0.1}))
    assert fingerprint(registry.get("stack")) not in (
        fingerprint(registry.get("transit")),
        fingerprint(registry.get("boosting")),
    )


def test_rows_without_a_candidate_do_not_weigh(monkeypatch):
    """No logit of theirs enters the weights, and they get none."""
    from exojax.training import scorer as scoring

    features, labels, groups = rows()
    lost = np.arange(60) % 7 == 0
    monkeypatch.setattr(scoring, "searchable", lambda features: features["spectrum"][:, 0] != 99)
    features["spectrum"][lost, 0] = 99
    weighed = []
    monkeypatch.setattr(
        fitting, "weigh", lambda logits, labels: weighed.append((logits, labels)) or weigh(logits, labels)
    )
    found = fit_model(SMALL, Examples(features, labels, groups), FitSettings(TrainConfig(), cadence=0.02, seed=0))
    (logits, truth) = weighed[0]
    assert np.isfinite(logits).all()
    assert np.array_equal(truth, labels[~lost])
    assert np.array_equal(np.isnan(found(features)), lost)
