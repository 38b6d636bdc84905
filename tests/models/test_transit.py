"""Properties of the network for folded views: absent views do not count, and time may run either way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_up_inputs import started

from exojax.folded_events import SCALARS
from exojax.models import candidate, layers, transit
from exojax.models.measures import FIGURES, LEVELS, MEASURES, difference, measure, mirror_fold, place
from exojax.vetting.all_tests import NUMBERS as VETTING

BINS = dict.fromkeys(candidate.WHOLE, 201) | dict.fromkeys(candidate.NEAR, 61)
OPTIONAL = ("secondary_view", "half_view", "double_view", "odd_view", "even_view")
NET = transit.MODEL.module


def candidates(n=6, k=2, seed=0, bins=BINS):
    rng = np.random.default_rng(seed)
    inputs = {}
    for name, length in bins.items():
        value = rng.standard_normal((n, k, length))
        coverage = rng.integers(0, 4, (n, k, length)) / 3
        scatter = np.abs(rng.standard_normal(value.shape))
        there = coverage > 0
        inputs[name] = np.stack([value * there, scatter * there, coverage], axis=-1).astype(np.float32)
    scalars = rng.standard_normal((n, k, len(SCALARS)))
    inputs["scalars"] = np.where(rng.random(scalars.shape) < 0.3, np.nan, scalars).astype(np.float32)
    vetting = rng.standard_normal((n, k, len(VETTING)))
    inputs["vetting"] = np.where(rng.random(vetting.shape) < 0.3, np.nan, vetting).astype(np.float32)
    return inputs


@pytest.fixture(scope="module")
def variables():
    start = started(NET, candidates(1, 1))
    # Biases start at 0, at which much that should not pass through would not be seen.
    move = jax.jit(lambda tree: jax.tree.map(lambda p: p + 0.1 * jax.random.normal(jax.random.key(1), p.shape), tree))
    params = move(start["params"])
    return {"params": params, "batch_stats": transit.settle(start["batch_stats"], candidates(64, 1, seed=9))}


@jax.jit
def applied(variables, inputs):
    return NET.apply(variables, inputs, train=False)


@pytest.fixture(scope="module")
def score(variables):
    return lambda x: np.asarray(applied(variables, x))


def moved(params, path, by):
    return jax.tree_util.tree_map_with_path(lambda at, p: p + by if at == path else p, params)


def without(inputs, name, rows=slice(None)):
    view = inputs[name].copy()
    view[rows] = 0
    return inputs | {name: view}


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_view_without_coverage_has_no_influence_at_all(score, name):
    x = candidates()
    rubbish = x[name].copy()
    rubbish[..., :2] = 7.0
    rubbish[..., 2] = 0
    absent = score(without(x, name))
    assert np.array_equal(score(x | {name: rubbish}), absent)
    assert np.abs(score(x) - absent).min() > 1e-6
    # The branch is left out when no row has the view; it must make no difference when another row has it.
    np.testing.assert_allclose(score(without(x, name, slice(1, None)))[1:], absent[1:], rtol=1e-5, atol=1e-5)


def test_a_row_has_the_highest_logit_of_its_candidates(score):
    x = candidates()
    each = np.stack([score({name: v[:, i : i + 1] for name, v in x.items()}) for i in range(2)], axis=1)
    np.testing.assert_allclose(score(x), each.max(1), rtol=1e-4, atol=1e-5)
    best = each.argmax(1)
    gone = x["global_view"].copy()
    gone[np.arange(6), best] = 0
    np.testing.assert_allclose(score(x | {"global_view": gone}), each.min(1), rtol=1e-4, atol=1e-5)
    assert np.array_equal(score(without(x, "global_view")), np.full(6, layers.ABSENT, np.float32))


def test_the_gradient_of_the_maximum_goes_to_one_candidate_that_is_there():
    logits = jnp.asarray([[1.0, 3.0, 3.0], [5.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    there = jnp.asarray([[True, True, True], [False, True, True], [False, False, False]])
    grad = jax.jit(jax.grad(lambda z: (layers.highest(z, there) * jnp.asarray([1.0, 2.0, 4.0])).sum()))(logits)
    assert np.array_equal(grad, [[0, 1, 0], [0, 2, 0], [0, 0, 0]])


def test_a_mirror_image_has_the_same_score(score):
    x = candidates()
    mirrored = {name: v[:, :, ::-1] if name in BINS else v for name, v in x.items()}
    np.testing.assert_allclose(score(mirrored), score(x), rtol=1e-4, atol=1e-5)
    assert np.abs(score(x | {"local_view": np.roll(x["local_view"], 5, axis=2)}) - score(x)).max() > 1e-3


def test_odd_and_even_transits_may_change_places(score):
    x = candidates()
    swapped = x | {"odd_view": x["even_view"], "even_view": x["odd_view"]}
    np.testing.assert_allclose(score(swapped), score(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("whole", "near"), [(51, 15), (402, 122)])
def test_the_weights_fit_any_number_of_bins(variables, whole, near):
    bins = dict.fromkeys(candidate.WHOLE, whole) | dict.fromkeys(candidate.NEAR, near)
    logits = applied(variables, candidates(bins=bins))
    assert logits.shape == (6,)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize(("kind", "names"), [("scalars", SCALARS), ("vetting", VETTING)])
def test_an_unknown_number_is_no_value(score, kind, names):
    x = candidates()
    x[kind] = np.zeros_like(x[kind])
    for number, name in enumerate(names):
        changed = x[kind].copy()
        changed[..., number] = np.nan
        logits = score(x | {kind: changed})
        assert np.isfinite(logits).all()
        assert np.abs(logits - score(x)).max() > 1e-5, name


def test_a_number_that_no_training_row_had_stays_unknown(variables):
    x, column = candidates(300, 1, seed=4), VETTING.index("planet_radius")
    x["vetting"][..., column] = np.nan
    settled = variables | {"batch_stats": transit.settle(variables["batch_stats"], x)}
    known = {name: v[:20].copy() for name, v in x.items()}
    known["vetting"][..., column] = 40.0
    scores = [np.asarray(applied(settled, y)) for y in ({name: v[:20] for name, v in x.items()}, known)]
    assert np.array_equal(*scores)


def test_scaling_comes_from_candidates_that_are_there(variables):
    x = candidates(300, 2, seed=3)
    x["scalars"][:, 1] = 1e6
    x["global_view"][:, 1] = 0
    x["scalars"][..., 4] = np.nan
    start = started(NET, candidates(1, 1))["batch_stats"]
    settled = transit.settle(start, x)
    known = x["scalars"][:, 0, 0]
    np.testing.assert_allclose(settled["columns_center"][0], np.nanmedian(known), rtol=1e-5)
    np.testing.assert_allclose(settled["columns_knots"][0, [0, -1]], [np.nanmin(known), np.nanmax(known)], rtol=1e-5)
    assert np.array_equal(settled["columns_knots"][4], start["columns_knots"][4])
    assert jax.tree.map(jnp.shape, settled) == jax.tree.map(jnp.shape, dict(start))


def test_a_moment_at_which_many_training_events_begin_is_reported():
    rng = np.random.default_rng(0)
    x = candidates(2000, 1)
    epoch = np.concatenate([np.linspace(1325, 1352, 1600), 1340 + np.linspace(-0.01, 0.01, 400)])
    x["scalars"][:, 0, SCALARS.index("epoch")] = rng.permutation(epoch)
    start = started(NET, candidates(1, 1))["batch_stats"]
    settled = transit.settle(start, x)
    at = jnp.asarray([1340.0, 1330.0, jnp.nan], jnp.float32)
    within, wider, day, _ = jax.jit(candidate.alike_of)(jnp.zeros(3), at, settled)
    # A fifth of the epochs within 0.02 days of 1340, all the rest even: by hand.
    assert float(10 ** day[0]) == pytest.approx(0.2 + 0.8 * 2 / 27, abs=0.02)
    assert float(10 ** day[1]) == pytest.approx(0.8 * 2 / 27, abs=0.01)
    assert float(10 ** wider[1]) == pytest.approx(0.1, abs=0.03)
    assert float(10 ** within[0]) == pytest.approx(1, abs=0.05)
    assert np.isnan([within[2], wider[2], day[2]]).all()


def test_a_column_that_is_mostly_one_value_does_not_make_the_score_jump(variables):
    x = candidates(300, 1, seed=4)
    column = SCALARS.index("log_duration")
    x["scalars"][..., column] = 0.5
    x["scalars"][:6, 0, column] = np.linspace(1.0, 2.0, 6)
    variables = variables | {"batch_stats": transit.settle(variables["batch_stats"], x)}
    few = {name: np.repeat(v[10:30], 101, axis=0) for name, v in x.items()}
    few["scalars"][:, 0, column] = np.tile(np.linspace(0.5, 1.0, 101), 20)
    logits = np.asarray(applied(variables, few)).reshape(20, 101)
    assert np.median(np.ptp(logits, axis=1)) > 0.05
    # The floor between two knots is six of these steps wide: a jump would be all of the change in one.
    assert (np.abs(np.diff(logits)).max(axis=1) / np.ptp(logits, axis=1)).max() < 0.25


def test_rounding_of_a_constant_number_is_not_reported(variables):
    x = candidates(300, 1, seed=4)
    column = SCALARS.index("log_duration")
    x["scalars"][..., column] = 1.0
    settled = transit.settle(variables["batch_stats"], x)
    next_to_it = x | {"scalars": x["scalars"] * np.float32(1 - 1e-6)}
    scores = [np.asarray(applied(variables | {"batch_stats": settled}, y)) for y in (x, next_to_it)]
    np.testing.assert_allclose(*scores, atol=2e-3)


def test_training_changes_no_scaling(variables):
    def train(inputs):
        rngs = {"dropout": jax.random.key(0)}
        return NET.apply(variables, inputs, train=True, mutable=["batch_stats"], rngs=rngs)[1]

    updated = jax.jit(train)(candidates())
    assert jax.tree.all(jax.tree.map(np.array_equal, updated["batch_stats"], variables["batch_stats"]))


def test_the_gradient_is_that_of_finite_differences(variables):
    x = candidates(16, 1)

    def loss(p):
        return NET.apply(variables | {"params": p}, x, train=False).mean()

    params = variables["params"]
    both = jax.jit(jax.value_and_grad(loss))
    _, grad = both(params)
    for path, g in jax.tree_util.tree_leaves_with_path(grad):
        norm = float(jnp.linalg.norm(g))
        assert norm > 0, path
        # Along the leaf's own gradient the slope is its length; ReLUs bend within a larger step.
        h = 2e-3 / norm
        above, below = [both(moved(params, path, by))[0] for by in (h * g / norm, -h * g / norm)]
        slope = float(above - below) / (2 * h)
        assert slope == pytest.approx(norm, rel=0.05), path


def test_augmentation_keeps_what_is_absent_absent_and_what_must_stay():
    x = candidates(400, 1)
    x["half_view"][:] = 0
    out = jax.jit(transit.augment(0.02, 0.0))(jax.random.key(0), jax.tree.map(jnp.asarray, x), jnp.zeros(400))
    assert out.keys() == x.keys()
    assert not np.asarray(out["half_view"]).any()
    for name in BINS:
        view = out[name]
        assert not np.asarray(view)[..., :2][np.asarray(view)[..., 2] == 0].any(), name
    kept = {name: (np.asarray(out[name])[..., 2] > 0).any((1, 2)).mean() for name in BINS}
    assert kept["global_view"] == kept["local_view"] == 1
    assert 0.9 < kept["secondary_view"] < 0.99
    lost = np.isnan(out["scalars"]).mean() - np.isnan(x["scalars"]).mean()
    assert 0.02 < lost < 0.05
    gone = np.isnan(out["vetting"]).all(axis=(1, 2)).mean()
    assert 0.4 < gone < 0.6
    assert transit.augment(0.02, 0.0) is transit.augment(0.02, 0.0)


def test_the_weights_take_less_than_a_mebibyte():
    shapes = jax.eval_shape(lambda: NET.init(jax.random.key(0), candidates(1, 1), train=False))
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    assert count == 261_727
    assert 4 * count < 2**20


def test_halves_are_averaged_by_coverage_and_an_empty_one_is_left_out():
    view = np.zeros((1, 5, 3), np.float32)
    view[0, :, 2] = [1, 0, 1, 0.5, 0.5]
    view[0, :, 0] = np.sinh([1, 9, 3, 4, 7])
    folded = np.asarray(jax.jit(mirror_fold)(view))[0]
    np.testing.assert_allclose(folded[:, 0], [3, 4, (1 + 3.5) / 1.5], rtol=1e-5)
    np.testing.assert_allclose(folded[:, 1], [0, 0, 3], atol=1e-5)
    np.testing.assert_allclose(folded[:, 3], [1, 0.25, 0.75])


def test_measures_know_the_bins_that_are_there():
    view = np.zeros((2, 61, 3), np.float32)
    view[0, :40, 2] = 1
    view[0, :40, 0] = np.linspace(-1, 1, 40)
    measured = np.asarray(jax.jit(measure)(view, 0.5))
    assert measured.shape == (2, MEASURES)
    assert np.isnan(measured[1]).all()
    np.testing.assert_allclose(measured[0, :4], [0, np.linspace(-1, 1, 40).std(), -1, 1], atol=1e-5)


def test_no_figure_jumps_when_a_bin_passes_a_level():
    view = np.zeros((401, 61, 3), np.float32)
    view[..., 2] = 1
    view[:, :30, 0] = np.linspace(-2, 2, 401)[:, None]
    measured = np.asarray(jax.jit(measure)(view, 0.5))
    below = [FIGURES.index(f"below_{level:g}") for level in LEVELS]
    # Half of the bins go from -2 to 2 by hundredths of the depth: from below every level to above it, by and by.
    assert np.all(np.ptp(measured[:, below], axis=0) > 0.45)
    assert np.abs(np.diff(measured, axis=0)).max() < 0.06
    at = [round((level + 2) * 100) for level in LEVELS]
    other = [1.0 if level > 0 else 0.0 for level in LEVELS]
    # A bin that is on a level counts half.
    for row, column, rest in zip(at, below, other):
        assert measured[row, column] == pytest.approx((30 * 0.5 + 31 * rest) / 61, abs=0.01)


def test_places_average_a_constant_to_itself_at_any_length():
    for length in (1, 3, 12, 101):
        np.testing.assert_allclose(place(jnp.full((2, length, 3), 2.0), 12), np.full((2, 12, 3), 2.0), rtol=1e-5)


def test_a_difference_needs_both():
    first, second = (jnp.asarray(candidates(3, 1)[name][:, 0]) for name in ("odd_view", "even_view"))
    d = difference(first, second)
    assert np.array_equal(d, difference(second, first))
    assert not np.asarray(d)[..., :2][np.asarray(jnp.minimum(first[..., 2], second[..., 2])) == 0].any()
