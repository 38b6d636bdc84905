"""The exploration counts what was put into its stars and writes what it finds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from documented import assert_columns_explained, assert_files_explained
from touching import touching

from exojax.io import kaggle
from exojax.light_curves import LightCurves, shared_time
from exojax.report import dataset
from exojax.report.explore import explore, statistics
from exojax.report.figures import light_curves

FILES = {"explore.html", "summary.json", "examples.png", "distributions.png", "missing.png", "balance.png"}


def stars(n: int = 40, n_hosts: int = 8, c: int = 300, seed: int = 0) -> LightCurves:
    """Return noise, with dips of 8 sigma in the first ``n_hosts``."""
    rng = np.random.default_rng(seed)
    flux = rng.normal(0, 10 ** rng.uniform(0, 2, (n, 1)), (n, c))
    flux[:n_hosts, 50::60] -= 8 * flux[:n_hosts].std(axis=1, keepdims=True)
    valid = rng.random((n, c)) > 0.05
    return LightCurves(
        id=np.array([f"file{seed}:{i}" for i in range(n)]),
        time=shared_time(n, c, 0.02),
        flux=np.where(valid, flux, 0).astype(np.float32),
        valid=valid,
        label=(np.arange(n) < n_hosts).astype(np.int8),
        kind=None,
        catalogued=False,
        absolute=False,
        cadence=0.02,
        time_system="assumed",
        source="made up",
        sha256="ab" * 32,
        warnings=("a warning of the reader",),
    )


def test_statistics_by_hand():
    flux = np.array([[1, 2, 3, 4, 100, 7], [0, 0, 0, 0, 0, -5]], np.float32)
    valid = np.ones((2, 6), bool)
    valid[0, 5] = False
    found = statistics(flux, valid)
    assert found["range"].tolist() == [99, 5]
    assert found["scatter"][0] == pytest.approx(1.4826 * 1)
    assert found["dip_depth"][0] == 0
    values = np.array([1, 2, 3, 4, 100.0])
    third = np.mean((values - 22) ** 3) / np.mean((values - 22) ** 2) ** 1.5
    assert found["skewness"][0] == pytest.approx(third)
    # Most cadences equal: no median deviation, so the standard deviation.
    assert found["scatter"][1] == pytest.approx(np.std(flux[1]))


def test_dips_put_in_are_found(tmp_path):
    curves = stars()
    curves.flux[20], curves.valid[20] = curves.flux[10], curves.valid[10]
    curves.flux[30] = 3
    curves.valid[31] = False
    other = stars(12, 3, seed=1)
    other.flux[4], other.valid[4] = curves.flux[2], curves.valid[2]
    summary = explore(curves, tmp_path / "out", other)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert_files_explained(tmp_path / "out", "The folders of the other commands")
    assert_columns_explained(tmp_path / "out" / "summary.json")
    assert (summary["n"], summary["n_positive"], summary["n_unusable"], summary["n_examined"]) == (
        40,
        8,
        2,
        37,
    )
    assert summary["duplicates_within"] == {"n": 1, "pairs": [["file0:10", "file0:20"]]}
    assert summary["duplicates_across"] == {"n": 1, "pairs": [["file0:2", "file1:4"]]}
    assert summary["extra"]["n_positive"] == 3
    assert summary["missing_share"]["largest"] == 1
    dips = summary["statistics"]["dip_depth"]
    assert dips["cliffs_delta"]["value"] == 1
    assert dips["hosts"]["median"] > dips["others"]["median"] + 3
    assert summary["statistics"]["skewness"]["cliffs_delta"]["high"] < 0
    assert abs(summary["statistics"]["scatter"]["cliffs_delta"]["value"]) < 0.7
    assert "a warning of the reader" in summary["warnings"]
    assert len(summary["warnings"]) == 4


@pytest.mark.parametrize("case", ["unlabelled", "no hosts", "only hosts", "one host", "nothing usable", "catalogued"])
def test_degenerate_sets_are_drawn_without_a_warning(tmp_path, case):
    curves = stars(10, 3)
    label = {"no hosts": np.zeros(10), "only hosts": np.ones(10), "one host": np.eye(10)[0]}.get(case)
    if label is not None:
        curves = replace(curves, label=label.astype(np.int8))
    if case == "unlabelled":
        curves = replace(curves, label=None)
    if case == "nothing usable":
        curves = replace(curves, valid=np.zeros_like(curves.valid), time=np.full(curves.time.shape, np.nan))
    if case == "catalogued":
        curves = replace(curves, time_system="BKJD", absolute=True)
    summary = explore(curves, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    deltas = [s.get("cliffs_delta") for s in summary["statistics"].values()]
    assert all((d is None) == (case not in ("one host", "catalogued")) for d in deltas)


def test_real_stars(tmp_path):
    """Hosts of the Kepler file are quieter than its eclipsing binaries, and no row repeats between the
    files."""
    folder = Path(__file__).parents[2] / "../shared/data/kepler_in_kaggle_layout"
    if not folder.exists():
        pytest.skip("needs the light curves of ../shared/data, which are not public")
    train, test = (kaggle.read(folder / f"exo{part}.csv", cadence_minutes=144) for part in ("Train", "Test"))
    summary = explore(train, tmp_path, test)
    assert summary["n"] == 649
    assert summary["base_rate"] == pytest.approx(0.525, abs=1e-3)
    assert summary["statistics"]["range"]["cliffs_delta"]["high"] < 0


def test_light_curves_of_two_seasons_fill_their_panels():
    time = np.r_[100:127:0.02, 800:827:0.02]
    drawn = light_curves(
        time[None], np.ones((1, len(time)), np.float32), np.ones((1, len(time)), bool), ["a"], title="t", flux_unit="1"
    )
    axes = drawn.axes[0]
    place = axes.transAxes.inverted().transform(axes.transData.transform([[127, 1], [800, 1]]))[:, 0]
    assert np.diff(place) < 0.03


@pytest.mark.parametrize("width", [0.3, 3.0])
def test_labels_of_the_statistics_do_not_touch(width):
    values = {name: np.exp(np.random.default_rng(0).normal(-4, width, 500)) for name in dataset.STATISTICS}
    drawn = dataset.distributions(values, None, dict.fromkeys(values, "unit"), {name: {} for name in values})
    assert touching(drawn) == []
