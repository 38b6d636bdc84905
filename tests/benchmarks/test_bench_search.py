"""The stars that searches are compared on, and the arithmetic of the comparison. Nothing here is timed."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import commands as bench_commands
from benchmarks import detection as bench_detection
from benchmarks import peers as bench_peers
from benchmarks import search as bench_search
from benchmarks import stars as bench_stars
from benchmarks.stars import CADENCE, N_CADENCES
from exojax.light_curves import LightCurves, shared_time


@pytest.fixture(scope="module")
def planets() -> dict[str, np.ndarray]:
    return bench_stars.injected(seed=4)


def test_injected_planets_have_the_stated_snr_and_ephemeris(planets):
    quiet, valid = bench_stars.quiet_stars(4, 1, 384)
    dip = np.where(valid, quiet - planets["flux"], 0)
    assert (valid == planets["valid"]).all()
    np.testing.assert_allclose(np.sqrt((dip**2).sum(axis=1)), planets["snr"], rtol=2e-3)
    period, duration = planets["period"], planets["duration"]
    assert 0.52 < period.min() < 0.8
    assert 15 < period.max() < 25
    assert (duration >= 1 / 24).all()
    assert (duration <= 0.5).all()
    since = np.arange(N_CADENCES) * CADENCE - planets["t0"][:, None]
    epoch = np.round(since / period[:, None])
    inside = dip > 1e-3
    assert (np.abs(since - epoch * period[:, None])[inside] < np.repeat(duration, inside.sum(1)) / 2 + CADENCE).all()
    assert all(len(set(number[here])) >= 2 for number, here in zip(epoch, inside))


def test_a_star_does_not_depend_on_how_many_are_made():
    whole, part = bench_stars.null(6, seed=3), bench_stars.null(2, seed=3, first=4)
    assert (whole["flux"][4:] == part["flux"]).all()
    assert (whole["valid"][4:] == part["valid"]).all()
    assert (whole["flux"][0] != bench_stars.null(1, seed=5)["flux"][0]).any()
    assert not whole["snr"].any()


def test_natural_grid_drifts_by_a_cadence_over_the_curve():
    for periods, durations in bench_peers.natural_grid():
        steps = np.diff(periods)
        assert (steps > 0).all()
        assert (steps / periods[:-1] * N_CADENCES <= 1.5).all()
        assert durations.max() <= max(periods.min() / 4, 6 * CADENCE)
    assert sum(len(periods) for periods, _ in bench_peers.natural_grid()) == 12510


@pytest.mark.parametrize("peer", ["GERBLS", "astropy BLS, oversampling 2"])
def test_peers_find_an_easy_planet(peer, planets):
    pytest.importorskip(bench_peers.PEERS[peer][0], reason=f"{peer} is not installed: pip install -e '.[bench]'")
    stars = {name: column[-1:] for name, column in planets.items()}
    flux = stars["flux"] - bench_stars.quiet_stars(4, 1, 384)[0][-1:] + bench_stars.white(1)["flux"]
    found = bench_peers.search(peer, np.where(stars["valid"], flux, 0), stars["valid"])
    assert found.shape == (1, 1, 2)
    assert bench_detection.found_period(stars, found[:, 0, 0]).all()
    assert 10 < found[0, 0, 1] < 20


def test_ours_finds_an_easy_planet():
    stars = bench_stars.white(3, 400)
    near = np.abs((np.arange(400) * CADENCE - 0.4 + 0.6) % 1.2 - 0.6) < 0.06
    stars["flux"][1] -= np.where(stars["valid"][1] & near, 3, 0)
    found = bench_search.ours(stars["flux"], stars["valid"], period_max=2.0)
    assert found.shape == (3, 2)
    assert abs(found[1, 0] - 1.2) < 0.02
    assert found[1, 1] > 2 * max(found[0, 1], found[2, 1])


def sample() -> dict[str, np.ndarray]:
    n = np.r_[np.full(40, 10.0), np.zeros(200)]
    return {"snr": n, "period": np.where(n > 0, 3.0, 0.0), "duration": np.where(n > 0, 0.1, 0.0)}


def test_periods_and_their_harmonics_count_as_found_and_others_do_not():
    stars = sample()
    near = 3 * (1 + 0.9 * 0.1 / (N_CADENCES * CADENCE))
    for period, right in (
        (3.0, True),
        (near, True),
        (6.0, True),
        (1.5, True),
        (4.5, True),
        (3.02, False),
        (5.0, False),
    ):
        assert bench_detection.found_period(stars, np.full(240, period)).tolist() == [right] * 40 + [False] * 200


def test_a_planet_counts_above_the_searches_own_threshold_only():
    stars, rng = sample(), np.random.default_rng(0)
    ours = np.stack([np.full(240, 3.0), np.r_[np.full(40, 9.0), rng.uniform(5, 8, 200)]], axis=1)
    # On another scale, with half of the planets below what one star in a hundred reaches without any.
    theirs = np.stack(
        [np.full(240, 3.0), np.r_[np.full(20, 90.0), np.full(20, 60.0), rng.uniform(50, 80, 200)]], axis=1
    )
    found = bench_detection.compare(stars, ours, theirs)
    assert (found["ours"], found["theirs"]) == (1.0, 0.5)
    assert 0.3 < found["low"] < 0.5 < found["high"] < 0.7
    assert found["p"] == pytest.approx(2 * 0.5**20)
    same = bench_detection.compare(stars, theirs, theirs)
    assert (same["low"], same["high"], same["p"]) == (0, 0, 1)
    wrong = ours.copy()
    wrong[:10, 0] = 5.0
    assert bench_detection.compare(stars, wrong, theirs)["ours"] == 0.75


def test_a_stopped_search_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(bench_detection, "CHUNK", 2)
    monkeypatch.setattr(bench_peers, "release", lambda peer: "1.0")
    seen: list[int] = []

    def search(peer, flux, valid):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(int(flux[0, 0]))
        return np.stack([flux[:, :1], flux[:, :1]], axis=-1).astype(float)

    stars = {
        "flux": np.arange(5, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32),
        "valid": np.ones((5, 3), bool),
    }
    monkeypatch.setattr(bench_peers, "search", search)
    with pytest.raises(KeyboardInterrupt):
        bench_detection.peaks("GERBLS", stars)
    assert seen == [0, 2]
    seen.clear()
    assert bench_detection.peaks("GERBLS", stars)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert seen == [4]


def test_readings_alternate_and_absent_peers_are_not_measured(monkeypatch):
    measured: list[str] = []
    monkeypatch.setattr(bench_peers, "release", lambda peer: None if peer == "GERBLS" else "9.9")
    monkeypatch.setattr(
        bench_search, "run_alone", lambda what, seed: measured.append(what) or (2.0 if what == "ours" else 6.0)
    )
    rows = bench_search._single_pass(2, seed=1)
    present = [peer for peer in bench_peers.PEERS if peer != "GERBLS"]
    assert measured == 2 * ["ours", *present]
    assert {row["peer"]: row["ratio"] for row in rows} == {
        "GERBLS": "not measured",
        **{f"{peer} 9.9": 3.0 for peer in present},
    }
    assert list(rows[0]) == ["task", "peer", "ours", "theirs", "unit", "ratio"]
    assert len(bench_search._four_years(1)) == 1


def test_false_alarm_interval_holds_the_quantile(monkeypatch):
    pytest.importorskip("wotan", reason="wotan is not installed: pip install -e '.[bench]'")
    monkeypatch.setattr(bench_search, "detrended", lambda stars: stars)
    monkeypatch.setattr(bench_search, "null", lambda n, seed, first: {"flux": first + np.arange(n), "valid": None})
    monkeypatch.setattr(bench_search, "ours", lambda flux, valid: np.stack([flux, flux], axis=1))
    found = bench_search._false_alarms(0)
    # 20 of 20,000 stars lie above it, give or take twice the root of 20.
    assert found["ours"] == pytest.approx(19979, abs=1)
    assert found["unit"] == "SNR, from 19970.00 to 19988.00 with 95 %"


def test_files_are_read_as_they_were_meant(tmp_path: Path):
    pytest.importorskip("astropy", reason="FITS files need astropy")
    from exojax.io import fits, npz

    rng = np.random.default_rng(0)
    valid = rng.random((2, 300)) > 0.1
    flux = np.where(valid, 1 + 1e-3 * rng.standard_normal((2, 300)), 0).astype(np.float32)
    time, ids = shared_time(2, 300, CADENCE) + 130.0, np.array(["a", "b"])
    curves = LightCurves(ids, time, flux, valid, None, None, False, True, CADENCE, "simulated", "", "")
    bench_commands.write_npz(tmp_path / "a.npz", curves)
    read = npz.read(tmp_path / "a.npz")
    assert (read.valid == valid).all()
    # Each star is divided by its median, as in every reader.
    level = np.array([np.median(row[known]) for row, known in zip(flux, valid)])
    np.testing.assert_allclose(read.flux, flux / level[:, None], rtol=1e-6)
    bench_commands.write_fits(tmp_path / "a.fits", 7, time[1], np.where(valid[1], flux[1], np.nan))
    segment = fits.read(tmp_path / "a.fits")
    assert (segment.id, segment.time_system, segment.absolute) == ("7", "BKJD", True)
    assert (segment.valid == valid[1]).all()
    expected = flux[1][valid[1]] / np.median(flux[1][valid[1]])
    np.testing.assert_allclose(segment.flux[segment.valid], expected, rtol=1e-5)
    assert np.isnan(bench_commands.read_with_astropy(tmp_path / "a.fits")[1]).sum() == (~valid[1]).sum()
