"""Curves without signals: upside down, and shuffled in blocks."""

from __future__ import annotations

import numpy as np

from exojax.injection.nulls import inverted, scrambled
from exojax.light_curves import EvenCurves

BLOCK = 25


def flat(n: int = 3, size: int = 640, last: int = 601) -> EvenCurves:
    rng = np.random.default_rng(0)
    weight = (rng.random((n, size)) > 0.2).astype(np.float32)
    weight[:, last] = 1
    weight[:, last + 1 :] = 0
    flux = np.where(weight > 0, np.arange(1, size + 1) + 1000 * np.arange(n)[:, None], 0).astype(np.float32)
    return EvenCurves(np.zeros(n), flux, weight, np.ones(n, np.float32), 0.02, np.zeros((n, size, 2), np.float32))


def test_inverted_turns_the_flux_alone() -> None:
    given = flat()
    turned = inverted(given)
    np.testing.assert_array_equal(turned.flux, -given.flux)
    assert turned.weight is given.weight


def test_scrambling_moves_whole_blocks_with_their_gaps() -> None:
    given = flat()
    moved = scrambled(given, BLOCK, np.random.default_rng(1))
    for row in range(3):
        before = list(zip(given.flux[row, :602].tolist(), given.weight[row, :602].tolist()))
        after = list(zip(moved.flux[row, :602].tolist(), moved.weight[row, :602].tolist()))
        assert sorted(before) == sorted(after)
        assert before != after
        assert not moved.weight[row, 602:].any()
        # Flux counts cadences, and weight tells which were measured: a block goes on where the last cadence was.
        place = moved.flux[row, :602] - 1000 * row - 1
        filled = np.flatnonzero(moved.weight[row, :602])
        jumps = np.count_nonzero(np.diff(place[filled]) != np.diff(filled))
        assert 0.7 * 602 / BLOCK < jumps <= 602 / BLOCK + 1
    assert moved.centroid is None


def test_stars_are_scrambled_differently_and_the_seed_decides() -> None:
    given = flat()
    first, again = (scrambled(given, BLOCK, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.flux, again.flux)
    other = scrambled(given, BLOCK, np.random.default_rng(8))
    assert (first.flux != other.flux).any()
    order = first.flux - 1000 * np.arange(3)[:, None]
    both = (first.weight[0] > 0) & (first.weight[1] > 0)
    assert np.mean(order[0, both] == order[1, both]) < 0.5
    assert given.flux[0, 601] == 602


def test_a_star_without_weight_stays_empty() -> None:
    given = flat()
    given.weight[1] = 0
    moved = scrambled(given, BLOCK, np.random.default_rng(1))
    assert not moved.weight[1].any()
