"""Augmentation changes only what it promises; its numbers are compared with NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_up_inputs import made_up

from exojax.models import augment
from exojax.models.base import Network
from exojax.models.registry import MODELS
from exojax.runs.model_inputs import FOLDED

CADENCE = 0.02


def series_with_gaps(n=16, c=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, c)) < 0.1, 0, rng.standard_normal((n, c))).astype(np.float32)


LABELS = np.repeat([1.0, 0.0], 8).astype(np.float32)


def injected(series, *, share=1.0, seed=0, labels=LABELS, cadence=CADENCE):
    key = jax.random.key(seed)
    return np.asarray(augment.inject(key, jnp.asarray(series), jnp.asarray(labels), cadence=cadence, share=share))


def test_shift_turns_each_series_around_by_its_own_number():
    series = series_with_gaps()
    found = np.asarray(augment.shift(jax.random.key(0), jnp.asarray(series)))
    by = [next(k for k in range(400) if np.array_equal(np.roll(a, k), b)) for a, b in zip(series, found)]
    assert len(set(by)) > 12


def test_reverse_turns_about_half():
    series = np.tile(series_with_gaps(), (10, 1))
    found = np.asarray(augment.reverse(jax.random.key(0), jnp.asarray(series)))
    turned = (found == series[:, ::-1]).all(1)
    assert (turned | (found == series).all(1)).all()
    assert 50 < turned.sum() < 110


def test_noise_is_as_strong_as_configured_and_leaves_gaps():
    series = series_with_gaps(c=4000)
    found = np.asarray(augment.add_noise(jax.random.key(0), jnp.asarray(series), 0.2))
    assert not found[series == 0].any()
    assert (found - series)[series != 0].std() == pytest.approx(0.2, rel=0.02)


def test_only_hosts_are_replaced_and_only_by_others():
    series = series_with_gaps()
    found = injected(series)
    assert np.array_equal(found[8:], series[8:])
    # Each is a non-host of the batch minus a dip: nowhere brighter, gaps in place, most cadences untouched.
    donors = series[8:]
    assert (found[:8] <= donors).all()
    assert np.array_equal(found[:8] == 0, donors == 0)
    assert ((found[:8] == donors).mean(1) > 0.5).all()
    assert (found[:8] != donors).any(1).all()


def test_no_share_changes_nothing_and_a_share_is_a_share():
    series = series_with_gaps()
    assert np.array_equal(injected(series, share=0.0), series)
    changed = [(injected(series, share=0.3, seed=seed) != series).any(1)[:8].mean() for seed in range(60)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.07)


def test_a_host_is_no_donor():
    """Where the row opposite is a host too, its unknown transits must not get a second label."""
    series = series_with_gaps()
    assert np.array_equal(injected(series, labels=np.ones(16, np.float32)), series)


def test_signals_have_the_depth_duration_and_snr_they_claim():
    series = np.tile(np.where(np.random.default_rng(0).random((1, 1600)) < 0.1, 0, 1), (64, 1)).astype(np.float32)
    labels = np.repeat([1.0, 0.0], 32).astype(np.float32)
    signals = []
    for seed in range(8):
        dips = (series - injected(series, labels=labels, seed=seed))[:32].astype(np.float64)
        signals += list(dips)
    signals = np.array(signals)
    snr = np.sqrt((signals**2).sum(1))
    assert augment.LOWEST_SNR * 0.99 < snr.min() < 8
    assert 60 < snr.max() < augment.HIGHEST_SNR * 1.01
    # Log-uniform: the median is the geometric mean of the ends.
    assert np.median(snr) == pytest.approx(np.sqrt(augment.LOWEST_SNR * augment.HIGHEST_SNR), rel=0.2)
    share = (signals > 0.5 * signals.max(1, keepdims=True)).mean(1)
    assert share.max() < 0.25  # no longer in transit than a fifth of the time, but for one cadence at either end
    for dip in signals[:40]:
        first = np.flatnonzero(dip > 0)[0]
        run = np.flatnonzero(dip[first : first + 200] <= 0)
        assert run.size, "a transit ends"


@pytest.mark.parametrize("cadence", [0.02, 0.1])
def test_signals_repeat_with_one_period(cadence):
    series = np.ones((32, 800), np.float32)
    labels = np.repeat([1.0, 0.0], 16).astype(np.float32)
    for dip in (series - injected(series, labels=labels, cadence=cadence))[:16].astype(np.float64):
        inside = np.concatenate([[False], dip > 0.5 * dip.max(), [False]])
        edges = np.flatnonzero(np.diff(inside.astype(int)))
        starts, ends = edges[::2], edges[1::2]
        whole = (starts > 0) & (ends < 800)
        middles = (starts + ends)[whole] / 2
        if len(middles) > 2:
            assert np.ptp(np.diff(middles)) <= 2
            assert np.diff(middles).mean() * cadence > 0.45


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if isinstance(model, Network)])
def test_a_models_augmentation_keeps_shapes_and_is_one_object(name):
    model = MODELS[name]
    folded = {key: jnp.asarray(made_up(key, len(LABELS), 0)) for key in model.inputs if key in FOLDED}
    inputs = folded or {key: jnp.asarray(series_with_gaps()) for key in model.inputs}
    change = model.augment(CADENCE, 0.5)
    found = change(jax.random.key(0), inputs, jnp.asarray(LABELS))
    assert {k: (x.shape, x.dtype) for k, x in found.items()} == {k: (x.shape, x.dtype) for k, x in inputs.items()}
    # A number that is left out is NaN: unknown.
    assert jax.tree.all({k: bool(jnp.isfinite(x).all()) for k, x in found.items() if k not in ("scalars", "vetting")})
    # Another object would compile the training step again.
    assert model.augment(CADENCE, 0.5) is change
