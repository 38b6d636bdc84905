"""The public functions on arrays: a planet is found, a given ephemeris is measured, mistakes are one sentence."""

import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from astropy.time import Time
from flax import linen as nn

import exojax
from exojax.config import TrainConfig
from exojax.detection.search_star import measure_star, search_star
from exojax.models import registry

PERIOD, T0, DURATION, DEPTH = 3.3, 1.3, 0.12, 3e-3
TIME = np.arange(0, 27, 1 / 48)


def flux_of(seed, depth=DEPTH):
    late = (TIME - T0 + PERIOD / 2) % PERIOD - PERIOD / 2
    noise = 3e-4 * np.random.default_rng(seed).standard_normal(len(TIME))
    return 1 + noise - depth * (np.abs(late) < DURATION / 2)


@pytest.fixture(scope="module")
def curves():
    return exojax.LightCurves.of(TIME, [flux_of(0), flux_of(1, 0.0)], id=["host", "quiet"], label=[1, 0])


@pytest.fixture(scope="module")
def result(curves):
    return exojax.search(curves)


def test_a_planet_is_found_and_judged(result):
    assert len(result) == len(result.table) == 2
    best = result.table.iloc[0]
    assert (best["id"], best["rank"]) == ("host", 1)
    assert best["period_days"] == pytest.approx(PERIOD, rel=1e-3)
    assert best["depth_ppm"] == pytest.approx(1e6 * DEPTH, rel=0.1)
    assert best["probability"] > 0.5 > result.table.iloc[1]["probability"]
    assert "2 candidates of 2 stars" in repr(result)
    assert "<table" in result._repr_html_()


def test_it_is_drawn_and_written(result, tmp_path):
    figure = result.plot(0)
    assert len(figure.axes) > 8
    result.to_csv(tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["id"].tolist() == ["host", "quiet"]
    with pytest.raises(IndexError, match="2 rows"):
        result.plot(2)


def test_errors_keep_a_planet_that_noise_would_hide():
    noisy = (TIME > 8) & (TIME < 14)
    error = np.where(noisy, 20, 1) * 3e-4
    flux = flux_of(5, 1.2e-3) + noisy * 20 * 3e-4 * np.random.default_rng(6).standard_normal(len(TIME))
    blind = exojax.search(exojax.LightCurves.of(TIME, flux), run=None).table.iloc[0]
    best = exojax.search(exojax.LightCurves.of(TIME, flux, error), run=None).table.iloc[0]
    assert best["period_days"] == pytest.approx(PERIOD, rel=2e-3)
    assert best["snr"] > 10
    assert blind["period_days"] != pytest.approx(PERIOD, rel=2e-3)


def test_no_star_without_a_run_has_a_probability(curves):
    assert np.isnan(exojax.search(curves.take(np.array([0])), run=None).table["probability"].astype(float)).all()


def test_a_given_ephemeris_is_measured_and_kept(curves, result):
    table = exojax.vet(curves, PERIOD, T0, DURATION).table.set_index("id")
    host, quiet = table.loc["host"], table.loc["quiet"]
    assert (host["period_days"], host["duration_hours"]) == (PERIOD, pytest.approx(24 * DURATION))
    assert host["t0_days"] == pytest.approx(T0)
    assert host["depth_ppm"] == pytest.approx(1e6 * DEPTH, rel=0.05)
    assert host["snr"] == pytest.approx(result.table.iloc[0]["snr"], rel=0.15)
    assert host["n_transits"] == 8
    assert abs(quiet["snr"]) < 4
    assert abs(quiet["depth_ppm"]) < 0.1e6 * DEPTH


def test_where_the_epoch_counts_from_does_not_matter(curves):
    one = curves.take(np.array([0]))
    near, far = (
        measure_star(one, exojax.SearchConfig(), *ephemeris)[0]
        for ephemeris in ((np.array([PERIOD]), np.array([T0 + k * PERIOD]), np.array([DURATION])) for k in (0, -40))
    )
    assert far.t0 == pytest.approx(near.t0, abs=1e-9)
    assert far.depth == pytest.approx(near.depth, rel=1e-6)


def test_a_single_transit_and_one_that_was_not_observed(curves):
    # The fifth transit; and one in the middle of nowhere.
    table = exojax.vet(curves, np.nan, [T0 + 4 * PERIOD, 99.0], DURATION, id=["host", "host"]).table
    seen, unseen = table.sort_values("rank").to_dict("records")
    assert seen["single"]
    assert seen["depth_ppm"] == pytest.approx(1e6 * DEPTH, rel=0.1)
    assert unseen["n_transits"] == 0
    assert all(pd.isna(unseen[name]) for name in ("depth_ppm", "snr", "snr_red"))


def test_other_candidates_are_left_out_of_a_measurement(curves):
    """At the planet's own ephemeris half a period later nothing is left once the planet itself is named too."""
    ids, t0 = ["host", "host"], [T0, T0 + PERIOD / 2]
    table = exojax.vet(curves, PERIOD, t0, DURATION, id=ids).table.sort_values("rank")
    assert table["snr"].iloc[0] > 50 > 5 > abs(table["snr"].iloc[1])


def test_a_fold_is_what_the_search_folds(curves):
    events = exojax.fold(curves, PERIOD, T0, DURATION)
    assert events.views["local_view"].shape == (2, 1, 61, 3)
    assert events.label.tolist() == [1, 0]
    value = events.views["local_view"][0, 0, :, 0]
    assert value[30] == pytest.approx(-1, abs=0.2)
    assert np.abs(value[:10]).max() < 0.3
    probability = exojax.predict("pretrained", events)
    assert probability[0] > 0.5 > probability[1]


def test_vetting_is_no_search(curves, monkeypatch):
    monkeypatch.setattr("exojax.detection.search_star.measure", None)
    assert len(exojax.vet(curves, PERIOD, T0, DURATION)) == 2
    with pytest.raises(TypeError):
        search_star(curves.take(np.array([0])), exojax.SearchConfig())


def test_tables_are_read(tmp_path):
    ids = np.repeat(["a", "b"], len(TIME))
    several = {"Time": np.tile(TIME, 2), "flux": np.r_[flux_of(0), flux_of(1)], "id": ids}
    frame = exojax.read(pd.DataFrame(several))
    assert frame.id.tolist() == ["a", "b"]
    table = exojax.read(Table({"time": TIME, "flux": 5000 * flux_of(0)}))
    assert table.absolute
    np.testing.assert_allclose(table.flux[0], frame.flux[0], atol=1e-6)
    named = exojax.read([Table({"time": TIME, "flux": flux_of(0)}, meta={"TARGETID": 7})])
    assert named.id.tolist() == ["7"]
    pd.DataFrame({"time": TIME, "flux": flux_of(0)}).to_csv(tmp_path / "TIC 12.csv", index=False)
    assert exojax.read(tmp_path / "TIC 12.csv").id.tolist() == ["12"]


def test_tables_with_units_and_dates_are_read():
    days = Time(TIME + 2458400.0, format="jd", scale="tdb")
    table = exojax.read(Table({"time": days, "flux": flux_of(0), "flux_err": np.full(len(TIME), 3e-4)}))
    assert (table.time_system, table.flux_err[0, 0]) == ("BJD", pytest.approx(3e-4, rel=1e-2))
    np.testing.assert_allclose(table.time[0], TIME + 2458400.0, atol=1e-8)
    stamps = pd.Timestamp("2020-01-01") + pd.to_timedelta(TIME, unit="D")
    dated = exojax.read(pd.DataFrame({"date": stamps, "raw_flux": 0.1, "mag": -2.5 * np.log10(flux_of(0))}))
    np.testing.assert_allclose(dated.time[0], TIME + 2458849.5, atol=1e-8)
    np.testing.assert_allclose(dated.flux[0], flux_of(0) / np.median(flux_of(0)), atol=1e-5)
    hours = pd.DataFrame({"time": 24 * TIME, "flux": flux_of(0)})
    with pytest.raises(exojax.InputError, match="--time-unit"):
        exojax.read(hours)
    np.testing.assert_allclose(exojax.read(hours, time_unit="hours").time[0], TIME, atol=1e-9)


def test_arrays_of_any_kind_become_light_curves():
    masked = np.ma.masked_array(flux_of(0), np.arange(len(TIME)) < 3)
    assert exojax.LightCurves.of(TIME, masked).valid[0].tolist()[:4] == [False, False, False, True]
    ragged = exojax.LightCurves.of([TIME, TIME[:50]], [flux_of(0), flux_of(1)[:50]])
    assert ragged.valid.sum(axis=1).tolist() == [len(TIME), 50]
    order = np.random.default_rng(0).permutation(len(TIME))
    mixed = exojax.LightCurves.of(TIME[order].tolist(), flux_of(0)[order].tolist())
    np.testing.assert_array_equal(mixed.flux, exojax.LightCurves.of(TIME, flux_of(0)).flux)
    error = np.where(np.arange(len(TIME)) == 5, np.nan, 1e-4)
    weighted = exojax.LightCurves.of(TIME, 500 * flux_of(0), 500 * error)
    assert weighted.valid[0, 5]
    assert np.isnan(weighted.flux_err[0, 5])
    assert weighted.flux_err[0, 6] == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda c: exojax.vet(c, [1.0, 2.0, 3.0], 1.0, 0.1), "one for each candidate"),
        (lambda c: exojax.vet(c, 3.3, 1.3, 2.0), "half of the period"),
        (lambda c: exojax.vet(c, 3.3, np.nan, 0.1), "without t0"),
        (lambda c: exojax.vet(c, 3.3, 1.0, 0.1, id="nobody"), "no such star"),
        (lambda c: exojax.LightCurves.of([1.0, 2.0], [1.0, 2.0, 3.0]), "the same number of each"),
        (lambda c: exojax.LightCurves.of(TIME, flux_of(0), label=[2]), "label"),
        (lambda c: exojax.LightCurves.of(TIME, np.full(len(TIME), np.nan)), "finite flux"),
        (lambda c: exojax.LightCurves.of(TIME, ["a"] * len(TIME)), "no number"),
        (lambda c: exojax.read({"a": [1.0]}), "has no time column"),
        (lambda c: exojax.search(exojax.LightCurves.of(TIME, [flux_of(0)] * 2, id=["a", "a"])), "several stars"),
        (lambda c: exojax.register("svc", registry.MODELS["cnn"]), "choose another name"),
    ],
)
def test_mistakes_are_one_sentence(curves, wrong, words):
    with pytest.raises(exojax.InputError, match=words) as refused:
        wrong(curves)
    assert "\n" not in str(refused.value)


class Small(nn.Module):
    @nn.compact
    def __call__(self, inputs, *, train: bool):
        return nn.Dense(1)(inputs["spectrum"])[:, 0]


def test_a_network_of_ones_own_is_fitted(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.MODELS, "mine", None)
    flux = [flux_of(k, DEPTH if k % 2 else 0.0) for k in range(80)]
    stars = exojax.LightCurves.of(TIME, flux, label=np.arange(80) % 2)
    network = exojax.Network(inputs=("spectrum",), module=Small(), train=TrainConfig(steps=5, batch_size=8))
    run = exojax.fit(network, stars, tmp_path / "run")
    assert run.config.model == "mine"
    assert np.isfinite(exojax.predict(run, stars)).all()


def test_everything_public_is_there_after_every_module_was_imported(curves):
    for module in pkgutil.walk_packages(exojax.__path__, "exojax."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert set(exojax.__all__) <= set(dir(exojax))
    for name in exojax.__all__:
        assert callable(getattr(exojax, name)), name
    with pytest.raises(AttributeError):
        _ = exojax.nothing


def test_the_shipped_run_is_evaluated_on_light_curves():
    """The run was trained on folded events, and has no curves whose coverage could be compared."""
    flux = [flux_of(k, DEPTH if k % 2 else 0.0) for k in range(6)]
    found = exojax.evaluate("pretrained", exojax.LightCurves.of(TIME, flux, label=np.arange(6) % 2))
    assert found.metrics["average_precision"]["value"] > 0.9
    (control,) = [row for row in found.controls if row["control"].startswith("cadence and coverage")]
    assert "folded events" in str(control)
