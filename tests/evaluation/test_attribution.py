"""Attributions: exact for a linear score, complete for a curved one, zero where the score does not depend on a bin."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax.evaluation.attribution import flat, integrated_gradients, integrated_occlusion, missing, withheld


def views(n=3, k=2, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"local": (n, k, 9, 3), "global": (n, k, 15, 3), "scalars": (n, k, 4)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


WEIGHT = np.linspace(-1, 2, 9).astype(np.float32)


def linear(inputs):
    """Score the first candidate's local view; its scatter, the scalars and the global view only add."""
    return inputs["local"][:, 0, :, 0] @ WEIGHT + inputs["local"][:, 0, :, 1].sum(-1) + inputs["scalars"].sum((1, 2))


def bent(inputs):
    """Smooth, of both views and both candidates together, gated by coverage; the better candidate decides, softly."""
    local = jnp.tanh(inputs["local"][..., 0] * jax.nn.sigmoid(inputs["local"][..., 2])) @ WEIGHT
    whole = jnp.sin(inputs["global"][..., 0]).sum(-1) * inputs["scalars"][..., 0]
    return jax.nn.logsumexp(local * whole / 4 + local, axis=1)


def test_of_a_linear_score_each_bin_is_its_weight_times_its_value():
    given = views()
    for found in (integrated_gradients(linear, given, steps=1), integrated_occlusion(linear, given, width=1)):
        assert set(found) == {"local", "global"}
        assert found["local"][:, 0] == pytest.approx(given["local"][:, 0, :, 0] * WEIGHT, abs=1e-5)
        assert found["local"][:, 1] == pytest.approx(0, abs=1e-5)
        assert found["global"] == pytest.approx(0, abs=1e-5)


def test_the_sum_is_the_score_less_that_of_no_signal():
    given = views()
    found = integrated_gradients(bent, given, steps=32)
    none = {name: x.copy() for name, x in given.items()}
    for name in ("local", "global"):
        none[name][..., 0] = 0
    change = np.asarray(bent(given) - bent(none))
    assert np.abs(change).min() > 0.05
    total = found["local"].sum((1, 2)) + found["global"].sum((1, 2))
    assert total == pytest.approx(change, abs=2e-5)
    assert missing(bent, given, found) == pytest.approx(0, abs=2e-5)
    # One step on the path is not enough for a curved score, and the result states it.
    assert np.abs(missing(bent, given, integrated_gradients(bent, given, steps=1))).max() > 1e-2


def test_a_star_is_explained_by_itself():
    given = views()
    alone = {name: x[1:2] for name, x in given.items()}
    for method in (integrated_gradients, integrated_occlusion):
        together, single = method(bent, given), method(bent, alone)
        for name in together:
            assert together[name][1:2] == pytest.approx(single[name], abs=1e-5)


def test_windows_are_complete_for_a_bent_score_and_share_alike():
    given = views()
    for name in ("local", "global"):  # smooth on the scale of a step
        given[name] *= 0.5
    found = integrated_occlusion(bent, given, width=4, steps=16)
    assert np.abs(np.asarray(bent(given)) - flat(bent, given)).min() > 0.02
    assert missing(bent, given, found) == pytest.approx(0, abs=5e-3)
    each, shared = (integrated_gradients(bent, given, width=width) for width in (1, 4))
    for window in (slice(0, 2), slice(2, 6), slice(6, 9)):  # one about the middle
        assert np.ptp(found["local"][..., window], axis=-1) == pytest.approx(0)
        mean = each["local"][..., window].mean(axis=-1, keepdims=True)
        assert shared["local"][..., window] == pytest.approx(np.repeat(mean, window.stop - window.start, axis=-1))


def test_steps_of_a_score_are_found_by_differences_and_not_by_gradients():
    """The number of bins below -1/2: one of the first window, which is cut, two of the middle's, none of the last."""
    one = {"local": np.zeros((1, 1, 7, 3), np.float32)}
    one["local"][0, 0, :, 0] = [-0.4, -1, -0.6, 2, -0.7, -0.45, 3]

    def count(inputs):
        return (inputs["local"][..., 0] < -0.5).sum((1, 2)).astype(jnp.float32)

    found = integrated_occlusion(count, one, width=3)["local"][0, 0]
    assert found == pytest.approx([1 / 2] * 2 + [2 / 3] * 3 + [0] * 2)
    assert not integrated_gradients(count, one)["local"].any()


def test_a_number_counts_for_what_the_score_loses_without_it():
    given = views()
    given["scalars"][0, 0, 0] = np.nan

    def score(inputs):
        return jnp.nan_to_num(inputs["scalars"], nan=0.5).sum((1, 2)) + linear(
            {**inputs, "scalars": jnp.zeros_like(inputs["scalars"])}
        )

    found = withheld(score, given, "scalars")
    assert found.shape == given["scalars"].shape
    assert found == pytest.approx(np.where(np.isnan(given["scalars"]), 0, given["scalars"] - 0.5), abs=1e-5)


def test_the_baseline_keeps_scatter_coverage_and_numbers():
    given = views()
    held = given["local"][:, 0, :, 1].sum(-1) + given["scalars"].sum((1, 2))
    assert flat(linear, given) == pytest.approx(held, abs=1e-5)
