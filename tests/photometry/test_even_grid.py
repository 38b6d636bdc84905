"""Every sample is averaged into its own cadence, with its own weight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.errors import InputError
from exojax.light_curves import LightCurves, shared_time
from exojax.photometry.resample import padded_size, segments, to_even

MINUTE = 1 / 1440


def curves(
    time: np.ndarray, flux: np.ndarray, valid: np.ndarray | None = None, *, cadence: float, **more: object
) -> LightCurves:
    flux = np.asarray(flux, np.float32)
    return LightCurves(
        id=np.arange(len(flux)).astype(str),
        time=time,
        flux=flux,
        valid=np.ones(flux.shape, bool) if valid is None else valid,
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=cadence,
        time_system="BKJD",
        source="made.npz",
        sha256="",
        **more,
    )


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return (1 + 1e-3 * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


@given(st.integers(1, 10**6))
def test_padded_sizes_are_few_and_waste_little(n: int) -> None:
    size = padded_size(n)
    assert size >= n
    assert size < max(17, n * 1.126)
    assert padded_size(size) == size


def test_there_are_eight_sizes_an_octave() -> None:
    assert len({padded_size(n) for n in range(1025, 2049)}) == 8


def test_even_samples_keep_their_places_around_gaps() -> None:
    rng = np.random.default_rng(1)
    valid = rng.random((3, 300)) > 0.2
    valid[1, :7] = False
    valid[2, 250:] = False
    flux = np.where(valid, noise(3, 300), 0)
    cadence = 29.4244 * MINUTE
    light = curves(shared_time(3, 300, cadence) + 1234.5, flux, valid, cadence=cadence)
    even = to_even(light)
    assert even.flux.shape == (3, 298)
    assert even.cadence == cadence
    assert (even.flux.dtype, even.weight.dtype, even.start.dtype) == (np.float32, np.float32, np.float64)
    for row in range(3):
        first = valid[row].argmax()
        assert even.start[row] == pytest.approx(1234.5 + first * cadence, abs=1e-6)
        np.testing.assert_array_equal(even.weight[row, : 300 - first], valid[row, first : first + 298])
        np.testing.assert_array_equal(even.flux[row, : 300 - first], flux[row, first : first + 298])
        assert not even.weight[row, 300 - first :].any()
    assert np.isnan(even.scatter).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), cadence=st.sampled_from([20 / 86400, 2 * MINUTE, 29.4244 * MINUTE]))
def test_no_sample_is_further_than_half_a_cadence_and_none_is_lost(seed: int, cadence: float) -> None:
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 500 * cadence, (2, 400)), axis=1) + 2454833.0
    time = rng.permuted(time, axis=1)
    # Flux that tells the time; what lies in a cadence must then have the cadence's time.
    flux = (time - 2454833.0) / cadence
    even = to_even(curves(time, flux, cadence=cadence))
    when = (even.start[:, None] - 2454833.0 + even.cadence * np.arange(even.flux.shape[1])) / cadence
    filled = even.weight > 0
    assert (np.abs(even.flux - when)[filled] <= 0.5 * even.cadence / cadence + 1e-3).all()


def test_short_cadences_are_binned_to_ten_minutes_by_fives() -> None:
    time = 1325.3 + 2 * MINUTE * np.arange(503)
    flux = noise(1, 503)
    even = to_even(curves(time[None], flux, cadence=2 * MINUTE))
    assert even.cadence == pytest.approx(10 * MINUTE)
    np.testing.assert_array_equal(even.weight[0, :101], [1] * 100 + [np.float32(round(64 * 3 / 5) / 64)])
    np.testing.assert_allclose(even.flux[0, :100], flux[0, :500].reshape(100, 5).mean(1), rtol=1e-6)
    # The middle of the first five samples.
    assert even.start[0] == pytest.approx(time[2], abs=1e-6)
    assert to_even(curves(time[None], flux, cadence=2 * MINUTE), shortest=2 / 24).cadence == pytest.approx(20 * MINUTE)
    assert to_even(curves(time[None], flux, cadence=20 * MINUTE)).cadence == 20 * MINUTE


def test_weights_are_64ths_up_to_4() -> None:
    # Mostly 4 samples a cadence, then 1, 3, and 30.
    time = np.concatenate([np.repeat(np.arange(100.0), 4), [100.0], np.repeat(101.0, 3), np.repeat(102.0, 30)])
    even = to_even(curves(time[None], noise(1, len(time)), cadence=1.0), cadence=1.0)
    assert even.weight[0, 0] == pytest.approx(4 / 6, abs=0.01)
    assert even.weight[0, 102] == 4
    np.testing.assert_array_equal(even.weight * 64, np.rint(even.weight * 64))


def test_drifting_times_share_the_error_between_both_sides() -> None:
    """A year of barycentric correction in the ecliptic: the true times stay within 0.3 of a cadence."""
    cadence = 29.4244 * MINUTE
    even_time = cadence * np.arange(17500)
    time = even_time + 499 / 86400 * np.cos(2 * np.pi * even_time / 365.25)
    even = to_even(curves(time[None], noise(1, time.size), cadence=cadence))
    assert (even.weight[0, :17500] == 1).mean() > 0.9999
    error = time - even.start[0] - even_time
    assert np.abs(error).max() < 0.3 * cadence


def test_stars_that_cannot_be_searched_have_no_weight() -> None:
    valid = np.ones((4, 50), bool)
    valid[1] = False
    flux = noise(4, 50)
    flux[0] = 1.0
    valid[3, 1:] = False
    light = curves(shared_time(4, 50, 0.02), np.where(valid, flux, 0), valid, cadence=0.02)
    even = to_even(light)
    np.testing.assert_array_equal(even.weight.any(axis=1), [False, False, True, False])
    assert np.isfinite(even.flux).all()
    assert np.isfinite(even.start).all()
    none = to_even(light.take(np.array([0, 1])))
    assert none.weight.shape == (2, 1)


def test_padded_rows_and_the_order_of_times_do_not_matter() -> None:
    time, flux = 0.02 * np.arange(60), noise(1, 60)
    plain = to_even(curves(time[None], flux, cadence=0.02))
    order = np.random.default_rng(0).permutation(60)
    padded_time = np.concatenate([time[order], [np.nan] * 5])[None]
    padded_flux = np.concatenate([flux[0, order], np.zeros(5, np.float32)])[None]
    valid = np.isfinite(padded_time)
    other = to_even(curves(padded_time, padded_flux, valid, cadence=0.02))
    np.testing.assert_array_equal(plain.flux, other.flux)
    np.testing.assert_array_equal(plain.weight, other.weight)


def test_centroids_are_relative_to_their_segments_median() -> None:
    time = np.concatenate([0.02 * np.arange(99), 10 + 0.02 * np.arange(99)])[None]
    centroid = np.full((1, 198, 2), 500.0, np.float32)
    centroid[0, 99:] = 100.0
    centroid[0, 20, 0] += 0.25
    centroid[0, 120, 1] -= 0.5
    centroid[0, 30] = np.nan
    even = to_even(curves(time, noise(1, 198), cadence=0.02, centroid=centroid))
    assert even.centroid is not None
    assert even.centroid.shape == (1, 599, 2)
    expected = np.zeros((1, 599, 2))
    expected[0, 20, 0], expected[0, 500 + 21, 1] = 0.25, -0.5
    np.testing.assert_allclose(even.centroid, expected, atol=1e-4)


def test_segments_count_gaps() -> None:
    weight = np.array([[0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(segments(weight, 2), [[0] * 8 + [1] * 3, [0] * 11])


def test_times_in_seconds_are_refused_by_the_stars_name() -> None:
    time = np.array([[0.0, 86400.0 * 100]])
    with pytest.raises(InputError, match=r"^made.npz: star 0: its times span 8640000 days.*days, or a longer cadence$"):
        to_even(curves(time, noise(1, 2), cadence=0.02))


def test_a_grid_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="100 cadences do not fit into 64"):
        to_even(curves(0.02 * np.arange(100.0)[None], noise(1, 100), cadence=0.02), n_cadences=64)


def test_errors_weigh_samples() -> None:
    time, error = np.arange(200) * 0.02, np.full((1, 200), 1e-3, np.float32)
    flux = noise(1, 200)
    plain = to_even(curves(time[None], flux, cadence=0.02))
    same = to_even(curves(time[None], flux, cadence=0.02, flux_err=error * np.linspace(0.95, 1.05, 200, dtype="f4")))
    np.testing.assert_array_equal(same.weight, plain.weight)
    np.testing.assert_array_equal(same.flux, plain.flux)
    error[0, 50:80] *= 2
    error[0, 80:100] *= 20
    error[0, 100:103] = [np.nan, 0, -1]
    even = to_even(curves(time[None], flux, cadence=0.02, flux_err=error))
    np.testing.assert_array_equal(even.weight[0, 50:80], 0.25)
    # Less than a 128th: nothing of it is left, and no flux without a weight.
    np.testing.assert_array_equal(even.weight[0, 80:100], 0)
    np.testing.assert_array_equal(even.flux[0, 80:100], 0)
    np.testing.assert_array_equal(even.weight[0, 100:103], 1)
    np.testing.assert_array_equal(even.flux[0, :80], flux[0, :80])


def test_samples_of_one_cadence_are_averaged_by_their_errors() -> None:
    time = np.repeat(np.arange(100) * 0.02, 2) + np.tile([-0.001, 0.001], 100)
    flux = np.tile([1.0, 1.01], 100)[None] + noise(1, 200) * 1e-6
    error = np.tile([1e-3, 2e-3], 100)[None].astype(np.float32)
    even = to_even(curves(time[None], flux, cadence=0.02, flux_err=error), cadence=0.02)
    # The median error is 1.5e-3: weights 2.25 and 0.5625.
    np.testing.assert_allclose(even.flux, 1 + 0.01 / 5, atol=1e-5)
    np.testing.assert_allclose(even.weight, (2.25 + 0.5625) / 2, atol=1 / 128)
