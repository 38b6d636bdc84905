"""Defaults that depend on another setting."""

import pytest

from exojax.config import RunConfig, SearchConfig, from_dict
from exojax.errors import InputError


@pytest.mark.parametrize(
    ("duration_max", "window", "expected"), [(0.2, None, 2.0), (0.5, None, 2.0), (1.0, None, 4.0), (1.0, 3.0, 3.0)]
)
def test_the_detrending_window_holds_four_of_the_longest_transits(duration_max, window, expected):
    assert SearchConfig(duration_max=duration_max, window=window).window_days == expected


def test_a_stored_window_is_kept():
    assert from_dict(SearchConfig, {"window": 2, "duration_max": 1.0}, "config.json").window_days == 2.0
    assert from_dict(SearchConfig, {}, "config.json").window is None


def test_a_setting_that_decides_nothing_any_more_is_passed_over():
    """A run of before names the stars that were searched together."""
    before = {"model": "svc", "search": {"period_min": 0.5, "batch": 128}}
    assert from_dict(RunConfig, before, "config.json").search == SearchConfig(period_min=0.5)
    with pytest.raises(InputError, match=r"config\.json: SearchConfig has no field 'batches'"):
        from_dict(RunConfig, {"search": {"batches": 128}}, "config.json")
