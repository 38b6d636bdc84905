"""The synthetic sky as a whole: counts, the rule for positives, determinism, masks, files."""

import csv
from dataclasses import replace
from pathlib import Path

import batman
import numpy as np
import pytest
from documented import assert_columns_explained

from exojax.config import SimulateConfig
from exojax.errors import InputError
from exojax.light_curves import LightCurves
from exojax.simulate.population import CADENCE, Truth, simulate, write_truth

CONFIG = SimulateConfig(n_stars=300, host_fraction=0.1, n_cadences=1200, seed=3)
Sky = tuple[LightCurves, Truth]


@pytest.fixture(scope="module")
def sky() -> Sky:
    return simulate(CONFIG)


def test_containers(sky: Sky) -> None:
    curves, truth = sky
    assert curves.flux.shape == (300, 1200)
    assert curves.absolute
    assert not curves.catalogued
    assert curves.time.strides[0] == 0
    assert list(curves.id[:2]) == ["sim3:0", "sim3:1"]
    np.testing.assert_array_equal(curves.id, truth.id)
    np.testing.assert_array_equal(curves.label, truth.label)
    np.testing.assert_array_equal(curves.kind, truth.kind)
    assert curves.label.dtype == np.int8
    assert np.all(np.isfinite(curves.flux))
    medians = [np.median(flux[valid]) for flux, valid in zip(curves.flux, curves.valid)]
    np.testing.assert_allclose(medians, 1, atol=1e-6)


@pytest.mark.parametrize(
    ("n_stars", "fraction", "hosts"), [(64, 0.1, 6), (64, 0.0, 0), (20, 1.0, 20), (1, 0.0, 0), (257, 0.02, 5)]
)
def test_exactly_so_many_positives(n_stars: int, fraction: float, hosts: int) -> None:
    curves, truth = simulate(SimulateConfig(n_stars=n_stars, host_fraction=fraction, n_cadences=1200, seed=1))
    assert len(curves) == n_stars
    assert curves.label.sum() == hosts
    unseen = (truth.kind == "planet") & ~truth.visible
    assert unseen.sum() <= round(0.03 * n_stars)
    assert not np.any(curves.label[unseen])


def test_same_seed_same_bits_other_seed_other_stars(sky: Sky) -> None:
    curves, truth = simulate(CONFIG)
    np.testing.assert_array_equal(curves.flux, sky[0].flux)
    np.testing.assert_array_equal(curves.valid, sky[0].valid)
    np.testing.assert_array_equal(truth.period, sky[1].period)
    assert curves.sha256 == sky[0].sha256
    other, _ = simulate(replace(CONFIG, seed=4))
    assert other.sha256 != curves.sha256
    assert not np.any(np.all(other.flux == curves.flux, axis=1))


def test_a_star_does_not_depend_on_how_many_there_are(sky: Sky) -> None:
    few, truth = simulate(replace(CONFIG, n_stars=100))
    same = (truth.kind != "planet") & (sky[1].kind[:100] != "planet")
    assert same.sum() > 50
    np.testing.assert_array_equal(few.flux[same], sky[0].flux[:100][same])
    hosts = sky[1].period[sky[1].label == 1]
    assert np.all(np.isin(truth.period[truth.label == 1], hosts))


def test_no_two_stars_share_their_noise(sky: Sky) -> None:
    steps = np.diff(np.where(sky[0].valid, sky[0].flux, 1), axis=1)
    steps = np.clip(steps / np.median(np.abs(steps), axis=1, keepdims=True), -4, 4)
    likeness = np.corrcoef(steps) - np.eye(len(steps))
    assert np.quantile(np.abs(likeness), 0.999) < 0.9
    assert np.median(np.abs(likeness)) < 0.1


def test_labels_follow_the_rule_recomputed_with_batman(sky: Sky) -> None:
    curves, truth = sky
    time = curves.time[0]
    rows = np.flatnonzero(truth.kind == "planet")
    assert np.count_nonzero(~truth.visible[rows]) > 3
    for row in rows:
        params = batman.TransitParams()
        params.t0, params.per, params.rp = truth.t0[row], truth.period[row], truth.radius_ratio[row]
        params.a, params.ecc, params.w = truth.scaled_axis[row], 0.0, 90.0
        params.inc = np.degrees(np.arccos(truth.impact[row] / params.a))
        params.limb_dark, params.u = "quadratic", [truth.u1[row], truth.u2[row]]
        model = batman.TransitModel(params, time, max_err=0.1, supersample_factor=11, exp_time=CADENCE * 10 / 11)
        deficit = 1.0 - model.light_curve(params)
        snr = np.sqrt(np.sum(deficit[curves.valid[row]] ** 2)) / truth.noise[row]
        half = 0.5 * truth.duration[row]
        mids = np.arange(truth.t0[row] - truth.period[row], time[-1] + truth.period[row], truth.period[row])
        count = sum(bool(np.any(np.abs(time[curves.valid[row]] - mid) < half)) for mid in mids)
        assert truth.snr[row] == pytest.approx(snr, rel=2e-3)
        assert truth.n_transits[row] == count
        assert curves.label[row] == (snr >= 7.1 and count >= 2)
        assert truth.depth[row] <= 1.5 * truth.radius_ratio[row] ** 2


def test_injected_transits_are_in_the_flux(sky: Sky) -> None:
    """In the measured flux, inside against just before and after, at the truth's ephemeris."""
    curves, truth = sky
    bright = np.flatnonzero((truth.label == 1) & (truth.snr > 40) & (truth.duration > 3 * CADENCE))
    assert bright.size >= 3
    for row in bright:
        time, flux = curves.time[row][curves.valid[row]], curves.flux[row][curves.valid[row]]
        depths = []
        for mid in np.arange(truth.t0[row], time[-1], truth.period[row]):
            away = np.abs(time - mid) / truth.duration[row]
            inside, beside = flux[away < 0.25], flux[(away > 0.6) & (away < 1.5)]
            if inside.size and beside.size:
                depths.append(np.median(beside) - np.median(inside))
        assert np.median(depths) == pytest.approx(truth.depth[row], rel=0.4)


def test_scatter_grows_with_magnitude_as_photon_noise_does(sky: Sky) -> None:
    curves, truth = sky
    quiet = (truth.kind == "quiet") & (truth.noise > 3e-4)
    steps = np.abs(np.diff(curves.flux[quiet], axis=1))
    both = curves.valid[quiet][:, 1:] & curves.valid[quiet][:, :-1]
    scatter = 1.4826 * np.array([np.median(s[b]) for s, b in zip(steps, both)]) / np.sqrt(2)
    ratio = scatter / truth.noise[quiet]
    assert np.quantile(ratio, 0.1) > 0.95
    assert np.median(ratio) < 1.25


def test_masks_share_the_campaign(sky: Sky) -> None:
    curves, _ = sky
    shared = curves.valid.any(axis=0)
    lost = ~shared
    assert lost.sum() > 1.0 / CADENCE  # the long gap and more
    assert np.all(curves.flux[~curves.valid] == 0)
    kept = curves.valid[:, shared].mean(axis=1)
    assert 0.97 < kept.mean() < 1
    assert np.unique(curves.valid.sum(axis=1)).size > 10


def test_closing_gaps_joins_the_pieces(sky: Sky) -> None:
    curves, truth = simulate(replace(CONFIG, close_gaps=True))
    shared = sky[0].valid.any(axis=0)
    assert curves.flux.shape == (300, shared.sum())
    np.testing.assert_array_equal(curves.flux, sky[0].flux[:, shared])
    np.testing.assert_array_equal(truth.snr, sky[1].snr)
    np.testing.assert_allclose(np.diff(curves.time[0]), CADENCE)
    assert curves.time_system == "assumed"
    assert curves.warnings
    assert sky[0].time_system == "simulated"
    assert not sky[0].warnings


def test_impostors_are_there_and_have_their_truth() -> None:
    curves, truth = simulate(SimulateConfig(n_stars=1500, host_fraction=0.0, n_cadences=1200, seed=9))
    share = {kind: np.mean(curves.kind == kind) for kind in ("binary", "pulsator", "quiet", "planet")}
    assert share["binary"] == pytest.approx(0.02, abs=0.01)
    assert share["pulsator"] == pytest.approx(0.03, abs=0.012)
    assert share["planet"] == 0
    binary = truth.kind == "binary"
    assert np.all(np.isfinite(truth.secondary_depth[binary]))
    assert np.all(np.isnan(truth.secondary_depth[~binary]))
    assert np.mean(truth.visible[binary]) > 0.7
    assert 0.1 < np.mean(truth.depth[binary] < 5e-3) < 0.6
    assert np.all(np.isnan(truth.period[truth.kind == "quiet"]))
    assert np.all(np.isfinite(truth.period[truth.kind == "pulsator"]))


def test_truth_file(sky: Sky, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    write_truth(sky[1], path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 300
    assert_columns_explained(path)
    assert {"id", "period_days", "t0_days", "depth"} <= set(rows[0])
    host = int(np.argmax(sky[1].label))
    assert float(rows[host]["period_days"]) == sky[1].period[host]
    assert rows[host]["visible"] == "1"
    quiet = int(np.argmax(sky[1].kind == "quiet"))
    assert rows[quiet]["period_days"] == ""
    assert [p.name for p in tmp_path.iterdir()] == ["truth.csv"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_stars", 0),
        ("host_fraction", 1.5),
        ("host_fraction", float("nan")),
        ("n_cadences", 50),
        ("seed", -1),
    ],
)
def test_settings_out_of_range(setting: str, value: float) -> None:
    with pytest.raises(InputError, match=setting) as error:
        simulate(replace(CONFIG, **{setting: value}))
    assert "\n" not in str(error.value)
