"""Injection and recovery composed, with a search that finds what the test wants it to find."""

from __future__ import annotations

import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exojax.candidates import Candidates
from exojax.config import SearchConfig
from exojax.detection.search_star import Trace
from exojax.errors import InputError
from exojax.injection.transits import white_scatter
from exojax.light_curves import EvenCurves, LightCurves, Stars
from exojax.photometry.resample import to_even
from exojax.runs import inject
from exojax.runs.inject import InjectionOutcome, InjectionPlan
from exojax.simulate.transits import EARTH_PER_SOLAR_RADIUS

CADENCE = 0.02
SEARCH = SearchConfig()
PLAN = InjectionPlan("depth", (1.0, 8.0), (1e-3, 0.05), n=22, n_null=6, seed=3, search=SEARCH)


def source(n: int = 8, *, absolute: bool = True) -> LightCurves:
    """Make stars of two cadences, mixed; star 5 has hardly any measurement."""
    rng = np.random.default_rng(0)
    size, steps = 1500, np.where(np.arange(n) % 2, 2 * CADENCE, CADENCE)
    time = 50 + np.arange(size) * steps[:, None]
    valid = rng.random((n, size)) > 0.05
    valid[5, 7:] = False
    flux = rng.normal(0, 2e-4, (n, size)) + absolute
    return LightCurves(
        id=np.array([f"s{k}" for k in range(n)]),
        time=time,
        flux=np.where(valid, flux, 0).astype(np.float32),
        valid=valid,
        label=(np.arange(n) == 7).astype(np.int8),
        kind=None,
        catalogued=True,
        absolute=absolute,
        cadence=CADENCE,
        time_system="BKJD",
        source="some.npz",
        sha256="abc",
    )


def candidates(star: list[int], **columns: Any) -> Candidates:
    given = {"star": np.array(star, int), "single": np.zeros(len(star), bool), **columns}
    given.setdefault("detrending", np.full(len(star), "window"))
    values = {f.name: np.asarray(given.get(f.name, np.full(len(star), np.nan))) for f in fields(Candidates)}
    return Candidates(**values)


class Search:
    """Stands in for the search: keeps what it was given, and finds nothing by default."""

    def __init__(self) -> None:
        self.seen: list[LightCurves] = []
        self.altered: list[tuple[EvenCurves, EvenCurves, np.ndarray]] = []
        self.own = 0.0
        self.lock = threading.Lock()

    def __call__(self, curves: LightCurves, config: SearchConfig, *, masked: Any = None, alter: Any = None) -> Any:
        even = to_even(curves, shortest=config.duration_min)
        trace = Trace(even, even, (), ())
        assert len(curves) == 1
        stars = [0]
        when = {"t0": even.start + 1.0, "duration": np.full(len(stars), 0.2), "period": np.full(len(stars), 4.0)}
        if alter is None:
            with self.lock:
                self.seen.append(curves)
            return candidates(stars, snr_red=np.full(len(stars), self.own), **when), trace
        changed = alter(even)
        with self.lock:
            self.altered.append((even, changed, masked))
        turned = float(np.asarray(changed.flux).sum()) < 0
        # Its best is not the first of them: a control searched for one candidate only would miss it.
        when = {name: np.repeat(x, 3) for name, x in when.items()}
        best = 5.0 if turned else 6.0
        found = candidates([0, 0, 0], snr_red=np.array([best - 2, best, best - 1]), **when)
        return found.take(np.arange(min(config.max_candidates, 3))), trace


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Search:
    made = Search()
    monkeypatch.setattr(inject, "search_star", made)
    return made


def run(out: Path, plan: InjectionPlan = PLAN, curves: LightCurves | None = None, **named: Any) -> InjectionOutcome:
    return inject.run(plan, inject.usable(curves or source()), out, **named)


def losses(search: Search, found: InjectionOutcome, curves: LightCurves) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return for each injection the share of flux lost where any was, and the time from mid-transit, days."""
    lost = {}
    row = {name: k for k, name in enumerate(curves.id.tolist())}
    about = found.injected
    for given in search.seen:
        for k, name in enumerate(given.id.tolist()):
            before, valid = curves.flux[row[name]], curves.valid[row[name]]
            change = np.where(valid, 1 - given.flux[k] / np.where(valid, before, 1), 0)
            hit = np.flatnonzero(change > 1e-6)
            for i in np.flatnonzero(about["id"] == name):
                late = given.time[k, hit] - about["t0"][i]
                late -= np.rint(late / about["period"][i]) * about["period"][i]
                if hit.size and np.abs(late).max() <= about["duration"][i] / 2 + CADENCE:
                    lost[int(i)] = change[hit], late
    return lost


def test_transits_go_into_the_curves_as_measured(search: Search, tmp_path: Path) -> None:
    found, curves = run(tmp_path), source()
    lost = losses(search, found, curves)
    observed = np.flatnonzero(found.injected["n_transits"] > 0)
    assert len(lost) >= len(observed) >= 20
    for i, (share, late) in lost.items():
        depth = found.injected["size"][i]
        assert found.injected["depth"][i] == pytest.approx(depth)
        assert share.max() <= depth * 1.001
        inside = np.abs(late) < 0.1 * found.injected["duration"][i]
        if inside.any() and found.injected["impact"][i] < 0.5 and found.injected["duration"][i] > 4 * CADENCE:
            assert share[inside].max() > 0.9 * depth
    for name, (low, high) in {"period": PLAN.period, "size": PLAN.size}.items():
        assert low <= found.injected[name].min() < 2 * low
        assert high / 2 < found.injected[name].max() <= high
    # The other columns of the curves are their own.
    assert {round(c.cadence, 9) for c in search.seen} == {CADENCE, 2 * CADENCE}


def test_every_star_but_hosts_and_fragments_gets_its_share(search: Search, tmp_path: Path) -> None:
    found = run(tmp_path)
    names, counts = np.unique(found.injected["id"], return_counts=True)
    assert names.tolist() == ["s0", "s1", "s2", "s3", "s4", "s6"]
    assert counts.max() - counts.min() <= 1
    assert found.n_stars == 6
    assert found.skipped == (("s5", "fewer than 10 measurements"),)
    assert len(found.injected["id"]) == 22


def test_radius_and_snr_are_those_of_the_plan(search: Search, tmp_path: Path) -> None:
    curves = source()
    radius = np.linspace(0.5, 1.2, len(curves))
    radius[0] = np.nan
    known = replace(curves, stars=Stars(radius, radius, radius, radius))
    assert [inject.quantity_of(c) for c in (curves, known, source(absolute=False))] == ["depth", "radius", "snr"]
    plan = replace(PLAN, quantity="radius", size=(3.0, 12.0))
    found = run(tmp_path / "radius", plan, known)
    assert "s0" not in found.injected["id"]
    of = dict(zip(curves.id.tolist(), radius.tolist()))
    ratio = found.injected["size"] * EARTH_PER_SOLAR_RADIUS / np.array([of[name] for name in found.injected["id"]])
    whole = found.injected["impact"] < 0.7
    # Limb darkening: deeper than the ratio of areas in the middle, not by more than a quarter.
    excess = found.injected["depth"][whole] / ratio[whole] ** 2
    assert 1.0 <= excess.min() < excess.max() < 1.3

    plain = source(absolute=False)
    search.seen.clear()
    plan = replace(PLAN, quantity="snr", size=(5.0, 30.0))
    found = run(tmp_path / "snr", plan, plain)
    seen = found.injected["n_transits"] > 0
    np.testing.assert_allclose(found.injected["snr"][seen], found.injected["size"][seen], rtol=1e-5)
    scatter = dict(zip(plain.id.tolist(), white_scatter(plain)))
    row = {name: k for k, name in enumerate(plain.id.tolist())}
    measured = sorted(
        float(np.linalg.norm(given.flux[k].astype(float) - plain.flux[row[name]]) / scatter[name])
        for given in search.seen
        for k, name in enumerate(given.id.tolist())
    )
    inserted = sorted(found.injected["snr"].tolist() + [0.0] * (len(measured) - 22))
    np.testing.assert_allclose(measured, inserted, atol=0.05)


def test_what_is_found_is_scored_against_its_own_injection(search: Search, tmp_path: Path, monkeypatch: Any) -> None:
    truth = run(tmp_path / "first").injected

    def finds(curves: LightCurves, config: SearchConfig, **named: Any) -> Any:
        found, trace = search(curves, config, **named)
        if named or len(curves) == 0:
            return found, trace
        period, t0, snr = (np.full(len(curves), x) for x in (3.3, 0.1, 4.0))
        for k, name in enumerate(curves.id.tolist()):
            for i in np.flatnonzero(truth["id"] == name):
                touched = np.abs(curves.flux[k] - plain.flux[row[name]]) > 1e-6
                late = (curves.time[k, touched] - truth["t0"][i] + truth["period"][i] / 2) % truth["period"][i]
                if touched.any() and np.abs(late - truth["period"][i] / 2).max() < truth["duration"][i] / 2 + CADENCE:
                    period[k], t0[k], snr[k] = truth["period"][i], truth["t0"][i], 10 + i
        return replace(found, period=period, t0=t0, snr_red=snr), trace

    plain = source()
    row = {name: k for k, name in enumerate(plain.id.tolist())}
    monkeypatch.setattr(inject, "search_star", finds)
    found = run(tmp_path / "second").injected
    np.testing.assert_array_equal(found["period"], truth["period"])
    seen = truth["n_transits"] > 0
    assert found["exact"][seen].tolist() == (10 + np.flatnonzero(seen)).tolist()


def test_false_alarms_come_from_altered_curves_without_the_stars_own_signals(search: Search, tmp_path: Path) -> None:
    search.own = 20.0
    found = run(tmp_path)
    assert found.inverted.tolist() == [5] * 6
    assert found.scrambled.tolist() == [6] * 6
    assert len(search.altered) == 12  # six stars, each upside down and shuffled
    for even, changed, masked in search.altered:
        # The search that stands in has found something every 4 days, from a day after the start.
        late = (np.arange(even.flux.shape[1]) * even.cadence - 1 + 2) % 4 - 2
        assert masked[np.abs(late) < 0.1].all()
        assert not masked[np.abs(late) > 0.25].any()
        if np.asarray(changed.flux).sum() < 0:
            np.testing.assert_array_equal(changed.flux, -even.flux)
        else:
            np.testing.assert_array_equal(np.sort(changed.flux), np.sort(even.flux))
            assert (changed.flux != even.flux).mean() > 0.5


def test_a_null_is_searched_for_as_many_candidates_as_a_star(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one candidate a star a second dip would not count, and the star would pass for quiet."""
    searches = []

    def search_star(star: LightCurves, config: SearchConfig, **named: Any) -> Any:
        searches.append((config, named.get("alter") is not None))
        return Search()(star, config, **named)

    monkeypatch.setattr(inject, "search_star", search_star)
    run(tmp_path)
    assert {config for config, _ in searches} == {SEARCH}
    assert sum(altered for _, altered in searches) == 12


def test_weak_signals_of_a_star_are_its_noise(search: Search, tmp_path: Path) -> None:
    search.own = SEARCH.snr_min - 0.1
    run(tmp_path)
    assert not any(masked.any() for _, _, masked in search.altered)


def test_only_what_is_missing_is_searched_again(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inject, "BATCH_STARS", 4)
    progress: list[tuple[int, int]] = []
    first = run(tmp_path, workers=2, report=lambda what, done, total: progress.append((done, total)))
    parts = sorted((tmp_path / "parts").glob("*.npz"))
    assert progress == [(k + 1, len(parts)) for k in range(len(parts))]
    before = {path.name: path.read_bytes() for path in parts}
    parts[0].unlink()
    next(path for path in parts if path.name.startswith("null")).unlink()
    search.seen.clear()
    again = run(tmp_path)
    assert len(search.seen) == 4 + 4
    assert {path.name: path.read_bytes() for path in sorted((tmp_path / "parts").glob("*.npz"))} == before
    for name, column in first.injected.items():
        np.testing.assert_array_equal(column, again.injected[name])
    np.testing.assert_array_equal(first.scrambled, again.scrambled)


def test_more_injections_leave_the_first_ones_as_they_were(search: Search, tmp_path: Path) -> None:
    few, many = (run(tmp_path / str(n), replace(PLAN, n=n)).injected for n in (10, 22))
    for name in ("id", "period", "t0", "size"):
        np.testing.assert_array_equal(few[name], many[name][:10])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 4}, "seed: 3 -> 4"),
        ({"size": (1e-3, 0.04)}, "size"),
        ({"n_null": 5}, "n_null"),
        ({"search": replace(SEARCH, window=3.0)}, "search.window: None -> 3.0"),
    ],
)
def test_another_experiment_is_refused(change: dict[str, Any], word: str, search: Search, tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(InputError, match=r"give another --out") as refused:
        run(tmp_path, replace(PLAN, **change))
    assert word in str(refused.value)
    other = source()
    with pytest.raises(InputError, match="about"):
        run(tmp_path, PLAN, replace(other, stars=Stars(*(np.ones(len(other)) for _ in range(4)))))


def test_a_source_of_hosts_alone_is_refused() -> None:
    with pytest.raises(InputError, match=r"some\.npz: every star is a planet host"):
        inject.usable(replace(source(), label=np.ones(8, np.int8)))
    assert len(inject.usable(replace(source(), label=None))) == 8


def test_curves_too_short_for_any_period_are_refused(search: Search, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no star can be searched"):
        run(tmp_path, replace(PLAN, search=replace(SEARCH, period_min=40.0)))
