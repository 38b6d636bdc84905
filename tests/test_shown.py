"""What a network is shown of a candidate: better candidates of the star hidden, numbers as they were found."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from exojax.folded import SCALARS
from exojax.search.grid import transit_duration
from exojax.shown import Detection, folded_period, hide, shown

SIZE = 400
NAN = np.float32(np.nan)


def column(*values: float) -> jnp.ndarray:
    return jnp.asarray(values, jnp.float32)


def hidden(period: float, other: tuple[float, float, float]) -> np.ndarray:
    left = hide(jnp.ones((1, SIZE)), column(period), tuple(column(x) for x in other))
    return np.flatnonzero(np.asarray(left)[0] == 0)


def test_transits_of_another_candidate_are_hidden_and_nothing_else() -> None:
    # Three quarters of 8 cadences on either side of 30, 130, 230 and 330.
    expected = np.concatenate([middle + np.arange(-6, 7) for middle in (30, 130, 230, 330)])
    np.testing.assert_array_equal(hidden(37.0, (100.0, 30.0, 8.0)), expected)
    # A single transit is hidden once.
    np.testing.assert_array_equal(hidden(37.0, (np.nan, 200.0, 8.0)), 200 + np.arange(-6, 7))
    assert len(hidden(37.0, (100.0, 30.0, np.nan))) == 0


@pytest.mark.parametrize("multiple", [0.5, 1.0, 2.0, 1.008])
def test_a_binary_keeps_its_other_eclipse(multiple: float) -> None:
    assert len(hidden(100.0 * multiple, (100.0, 30.0, 8.0))) == 0
    assert len(hidden(100.0 * multiple * 1.03, (100.0, 30.0, 8.0))) > 0


def test_a_single_transit_meets_nothing_but_itself() -> None:
    np.testing.assert_array_equal(folded_period(column(7.0, np.nan), SIZE), [7.0, 2 * SIZE])


def numbers(absolute: bool) -> list[dict[str, float]]:
    """Of a planet with a depth of 2 % by the fold, and of a single transit, around a star of half solar density."""
    flux = np.zeros((2, SIZE), np.float32)
    flux[0, np.abs((np.arange(SIZE) - 20) % 50 - 0) < 3] = -0.02
    flux[1, 200:206] = -0.02
    found = Detection(
        period=column(50, np.nan), period_min=column(np.nan, 300), t0=column(22, 203), duration=column(5, 6),
        depth=column(0.01, 0.01), snr=column(100, 10), snr_red=column(50, 8), sde=column(9, np.nan),
        n_transits=column(8, 1), odd_even_sigma=column(0.5, np.nan), secondary_sigma=column(1.5, np.nan),
        secondary_phase=column(0.5, 0.3), centroid_sigma=column(np.nan, np.nan),
    )  # fmt: skip
    made = shown(
        jnp.asarray(flux), jnp.ones((2, SIZE)), column(0.001, 0.001), found, column(0.5, np.nan), column(12, np.nan),
        jnp.float32(0.02), absolute=absolute, global_bins=40, local_bins=20,
    )  # fmt: skip
    # Folded at twice the curve, a single transit has no second event to be compared with.
    assert not np.asarray(made["secondary_view"])[1].any()
    return [dict(zip(SCALARS, row.tolist())) for row in np.asarray(made["scalars"], np.float64)]


def test_numbers_are_in_days_and_for_the_star() -> None:
    planet, single = numbers(absolute=True)
    told = {"log_period": 0, "log_duration": -1, "log_depth": -2, "log_snr": 2, "sde": 9, "mag": 12}
    told |= {"log_snr_red": np.log10(50), "log_n_transits": np.log10(8), "secondary_sigma": 1.5}
    told |= {"duration_ratio": 0.1 / float(transit_duration(1.0, 0.5))}
    for name, value in told.items():
        assert planet[name] == pytest.approx(value, abs=1e-5), name
    assert planet["log_view_depth"] == pytest.approx(np.log10(0.02), abs=0.02)
    assert planet["log_depth_scatters"] == pytest.approx(np.log10(20), abs=0.02)
    for name in ("centroid_sigma", "tess_depth", "epoch"):
        assert np.isnan(planet[name])
    assert np.isnan(single["log_period"])
    # Of an unknown star a sunlike one is expected, and of an unknown period the shortest.
    assert single["duration_ratio"] == pytest.approx(0.12 / float(transit_duration(6.0, 1.0)), rel=1e-5)


def test_without_an_absolute_scale_depths_are_unknown_but_in_scatters() -> None:
    planet, _ = numbers(absolute=False)
    assert np.isnan(planet["log_depth"])
    assert np.isnan(planet["log_view_depth"])
    assert planet["log_depth_scatters"] == pytest.approx(np.log10(20), abs=0.02)
