"""No split parts a star, nor two names of one star; every class is on both sides; order of rows is
nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.errors import InputError
from exojax.evaluation.split import folds, holdout, merge_groups


@st.composite
def populations(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw stars of several rows, some bit-identical to a row of another star: groups, labels,
    digests."""
    n_stars = draw(st.integers(14, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    star = rng.permutation(np.repeat(np.arange(n_stars), rng.integers(1, 4, n_stars)))
    labels = (star < draw(st.integers(5, n_stars - 8))).astype(np.int8)
    digests = np.array([f"d{i}" for i in range(len(star))])
    copies = rng.integers(len(star), size=(draw(st.integers(0, 3)), 2))
    digests[copies[:, 0]] = digests[copies[:, 1]]
    return np.array([f"star{s}" for s in star]), labels, digests


def parted(names: np.ndarray, side: np.ndarray) -> bool:
    return any(len(set(side[names == name])) > 1 for name in np.unique(names))


@settings(max_examples=60, deadline=None)
@given(populations(), st.integers(0, 99))
def test_no_star_and_no_row_on_both_sides(population, seed):
    groups, labels, digests = population
    merged = merge_groups(groups, digests)
    assert not parted(groups, merged)
    assert not parted(digests, merged)
    for side in (
        holdout(merged, labels, fraction=0.25, seed=seed),
        folds(merged, labels, k=2, seed=seed),
    ):
        assert not parted(groups, side)
        assert not parted(digests, side)


def test_merging_is_transitive_and_no_wider():
    groups = np.array(["a", "b", "c", "d", "e"])
    digests = np.array(["1", "1", "2", "2", "3"])
    assert merge_groups(groups, digests).tolist() == [0, 0, 1, 1, 2]
    assert merge_groups(np.array(["a", "b", "b", "c"]), np.array(["1", "1", "2", "2"])).tolist() == [
        0,
        0,
        0,
        0,
    ]


def test_holdout_is_stratified_seeded_and_blind_to_the_order_of_rows():
    groups = np.arange(1000)
    labels = (groups < 40).astype(int)
    held = holdout(groups, labels, fraction=0.15, seed=3)
    assert held[labels == 1].sum() == 6
    assert held[labels == 0].sum() == 144
    shuffled = np.random.default_rng(0).permutation(1000)
    assert np.array_equal(holdout(groups[shuffled], labels[shuffled], fraction=0.15, seed=3), held[shuffled])
    assert not np.array_equal(holdout(groups, labels, fraction=0.15, seed=4), held)


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_two_stars_of_a_class_go_to_either_side(fraction):
    labels = np.array([1, 1] + [0] * 20)
    held = holdout(np.arange(22), labels, fraction=fraction, seed=0)
    assert held[labels == 1].sum() == 1
    assert 0 < held[labels == 0].sum() < 20


def test_a_star_with_any_positive_row_is_a_host():
    groups = np.array(["a", "a", "b", "b", "c", "d"])
    labels = np.array([0, 1, 1, 0, 0, 0])
    held = holdout(groups, labels, fraction=0.5, seed=1)
    assert held[:2].all() != held[2:4].all()


def test_folds_are_even_in_each_class_and_differ_between_repeats():
    labels = (np.arange(103) < 11).astype(int)
    fold = folds(np.arange(103), labels, k=5, seed=0)
    for rows in (labels == 1, labels == 0, labels >= 0):
        sizes = np.bincount(fold[rows], minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert np.array_equal(fold, folds(np.arange(103), labels, k=5, seed=0))
    assert not np.array_equal(fold, folds(np.arange(103), labels, k=5, seed=0, repeat=1))
    assert not np.array_equal(fold, folds(np.arange(103), labels, k=5, seed=1))


def test_too_few_hosts_for_the_folds_are_refused_with_both_numbers():
    labels = np.array([1, 1, 1] + [0] * 20)
    with pytest.raises(InputError, match=r"3 planet hosts .* 5 folds; use 3"):
        folds(np.arange(23), labels, k=5, seed=0)
    # Three rows of one star are one host.
    with pytest.raises(InputError, match=r"1 planet hosts"):
        folds(np.array([0, 0, 0, *range(1, 21)]), labels, k=2, seed=0)


@pytest.mark.parametrize(("label", "words"), [(1, "planet hosts"), (0, "stars without planets")])
def test_one_class_only_is_refused(label, words):
    for split in (lambda g, y: holdout(g, y, fraction=0.2, seed=0), lambda g, y: folds(g, y, k=2, seed=0)):
        with pytest.raises(InputError, match=f"all 9 stars are {words}"):
            split(np.arange(9), np.full(9, label))


def test_the_kaggle_sizes_give_the_kaggle_test_file():
    labels = np.r_[np.ones(42, int), np.zeros(5615, int)]
    held = holdout(np.arange(5657), labels, fraction=570 / 5657, seed=0)
    assert (held.sum(), labels[held].sum()) == (570, 5)
