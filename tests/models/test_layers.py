"""The layers against their textbook forms, and every gradient against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from made_up_inputs import started

from exojax.models import cnn, cnn_original
from exojax.models.layers import Conv, max_pool


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("use_bias", [True, False])
def test_conv_is_the_textbook_convolution(kernel, use_bias):
    x = jax.random.normal(jax.random.key(0), (3, 50, 4))
    layer = Conv(6, kernel, use_bias)
    params = layer.init(jax.random.key(1), x)["params"]
    assert ("bias" in params) == use_bias
    params = jax.tree.map(lambda p: jax.random.normal(jax.random.key(2), p.shape), params)
    expected = jax.lax.conv_general_dilated(
        x, params["kernel"], (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"), precision="highest"
    )
    expected = expected + params.get("bias", jnp.zeros(6))[None, None]
    np.testing.assert_allclose(layer.apply({"params": params}, x), expected, rtol=1e-4, atol=1e-5)


def test_conv_starts_with_outputs_of_order_one():
    x = jax.random.normal(jax.random.key(0), (8, 200, 16))
    layer = Conv(32, 5)
    y = layer.apply(layer.init(jax.random.key(1), x), x)
    assert float(y.std()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("length", [8, 11])
def test_max_pool_takes_the_maximum_and_drops_the_tail(length):
    x = np.asarray(jax.random.normal(jax.random.key(0), (2, length, 3)))
    expected = np.stack([x[:, 0:4].max(1), x[:, 4:8].max(1)], axis=1)
    assert np.array_equal(max_pool(jnp.asarray(x), 4), expected)
    assert np.array_equal(max_pool(jnp.asarray(x), 4), nn.max_pool(jnp.asarray(x), (4,), (4,)))


def test_of_equal_maxima_the_first_gets_the_gradient_alone():
    x = jnp.asarray([[0.0, 0.0, 0.0, 0.0, 1.0, 3.0, 3.0, 2.0, 9.0]])[..., None]
    slope = jax.jit(jax.grad(lambda x: (max_pool(x, 4) * jnp.asarray([[[5.0], [7.0]]])).sum()))(x)
    assert slope[0, :, 0].tolist() == [5, 0, 0, 0, 0, 7, 0, 0, 0]


def batch_norm(x):
    """Return Flax's batch normalisation without its parameters."""
    mean = x.mean((0, 1), keepdims=True)
    variance = (x * x).mean((0, 1), keepdims=True) - mean * mean
    return (x - mean) * (jax.lax.rsqrt(variance + 1e-5) * 1.1) + 0.1


def difference(function, at, *, seed=0, step=1e-6):
    """Return the compiled gradient and central differences in one random direction through all leaves."""
    slope = jax.jit(jax.grad(function))(at)
    leaves, tree = jax.tree.flatten(at)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    way = jax.tree.unflatten(tree, [jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves)])
    value = jax.jit(function)
    plus, minus = (jax.tree.map(lambda x, w, s=s: x + s * step * w, at, way) for s in (1.0, -1.0))
    found = sum(float((g * w).sum()) for g, w in zip(jax.tree.leaves(slope), jax.tree.leaves(way)))
    return found, float(value(plus) - value(minus)) / (2 * step)


def pooled_then_weighted(pool, weights):
    return lambda x: (pool(batch_norm(nn.relu(x))) * weights).sum()


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.usefixtures("double")
def test_gradient_of_pooling_after_relu_and_normalisation():
    x = jax.random.normal(jax.random.key(0), (8, 800, 8), jnp.float64)
    weights = jax.random.normal(jax.random.key(1), (8, 200, 8), jnp.float64)
    found, expected = difference(pooled_then_weighted(lambda z: max_pool(z, 4), weights), x)
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_compiled_gradient_is_the_uncompiled_one():
    """In float32, where XLA's own derivative of the maximum goes wrong once the chain is fused."""
    x = jax.random.normal(jax.random.key(0), (32, 800, 8))
    weights = jax.random.normal(jax.random.key(1), (32, 200, 8))

    def error(pool):
        slope = jax.grad(pooled_then_weighted(pool, weights))
        with jax.disable_jit():
            expected = slope(x)
        return float(jnp.abs(jax.jit(slope)(x) - expected).max() / jnp.abs(expected).max())

    assert error(lambda z: max_pool(z, 4)) < 1e-4
    # The trap this guards against; JAX 0.12 has mended it.
    if jax.__version_info__ < (0, 11):
        assert error(lambda z: z.reshape(32, 200, 4, 8).max(2)) > 0.01


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param(cnn_original.OriginalCNN(), "flux", id="cnn-original"),
        pytest.param(cnn.DipCNN(), "flat", id="cnn", marks=pytest.mark.slow),
    ],
)
def test_gradients_of_whole_networks(module, name):
    """Every weight of the compiled training loss in float64, dropout on, batch statistics in the way."""
    x = jax.random.normal(jax.random.key(0), (6, 512), jnp.float64)
    target = jnp.asarray([1.0, 0, 1, 0, 1, 0])
    variables = started(module, {name: x.astype(jnp.float32)}, seed=1)
    variables = jax.tree.map(lambda v: v.astype(jnp.float64), variables)
    # Away from the start: biases of zero and scales of one would hide mistakes.
    rng = np.random.default_rng(2)
    params = jax.tree.map(lambda p: np.asarray(p) + 0.1 * rng.standard_normal(p.shape), variables["params"])

    def loss(params):
        with jax.numpy_dtype_promotion("standard"):  # for flax
            logits, _ = module.apply(
                {**variables, "params": params},
                {name: x},
                train=True,
                mutable=["batch_stats"],
                rngs={"dropout": jax.random.key(3)},
            )
        return optax.sigmoid_binary_cross_entropy(logits, target).mean()

    both = jax.jit(jax.value_and_grad(loss))
    _, slope = both(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        way = rng.standard_normal(leaf.shape)

        def moved(step, path=path, way=way):
            at = jax.tree_util.tree_map_with_path(lambda where, x: x + step * way if where == path else x, params)
            return both(at)[0]

        # The step is short, so that no maximum and no ReLU changes hands within it.
        expected = float(moved(1e-8) - moved(-1e-8)) / 2e-8
        found = next(np.asarray(g) for p, g in jax.tree_util.tree_leaves_with_path(slope) if p == path)
        assert float((found * way).sum()) == pytest.approx(expected, rel=1e-4, abs=1e-6), jax.tree_util.keystr(path)
