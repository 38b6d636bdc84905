"""Leaks made on purpose are found and named; rows without a leak are accepted."""

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.evaluation.leakage import check_disjoint, check_unseen, duplicates, row_digest, usable


def rows(n: int = 6, c: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    valid = rng.random((n, c)) > 0.1
    return np.where(valid, rng.normal(size=(n, c)), 0).astype(np.float32), valid


def test_digest_sees_one_bit_and_one_gap_but_not_padding():
    flux, valid = rows()
    before = row_digest(flux, valid)
    assert len(set(before)) == 6
    other = flux.copy()
    where = np.argmax(valid[2])
    other[2, where] = np.nextafter(other[2, where], np.float32(9))
    assert (row_digest(other, valid) != before).tolist() == [False, False, True, False, False, False]
    gap = valid.copy()
    gap[1, np.argmax(valid[1])] = False
    assert row_digest(flux, gap)[1] != before[1]
    junk = np.where(valid, flux, np.nan).astype(np.float32)
    assert np.array_equal(row_digest(junk, valid), before)
    padded = [np.pad(a, ((0, 0), (0, 9))) for a in (flux, valid)]
    assert np.array_equal(row_digest(*padded), before)


def test_digest_knows_minus_zero_and_empty_rows():
    one = np.array([[0.0, 1.0]], np.float32)
    yes = np.ones((1, 2), bool)
    assert row_digest(one, yes)[0] == row_digest(np.array([[-0.0, 1.0]], np.float32), yes)[0]
    assert row_digest(one, yes)[0] != row_digest(one, np.array([[False, True]]))[0]
    assert len(row_digest(one, ~yes)[0]) == 32


def test_a_gap_is_no_measured_zero():
    flux = np.array([[1, 0, 2], [1, 0, 2]], np.float32)
    first, second = row_digest(flux, np.array([[True, False, True], [True, True, True]]))
    assert first != second


def test_usable_rows():
    flux, valid = rows(5)
    flux[1] = 7
    valid[2] = False
    valid[3, 9:] = False
    flux[4, 0], valid[4, 0] = 1e9, True
    assert usable(flux, valid).tolist() == [True, False, False, False, True]
    # Only invalid cadences differ: still constant.
    flux[1, 3:5], valid[1, 3:5] = (99, -99), False
    assert not usable(flux, valid)[1]


def test_duplicates_leave_the_first_and_ignore_the_unusable():
    digests = np.array(["a", "b", "a", "c", "c", "a"])
    keep = np.array([True, True, True, False, False, True])
    assert duplicates(digests, keep).tolist() == [False, False, True, False, False, True]


def test_a_shared_star_between_parts_is_named():
    check_disjoint({"train": np.array(["1", "2"]), "val": np.array(["3"]), "test": np.array(["4"])})
    with pytest.raises(InputError, match=r"star 7 is in both the val and the test rows \(1 shared"):
        check_disjoint({"train": np.array(["1"]), "val": np.array(["2", "7"]), "test": np.array(["7", "4"])})


def test_made_up_leaks_into_an_evaluation_file_are_refused_by_name():
    flux, valid = rows()
    digests, ids = row_digest(flux, valid), np.array([f"kic{i}" for i in range(6)])
    seen, fresh = slice(0, 3), slice(3, 6)

    def check(names: np.ndarray, contents: np.ndarray, catalogued: bool) -> None:
        check_unseen(ids[seen], digests[seen], names, contents, catalogued=catalogued, file="test.npz")

    check(ids[fresh], digests[fresh], True)
    with pytest.raises(InputError, match=r"test\.npz: row 1 \(kic2\) is a star .*1 of 3"):
        check(np.array(["kic3", "kic2", "kic5"]), digests[fresh], True)
    # Row numbers name no star across files.
    check(ids[seen], digests[fresh], False)
    copied = np.append(digests[fresh], digests[0])
    for catalogued in (True, False):
        with pytest.raises(InputError, match=r"test\.npz: row 3 \(other\) is bit-identical"):
            check(np.append(ids[fresh], "other"), copied, catalogued)
