"""``inject.py``: its files agree with each other, deep planets are found, and mistakes are one line."""

from __future__ import annotations

import os
import signal
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documented import assert_columns_explained, assert_files_explained, explained
from small_cli import Call, assert_refused, files, read_rows

from exojax.cli import inject, inject_outputs
from exojax.cli.inject_outputs import NAMES
from exojax.runs import inject as inject_run

SMALL = ("--period-min", 0.5, "--n", 24, "--null-stars", 12, "--max-candidates", 1, "--false-alarm", 0.2)


def write_npz(path: Path, n: int = 14, *, label: bool = True) -> Path:
    """Write white noise of 300 ppm at 0.1 day for 50 days; the first two stars are labelled hosts."""
    rng = np.random.default_rng(0)
    size = 500
    arrays = {
        "kepid": np.arange(100, 100 + n),
        "time": np.tile(np.arange(size) * 0.1 + 200, (n, 1)),
        "flux": rng.normal(0, 3e-4, (n, size)).astype(np.float32),
        "n_points": np.full(n, size),
    }
    np.savez(path, **arrays, **({"label": (np.arange(n) < 2).astype(int)} if label else {}))
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("inject") / "quiet.npz")


@pytest.fixture(scope="module")
def done(source: Path) -> Path:
    """A finished experiment with the real search."""
    out = source.parent / "out"
    with chdir(source.parent):
        options = ("--data", source, "--out", out, "--depth", 50, 50000, "--period-max", 12, *SMALL)
        assert inject.main([str(option) for option in options]) == 0
    return out


def test_deep_planets_are_found_and_shallow_ones_are_not(done: Path) -> None:
    rows = read_rows(done / "injections.csv")
    assert len(rows) == 24
    level = float(read_rows(done / "completeness.csv")[0]["threshold_snr"])
    found = np.array([float(row["snr_exact"] or 0) > level for row in rows])
    strong, weak = (np.array([float(row["snr_white"]) for row in rows]) > x for x in (20, 3))
    assert found[strong].mean() > 0.7
    assert not found[~weak].any()
    assert 0 < strong.sum() < 24
    hosts = {"100", "101"}
    assert not hosts & {row["id"] for row in rows}


def test_the_files_agree(done: Path) -> None:
    cells, rows, alarms = (read_rows(done / f"{name}.csv") for name in ("completeness", "injections", "false_alarms"))
    assert len(cells) == 9
    assert sum(int(cell["injected"]) for cell in cells) == 24
    level = float(cells[0]["threshold_snr"])
    assert sum(int(cell["recovered"]) for cell in cells) == sum(float(row["snr_exact"] or 0) > level for row in rows)
    for cell in cells:
        inside = [
            row
            for row in rows
            if float(cell["period_min_days"]) <= float(row["period_days"]) <= float(cell["period_max_days"])
            and float(cell["depth_min_ppm"]) <= float(row["depth_ppm"]) <= float(cell["depth_max_ppm"])
        ]
        assert len(inside) == int(cell["injected"])
        assert float(cell["completeness_low"]) <= float(cell["completeness"] or 0.5) <= float(cell["completeness_high"])
        assert (cell["completeness"] == "") == (cell["injected"] == "0")
    stricter = 0.0
    for kind in ("inverted", "scrambled"):
        of = [row for row in alarms if row["curves"] == kind]
        assert {row["stars"] for row in of} == {"12"}
        rates = [float(row["rate"]) for row in of]
        assert rates == sorted(rates, reverse=True)
        assert all(float(row["rate_low"]) <= float(row["rate"]) <= float(row["rate_high"]) for row in of)
        # Of 12 stars at 20 % two may pass.
        stricter = max(stricter, min(float(row["threshold_snr"]) for row in of if int(row["false_alarms"]) == 2))
    assert level >= stricter - 0.25
    for name in ("completeness", "false_alarms"):
        assert (done / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_quiet_and_active_stars_and_either_detrending_are_counted_apart(source: Path, call: Call) -> None:
    """Every second star rotates in 1.3 d: there, and there alone, the planets are found with sinusoids subtracted."""
    with np.load(source) as given:
        arrays = dict(given)
    rng = np.random.default_rng(1)
    time = np.arange(900) * 0.05
    spin = 0.02 * np.sin(2 * np.pi * time / 1.3) * (np.arange(14) % 2)[:, None]
    flux = (1 + spin + rng.normal(0, 3e-4, (14, 900))).astype(np.float32)
    arrays |= {"time": np.tile(time + 200, (14, 1)), "flux": flux, "n_points": np.full(14, 900)}
    np.savez("spots.npz", **arrays)
    options = ("--depth", 3000, 9000, "--period-min", 2, "--period-max", 6, *SMALL[2:])
    ran = call(inject.main, "--data", "spots.npz", "--out", "active", *options)
    assert ran.code == 0
    rows, cells, alarms = (
        read_rows(Path("active", f"{n}.csv")) for n in ("injections", "completeness", "false_alarms")
    )
    level = float(cells[0]["threshold_snr"])
    active = [row for row in rows if row["active"] == "1"]
    assert {int(row["id"]) % 2 for row in active} == {1}
    assert len(active) == 12
    found = [row for row in rows if float(row["snr_exact"] or 0) > level]
    assert len(found) >= 12
    assert {row["detrending"] for row in found if row["active"] == "0"} == {"window"}
    assert "sinusoids" in {row["detrending"] for row in found if row["active"] == "1"}
    assert {row["detrending"] for row in rows if not row["snr_exact"]} <= {""}
    total = {name: sum(int(cell[name]) for cell in cells) for name in inject_outputs.BY_ACTIVITY}
    assert total["injected_active"] == 12
    assert total["recovered_active"] == sum(row["active"] == "1" for row in found)
    assert total["recovered_sinusoids"] == sum(row["detrending"] == "sinusoids" for row in found)
    for row in alarms:
        assert row["active_stars"] == "6"
        assert int(row["active_false_alarms"]) <= int(row["false_alarms"])
        assert int(row["sinusoids_false_alarms"]) <= int(row["active_false_alarms"])
    assert "active stars: recovered" in ran.out
    page = Path("active/inject.html").read_text()
    assert "active stars" in page
    assert f"The search recovers {len(found)} of " in page


def test_every_file_and_column_is_explained(done: Path) -> None:
    assert_files_explained(done, "The folders of the other commands")
    for name in ("completeness", "injections", "false_alarms"):
        assert_columns_explained(done / f"{name}.csv")
    sizes = {f"{name}_{end}_{unit}" for name, unit, *_ in NAMES.values() for end in ("min", "max")}
    assert sizes <= explained("columns", "completeness.csv")
    assert {f"{name}_{unit}" for name, unit, *_ in NAMES.values()} <= explained("columns", "injections.csv")


def test_the_same_command_again_searches_nothing(done: Path, source: Path, call: Call, monkeypatch) -> None:
    before = files(done)
    monkeypatch.setattr(inject_run, "search_star", None)
    options = ("--data", source, "--out", done, "--depth", 50, 50000, "--period-max", 12, *SMALL)
    ran = call(inject.main, *options)
    assert ran.code == 0
    assert ran.err == ""
    assert "2 stars labelled as planet hosts are left out" in ran.out
    assert "recovered above" in ran.out
    assert files(done) == before
    assert_refused(call(inject.main, *options, "--seed", 1), "seed: 0 -> 1", "--out")
    # The rate is no part of the search.
    assert call(inject.main, *options, "--false-alarm", 0.4).code == 0
    assert len(read_rows(done / "completeness.csv")) == 9
    assert call(inject.main, *options).code == 0
    assert files(done) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--n", 0), ("--n",)),
        (("--false-alarm", 1), ("--false-alarm 1",)),
        (("--depth", 500, 100), ("--depth 500 100",)),
        (("--depth", 500, 2e6), ("deeper",)),
        (("--depth", 500, 1000, "--snr", 3, 9), ("--depth and --snr", "only one")),
        (("--radius", 1, 9), ("no stellar radii", "--depth")),
        (("--period-min", 30), ("--period-min 30", "empty")),
        (("--max-candidates", 0), ("--max-candidates",)),
        (("--period-max", "inf"), ("--period-max inf",)),
        (("--duration-min", 0.6), ("--duration-min 0.6", "empty")),
        (("--window", 0.5), ("--window 0.5", "--duration-max")),
        (("--data", "nowhere.npz"), ("nowhere.npz",)),
        (("--stars", "nowhere.csv"), ("nowhere.csv",)),
        (("--false-alarms", 0.1), ("--false-alarm",)),
    ],
)
def test_mistakes_are_reported_in_one_line(options: tuple, words: tuple[str, ...], source: Path, call: Call) -> None:
    assert_refused(call(inject.main, "--data", source, "--out", "out", *options), *words)
    assert not Path("out/completeness.csv").exists()


def test_flux_without_a_scale_is_injected_by_snr(data: Path, call: Call) -> None:
    ran = call(inject.main, "--data", data, "--out", "out", "--depth", 10, 100)
    assert_refused(ran, "no absolute scale", "--snr")


def test_interrupted_it_says_so(source: Path, call: Call, monkeypatch) -> None:
    def search_star(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)  # the main thread hears it meanwhile
        raise AssertionError("nobody waits for it")

    monkeypatch.setattr(inject_run, "search_star", search_star)
    ran = call(inject.main, "--data", source, "--out", "out", *SMALL)
    assert ran.code == 130
    assert ran.err.count("\n") == 1
    assert "run the same command again" in ran.err
