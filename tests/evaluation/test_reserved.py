"""Rows that no choice sees: the rule, and how many of each real set it sets aside."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from exojax.io import events, npz
from exojax.io.set_aside import chosen, is_set_aside

SHARED = Path(__file__).parents[2] / "../shared/data"


def test_the_rule():
    numbers = np.array([[757450, 10000490], [5, 11442793]])
    expected = [[int(hashlib.sha256(str(n).encode()).hexdigest(), 16) % 5 == 0 for n in row] for row in numbers]
    assert is_set_aside(numbers).tolist() == expected
    assert is_set_aside(numbers.astype(str)).tolist() == expected
    assert bool(is_set_aside(5)) is expected[1][0]
    assert is_set_aside(np.zeros((0,), int)).shape == (0,)


def test_a_fifth_is_set_aside_and_every_row_is_somewhere():
    ids = np.arange(5000).astype(str)
    aside = chosen(ids, "set-aside")
    assert 0.18 < aside.mean() < 0.22
    assert np.array_equal(chosen(ids, "rest"), ~aside)
    assert chosen(ids, "all").all()
    with pytest.raises(ValueError, match="rest, set-aside or all"):
        chosen(ids, "test")


@pytest.mark.parametrize(
    ("name", "read", "rows", "hosts"),
    [
        ("kepler_hosts_vs_fp.npz", npz.read, 202, 107),
        ("tess_tce_vetting.npz", events.read, 2852, 85),
    ],
)
def test_of_the_real_sets(name, read, rows, hosts):
    if not (SHARED / name).is_file():
        pytest.skip("needs the light curves of ../shared/data, which are not public")
    data = read(SHARED / name)
    aside = is_set_aside(data.id)
    assert (aside.sum(), data.label[aside].sum()) == (rows, hosts)
