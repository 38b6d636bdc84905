"""The networks' sizes, pinned, and what they promise of their inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_up_inputs import made_up, started

from exojax.models import registry
from exojax.models.base import Network
from exojax.models.cnn_original import OriginalCNN

NETWORKS = [name for name, model in registry.MODELS.items() if isinstance(model, Network)]


def shapes(name, cadences):
    model = registry.get(name)
    example = {key: jnp.zeros((1, cadences)) for key in model.inputs}
    return jax.eval_shape(lambda: model.module.init(jax.random.key(0), example, train=False))


def test_the_original_has_the_weights_it_says():
    params = shapes("cnn-original", 3197)["params"]
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    by_hand = sum(k * i * o + o + 2 * o for k, i, o in ((5, 1, 8), (3, 8, 16), (3, 16, 32), (3, 32, 64)))
    by_hand += (3197 // 4 // 4 // 4 // 4 * 64) * 64 + 64 + 64 * 64 + 64 + 64 + 1
    assert count == by_hand
    assert f"{count:,} weights for 3,197 cadences" in OriginalCNN.__doc__


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_scores_each_star_by_itself(name):
    model = registry.get(name)
    inputs = {key: jnp.asarray(made_up(key, 5, 300)) for key in model.inputs}
    variables = started(model.module, inputs)
    score = jax.jit(lambda x: model.module.apply(variables, x, train=False))
    whole = score(inputs)
    assert whole.shape == (5,)
    assert whole.dtype == jnp.float32
    others = score({key: v.at[jnp.array([0, 1, 4])].multiply(0.5) for key, v in inputs.items()})
    np.testing.assert_allclose(others[2:4], whole[2:4], rtol=1e-4, atol=1e-5)
    assert (others[jnp.array([0, 1, 4])] != whole[jnp.array([0, 1, 4])]).all()


def test_the_cnn_takes_any_length_and_the_original_one():
    assert jax.tree.leaves(shapes("cnn", 1000)) == jax.tree.leaves(shapes("cnn", 3197))
    assert jax.tree.leaves(shapes("cnn-original", 1000)) != jax.tree.leaves(shapes("cnn-original", 3197))
