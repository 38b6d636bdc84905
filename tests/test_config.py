"""Defaults that depend on another setting."""

import pytest

from exojax.config import SearchConfig, from_dict


@pytest.mark.parametrize(
    ("duration_max", "window", "expected"), [(0.2, None, 2.0), (0.5, None, 2.0), (1.0, None, 4.0), (1.0, 3.0, 3.0)]
)
def test_the_detrending_window_holds_four_of_the_longest_transits(duration_max, window, expected):
    assert SearchConfig(duration_max=duration_max, window=window).window_days == expected


def test_a_stored_window_is_kept():
    assert from_dict(SearchConfig, {"window": 2, "duration_max": 1.0}, "config.json").window_days == 2.0
    assert from_dict(SearchConfig, {}, "config.json").window is None
