"""Depths of odd and even transits are LEO-Vetter's on the same curves."""

import math

import pytest
from sample_curves import again, leo, quietly, series

from exojax.vetting.odd_even import odd_even


@pytest.mark.parametrize(("period", "alternate"), [(7.3, 0.0), (7.3, 5e-4), (2.3, -4e-4)])
def test_depths_are_those_of_leo_vetter(period: float, alternate: float) -> None:
    ours = series(period, 0.11, alternate=alternate, red=1e-4)
    theirs = leo(ours)
    from leo_vetter import oddeven

    quietly(oddeven.box, theirs)
    found = odd_even(ours)
    pairs = {"odd": "odd_dep", "even": "even_dep", "odd_error": "odd_dep_err", "even_error": "even_dep_err"}
    for mine, name in (pairs | {"sigma": "sig_dep"}).items():
        assert getattr(found, mine) == pytest.approx(theirs.metrics[name], rel=1e-6), mine


def test_a_binary_at_half_its_period_fails_and_a_planet_passes() -> None:
    assert odd_even(series(2.3, 0.11, alternate=8e-4)).verdict == "fail"
    assert odd_even(series(2.3, 0.11)).verdict == "pass"
    assert odd_even(series(2.3, 0.11, depth=2e-3, alternate=1e-3)).ratio > 0.2


def test_one_parity_is_not_known() -> None:
    found = odd_even(again(series(), period=70.0))
    assert found.verdict == "not known"
    assert math.isnan(found.even)
    assert odd_even(again(series(), period=float("nan"))).verdict == "not known"
