"""Simulated systematics: gaps, the six-hour sawtooth, upward outliers, jumps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax.simulate.systematics import CADENCE, Campaign, draw_campaign, observe, observed

N = 3197


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return draw_campaign(np.random.default_rng(5), N)


def test_campaign_has_one_long_gap_near_the_middle(campaign: Campaign) -> None:
    edges = np.flatnonzero(np.diff(np.r_[True, campaign.valid, True].astype(int)))
    lengths = (edges[1::2] - edges[::2]) * CADENCE
    longest = np.argmax(lengths)
    assert 0.95 < lengths[longest] < 3.5
    assert 0.35 < edges[2 * longest] / N < 0.65
    assert np.sort(lengths)[-2] < 0.6
    assert 0.9 < campaign.valid.mean() < 0.99
    assert campaign.time.dtype == np.float64


def test_roll_is_a_six_hour_sawtooth_that_turns_in_mid_campaign(campaign: Campaign) -> None:
    assert np.abs(campaign.roll).max() < 1.0
    start = campaign.roll[:1200]
    power = np.abs(np.fft.rfft(start - start.mean()))
    frequency = np.fft.rfftfreq(1200, CADENCE)
    assert 24 / frequency[5 + np.argmax(power[5:])] == pytest.approx(5.9, abs=0.05)
    slope = np.median(np.diff(campaign.roll[:600])), np.median(np.diff(campaign.roll[-600:]))
    assert slope[0] < 0 < slope[1]


def test_losses_stay_inside_the_campaign(campaign: Campaign) -> None:
    keys = jax.random.split(jax.random.key(0), 400)
    valid = np.asarray(jax.vmap(observed, in_axes=(0, None))(keys, campaign.valid))
    assert not np.any(valid & ~campaign.valid)
    lost = 1 - valid.sum(axis=1) / campaign.valid.sum()
    assert 0.005 < np.median(lost) < 0.015
    assert 0.02 < np.mean(lost > 0.021) < 0.12
    assert lost.max() < 0.06


@pytest.fixture(scope="module")
def watched(campaign: Campaign) -> np.ndarray:
    keys = jax.random.split(jax.random.key(1), 300)
    ones = jnp.ones(N, jnp.float32)
    read = jax.jit(jax.vmap(lambda key: observe(key, ones, jnp.float32(1e-4), jnp.asarray(campaign.roll))))
    return np.asarray(read(keys), np.float64)


def test_white_noise_outliers_and_jumps(watched: np.ndarray) -> None:
    steps = np.diff(watched, axis=1) / 1e-4
    scatter = 1.4826 * np.median(np.abs(steps)) / np.sqrt(2)
    assert 1.0 < scatter < 1.3
    # an outlier stands out against both neighbours, a jump against one
    peaks = np.minimum(steps[:, :-1], -steps[:, 1:])
    dips = np.minimum(-steps[:, :-1], steps[:, 1:])
    up, down = np.mean(peaks > 8), np.mean(dips > 8)
    assert 2e-4 < up < 2e-3
    assert down < 0.2 * up
    assert dips.max() < 40
    level = np.median(watched[:, 1:].reshape(300, 17, 188), axis=2)
    shifts = np.abs(np.diff(level, axis=1)).max(axis=1)
    assert 0.02 < np.mean(shifts > 1e-3) < 0.6


def test_sawtooth_follows_the_roll(watched: np.ndarray, campaign: Campaign) -> None:
    """Stars differ in size and sign of their response, but the roll is the same for all."""
    smooth = watched[:, :600] - np.median(watched[:, :600].reshape(300, 50, 12), axis=2).repeat(12, axis=1)
    roll = campaign.roll[:600] - campaign.roll[:600].mean()
    clipped = np.clip(smooth, -5e-4, 5e-4)
    response = clipped @ roll / np.sum(roll**2)
    assert 1e-4 < response.std() < 1e-3
    assert 0.35 < np.mean(response > 0) < 0.65
