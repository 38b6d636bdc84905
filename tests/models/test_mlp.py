"""The dense networks: their inputs, the scales of their columns, and their training."""

import jax
import jax.numpy as jnp
import numpy as np
from made_up_inputs import made_up, started
from sklearn.metrics import roc_auc_score

from exojax.config import TrainConfig
from exojax.models import mlp
from exojax.models.layers import ABSENT
from exojax.training.fit import Examples, FitSettings, fit_model, load_model


def views(n=6):
    return {name: made_up(name, n, 0) for name in mlp.VIEWS}


def test_a_series_is_one_candidate_and_views_stand_end_to_end():
    x, there = mlp.vectors({"spectrum": jnp.asarray(made_up("spectrum", 4, 30))})
    assert (x.shape, there.shape, bool(there.all())) == ((4, 1, 30), (4, 1), True)
    inputs = views()
    inputs["global_view"][2, 1, :, 2] = 0
    x, there = mlp.vectors({name: jnp.asarray(v) for name, v in inputs.items()})
    assert x.shape == (6, 2, 201 + 61 + 61)
    assert np.argwhere(~np.asarray(there)).tolist() == [[2, 1]]
    # In the order of their names, values only.
    assert np.allclose(x[3, 1, 201:262], np.arcsinh(inputs["local_view"][3, 1, :, 0]))


def test_columns_are_scaled_by_candidates_that_are_there():
    inputs = views()
    inputs["global_view"][0, 1, :, 2] = 0
    inputs["global_view"][0, 1, :, 0] = 1e6
    inputs["local_view"][..., 7, 0] = 0.5
    found = mlp.settle({"other": 1}, inputs)
    assert found["other"] == 1
    known = np.arcsinh(np.delete(inputs["global_view"][..., 0].reshape(12, 201), 1, axis=0).astype(np.float64))
    np.testing.assert_allclose(found["center"][:201], known.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found["spread"][:201], known.std(0), rtol=1e-4)
    assert found["spread"][201 + 7] == np.float32(mlp.LEAST_SPREAD)


def test_of_several_candidates_the_highest_counts_and_without_any_there_is_a_low_score():
    inputs = {name: jnp.asarray(v) for name, v in views().items()}
    net = mlp.DenseNet()
    variables = started(net, inputs)
    score = jax.jit(lambda x: net.apply(variables, x, train=False))
    alone = [score({name: v[:, [k]] for name, v in inputs.items()}) for k in (0, 1)]
    np.testing.assert_allclose(score(inputs), np.maximum(*alone), rtol=1e-5, atol=1e-6)
    inputs["global_view"] = inputs["global_view"].at[..., 2].set(0.0)
    assert (score(inputs) == ABSENT).all()


def stars(seed, n=80, c=60):
    """Make stars of which the first columns differ for hosts, beside columns of a far wider scale."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 4 == 0).astype(int)
    x = rng.standard_normal((n, c))
    x[labels == 1, :10] += 1.5
    return {"spectrum": (x * np.where(np.arange(c) < 10, 1, 300) - 20).astype(np.float32)}, labels


def test_it_learns_what_is_small_beside_what_is_large(tmp_path):
    features, labels = stars(0)
    config = TrainConfig(steps=40, batch_size=32, evaluate_every=40)
    scores = fit_model(
        mlp.MODEL, Examples(features, labels, np.arange(80)), FitSettings(config, cadence=0.02, seed=0, folder=tmp_path)
    )
    fresh, truth = stars(1)
    assert roc_auc_score(truth, scores(fresh)) > 0.9
    again = load_model(mlp.MODEL, tmp_path, {"spectrum": [60]})
    np.testing.assert_array_equal(again(fresh), scores(fresh))


def test_the_series_network_reads_its_series_anew_in_every_step():
    flux = {"flux": jnp.asarray(made_up("flux", 8, 64))}
    augment = mlp.FLUX.augment(0.02, 0.0)
    assert augment is mlp.FLUX.augment(0.02, 0.0)
    first, second = (augment(jax.random.key(k), flux, jnp.zeros(8))["flux"] for k in (0, 1))
    assert first.shape == (8, 64)
    assert not np.array_equal(first, second)
