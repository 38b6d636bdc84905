"""The sheet shows what is in the arrays, whatever these are: the right cadences, in the right unit and place."""

import time as clock
from dataclasses import fields, replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from exojax.candidates import Candidates
from exojax.ephemeris import nearest_transit, phase
from exojax.evaluation.attribution import Attribution
from exojax.light_curves import Stars
from exojax.report import numbers
from exojax.report.folding import binned, folded, shifts
from exojax.report.sheet import Sheet, draw, sheet

HOSTILE = "<b>&$\\frac{1}\n\x07 星" * 8
CADENCE = 0.02
TEXT = ("id", "aliases", "matches")


def candidates(**columns):
    """One row or more; what is not given is unknown."""
    n = len(next(iter(columns.values()))) if columns else 1
    whole = {"star": 0, "rank": 1, "n_transits": 3}
    made = {}
    for field in fields(Candidates):
        unknown = "" if field.name in TEXT else whole.get(field.name, False if field.name == "single" else np.nan)
        made[field.name] = np.array(columns.get(field.name, [unknown] * n))
    return Candidates(**made)


NOBODY = candidates().take(np.array([], int))


def one_sheet(n=3000, period=5.0, duration=0.3, depth=2e-3, odd=1.0, even=1.0, noise=2e-4, seed=0, **changes):
    """A sheet of a curve from day 100 with transits at 101.7 + k * period, a gap of six days, and a centroid."""
    rng = np.random.default_rng(seed)
    time = 100 + CADENCE * np.arange(n)
    weight = np.ones(n)
    weight[(time > 113) & (time < 119)] = 0  # holds the fourth transit
    away, number = nearest_transit(time, period, 101.7)
    dip = (np.abs(away) < duration / 2) * np.where(number % 2 == 0, odd, even)
    flat = (noise * rng.normal(size=n) - depth * dip) * (weight > 0)
    trend = 1 + 0.01 * np.sin(time / 3)
    found = candidates(
        id=["KIC 7"], period=[period], period_error=[1e-4], t0=[101.7], t0_error=[1e-3], duration=[duration],
        depth=[depth], depth_error=[3e-5], snr=[30.0], secondary_phase=[0.4], secondary_sigma=[1.2],
        aliases=["2.5;10.0"], n_transits=[11],
    )  # fmt: skip
    whole = Sheet(
        candidate=found,
        others=NOBODY,
        time_system="BKJD",
        absolute=True,
        cadence=CADENCE,
        time=time[weight > 0],
        flux=(trend * (1 + flat))[weight > 0],
        start=100.0,
        flat=flat,
        trend=trend,
        weight=weight,
        scatter=noise,
        periods=np.geomspace(0.5, 30, 5000),
        power=rng.normal(5, 1, 5000),
        model_offset=duration * np.array([-0.5, -0.5, 0.5, 0.5]),
        model_flux=-depth * np.array([0.0, 1.0, 1.0, 0.0]),
        centroid=100 + rng.normal(0, 1e-3, (n, 2)),
        star=Stars(np.array([1.0]), np.array([1.0]), np.array([5772.0]), np.array([11.0])),
    )
    return replace(whole, **changes)


def known(one, **columns):
    return replace(one, candidate=replace(one.candidate, **{k: np.array([v]) for k, v in columns.items()}))


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


def drawn(axes, marker=".", **style):
    """``(2, k)``: the points of the axes' lines with that marker."""
    lines = [line for line in axes.lines if line.get_marker() == marker and line.get_xydata().size]
    lines = [line for line in lines if all(getattr(line, f"get_{k}")() == v for k, v in style.items())]
    return np.concatenate([line.get_xydata() for line in lines]).T if lines else np.empty((2, 0))


def empty(n=50):
    return {"flat": np.zeros(n), "weight": np.zeros(n), "trend": np.full(n, np.nan), "centroid": np.zeros((n, 2))}


NUMBERS = [field.name for field in fields(Candidates) if getattr(candidates(), field.name).dtype.kind == "f"]
LOCAL = {"local_view": np.stack([-np.hanning(61), np.zeros(61), np.ones(61)], axis=1)}
WHY = Attribution(LOCAL, {"local_view": np.hanning(61)}, {"sde": 0.3, "log_snr": -0.2}, 2.0, -1.0)
CASES = {
    "reasons": {"reasons": WHY},
    "ordinary": {},
    "no centroids, no star": {"centroid": None, "star": None},
    "other candidates": {
        "others": candidates(
            rank=[2, 3], period=[3.3, np.nan], t0=[100.4, 120.0], duration=[0.1, 0.4], depth=[1e-3] * 2
        )
    },
    "in units of scatter": {"absolute": False, "time_system": "assumed", "model_flux": -10.0 * np.array([0, 1, 1, 0])},
    "no periodogram": {"periods": np.array([]), "power": np.array([])},
    "one period": {"periods": np.ones(1), "power": np.ones(1)},
    "flat periodogram of zeros and NaN": {"power": np.r_[np.full(10, np.nan), np.zeros(4990)]},
    "no noise": {"flat": np.zeros(3000), "scatter": 0.0},
    "scatter unknown": {"scatter": float("nan")},
    "nothing measured": empty() | {"time": np.array([]), "flux": np.array([])},
    "raw flux all NaN": {"flux": np.full(2700, np.nan), "time": np.arange(2700.0)},
    "NaN centroids": {"centroid": np.full((3000, 2), np.nan)},
    "warnings": {"warnings": (HOSTILE, "The cadence is assumed."), "time_system": HOSTILE},
    "star partly known": {"star": Stars(*(np.array([v]) for v in (np.nan, 1.0, np.nan, 12.0)))},
}
ROWS = {
    "single": {"single": True, "period": np.nan, "period_min": 41.2, "odd_even_sigma": np.nan},
    "nothing known": dict.fromkeys(NUMBERS, np.nan),
    "hostile": {"id": HOSTILE, "aliases": HOSTILE + ";nan;-1", "matches": HOSTILE + ";;"},
    "longer than the curve": {"period": 400.0},
    "half of the period in transit": {"period": 0.5, "duration": 0.25},
    "upside down": {"depth": -1e-3, "secondary_sigma": -3.0},
    "deep": {"depth": 0.4},
}  # fmt: skip


@pytest.mark.parametrize("case", [*CASES, *ROWS])
def test_every_sheet_is_drawn_on_one_page(case, tmp_path):
    one = one_sheet(**CASES[case]) if case in CASES else known(one_sheet(), **ROWS[case])
    sheet(tmp_path / "sheets" / "one.png", one)
    content = (tmp_path / "sheets" / "one.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert [int.from_bytes(content[i : i + 4], "big") for i in (16, 20)] == [1753, 1240]
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["one.png"]


def test_four_years_of_kepler_take_under_a_second_and_a_half(tmp_path):
    one = one_sheet(n=65_000, period=0.83, duration=0.1)
    sheet(tmp_path / "warm.png", one_sheet())
    began = clock.process_time()
    sheet(tmp_path / "one.png", one)
    assert clock.process_time() - began < 1.5


def test_transits_are_marked_where_they_are_and_hollow_in_gaps():
    axes = panel(draw(one_sheet()), "Detrended")
    full, hollow = (drawn(axes, "^", color="#D55E00", markerfacecolor=face)[0] for face in ("#D55E00", "white"))
    np.testing.assert_allclose(full, [101.7, 106.7, 111.7, *np.arange(121.7, 160, 5)])
    np.testing.assert_allclose(hollow, [116.7])


def test_folds_are_in_hours_and_ppm_and_odd_and_even_share_a_scale():
    figure = draw(one_sheet(odd=1.3, even=0.7))
    odd, even = panel(figure, "Odd"), figure.axes[figure.axes.index(panel(figure, "Odd")) + 1]
    assert odd.get_ylim() == even.get_ylim()
    for axes, depth in ((panel(figure, "Around"), 2000), (odd, 2600), (even, 1400)):
        x, y = drawn(axes, color="#0072B2")
        inside = np.abs(x) < 0.1 * 24
        assert inside.sum() >= 4
        # Around the transit four odd and five even ones are averaged.
        np.testing.assert_allclose(y[inside], depth * -1.0, atol=150)
        np.testing.assert_allclose(y[np.abs(x) > 0.2 * 24], 0, atol=150)


def test_the_secondary_is_shown_at_its_phase():
    one = one_sheet()
    time = one.start + CADENCE * np.arange(len(one.flat))
    eclipse = 1e-3 * (np.abs(phase(time, 5.0, 101.7 + 0.4 * 5)) < 0.1) * (one.weight > 0)
    x, y = drawn(panel(draw(replace(one, flat=one.flat - eclipse)), "Secondary"), color="#0072B2")
    assert y[np.abs(x) < 2].max() < -800
    assert y[np.abs(x) > 3].min() > -200


def test_cadences_of_better_candidates_alone_are_left_out_of_the_folds():
    others = candidates(rank=[1, 3], period=[4.0, 7.0], t0=[103.0, 104.0], duration=[0.5, 0.5], depth=[1e-3, 1e-3])
    fold = folded(known(one_sheet(others=others), rank=2))
    better, worse = (np.abs(phase(fold.time, p, t)) < 0.25 for p, t in ((4.0, 103.0), (7.0, 104.0)))
    assert not fold.keep[better].any()
    assert fold.keep[worse & ~(np.abs(phase(fold.time, 4.0, 103.0)) < 0.31)].all()


def test_a_single_transit_has_no_folds():
    figure = draw(known(one_sheet(), **ROWS["single"]))
    titles = " ".join(axes.get_title(loc="left") for axes in figure.axes)
    assert "The event" in titles
    assert not any(word in titles for word in ("phase", "Odd", "Secondary", "folded"))
    x, y = drawn(panel(figure, "The event"), color="#0072B2")
    assert np.median(y[np.abs(x) < 3]) < -1800
    assert np.abs(np.median(y[np.abs(x) > 4])) < 150
    words = [text.get_text() for text in figure.texts]
    assert "≥ 41.2000 d" in words
    assert "odd – even" not in words


def test_reasons_stand_below_the_panels_and_cross_none_of_them():
    plain, figure = draw(one_sheet()), draw(known(one_sheet(reasons=WHY), probability=0.88))
    assert "Why probability 0.880" in [text.get_text() for text in figure.texts]
    assert not any(text.get_text().startswith("Why") for text in plain.texts)
    pen = FigureCanvasAgg(figure).get_renderer()
    panels, strip = figure.axes[: len(plain.axes)], figure.axes[len(plain.axes) :]
    assert len(strip) == 2
    top = max(axes.get_tightbbox(pen).y1 for axes in strip)
    left_of_centroid = [axes for axes in panels if axes.get_position().x0 < 0.8]
    assert top < min(axes.xaxis.get_tightbbox(pen).y0 for axes in left_of_centroid)
    told = next(text for text in figure.texts if text.get_text().startswith("score")).get_window_extent(pen)
    assert top < told.y0 < told.y1 < min(axes.xaxis.get_tightbbox(pen).y0 for axes in left_of_centroid)
    assert min(axes.get_tightbbox(pen).y0 for axes in strip) > 0


def test_a_single_transit_whose_shortest_period_is_unknown_says_so():
    one = known(one_sheet(), **(ROWS["single"] | {"period_min": np.nan}))
    assert dict(numbers.rows(one.candidate, "BKJD", True, one.star))["period"] == "unknown"


def test_flags_stand_below_the_warnings_and_do_not_run_into_the_centroid():
    flags = ("odd and even differ by 4.2σ", "V-shaped: mean depth 0.56 of the middle's")
    texts = draw(one_sheet(flags=flags, warnings=("The cadence is assumed.",))).texts
    words = [text.get_text().replace("\n  ", " ") for text in texts]
    assert words[-4:] == ["The cadence is assumed.", "speaks against it:", *(f"• {flag}" for flag in flags)]
    figure = draw(one_sheet(flags=flags * 20))
    assert "… more in candidates.csv" in [text.get_text() for text in figure.texts]
    pen = FigureCanvasAgg(figure).get_renderer()
    lowest = min(text.get_window_extent(pen).y0 for text in figure.texts)
    assert lowest > panel(figure, "Centroid").get_position().y1 * figure.bbox.height
    assert "speaks against it:" not in [text.get_text() for text in draw(one_sheet()).texts]


def test_without_an_absolute_scale_the_units_of_the_file_do_not_show(tmp_path):
    one = one_sheet(absolute=False, model_flux=-10.0 * np.array([0, 1, 1, 0]))
    scaled = {name: getattr(one, name) * 4096.0 for name in ("flux", "flat", "trend", "scatter")}
    sheet(tmp_path / "a.png", one)
    sheet(tmp_path / "b.png", replace(one, **scaled))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_peak_of_a_long_periodogram_is_drawn():
    power = np.full(200_000, 4.0)
    power[123_456] = 40.0
    periods = np.geomspace(0.5, 500, len(power))
    axes = panel(draw(one_sheet(periods=periods[::-1], power=power[::-1])), "Periodogram")
    x, y = axes.lines[0].get_xydata().T
    assert y.max() == 40
    assert x[y.argmax()] == pytest.approx(periods[123_456], rel=0.01)
    np.testing.assert_allclose(drawn(axes, "^")[0], [2.5, 10.0])


def test_bins_are_weighted_means():
    rng = np.random.default_rng(1)
    x, y, weight = rng.uniform(-1.2, 1.2, 500), rng.normal(size=500), rng.integers(0, 4, 500).astype(float)
    weight[(x > 0) & (x < 0.25)] = 0
    centre, mean, total = binned(x, y, weight, -1.0, 1.0, 8)
    np.testing.assert_allclose(centre, np.delete(np.arange(-0.875, 1, 0.25), 4))
    for c, m, t in zip(centre, mean, total):
        inside = (x >= c - 0.125) & (x < c + 0.125)
        assert t == weight[inside].sum()
        assert m == pytest.approx(np.average(y[inside], weights=weight[inside]))


def test_the_centroid_shift_is_measured_against_its_drift_with_an_honest_error():
    time = 100 + CADENCE * np.arange(3000)
    away, number = nearest_transit(time, 5.0, 101.7)
    number = number.astype(int)
    pulls = []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(0, 2e-3, (3000, 2))
        centroid = 500 + noise + 1e-2 * (time - 100)[:, None]
        centroid[np.abs(away) < 0.15] += [3e-3, -1e-3]
        centroid[number == 3] += 0.1 * (np.abs(away[number == 3]) < 0.1)[:, None]  # a cosmic ray, a jolt
        found, middle, error = shifts(away, number, centroid.astype(np.float32), np.ones(3000), 0.3)
        assert len(found) == 12
        pulls.append((middle - [3e-3, -1e-3]) / error)
    assert np.abs(np.mean(pulls)) < 0.3
    assert 0.7 < np.std(pulls) < 1.2


def test_the_centroid_needs_both_sides_of_a_transit():
    time = np.arange(100.0, 110, CADENCE)
    weight = np.where(time < 104.9, 0.0, 1.0)  # the transit at 105 has no left side
    found, *_ = shifts(time - 105, np.zeros(len(time), int), np.zeros((len(time), 2)), weight, 0.3)
    assert len(found) == 0


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (10.054463, 0.00026, "10.05446 ± 0.00026 d"),
        (1977.41672, 0.0131, "1977.417 ± 0.013 d"),
        (5.0, np.nan, "5.0000 d"),
        (5.0, 0.0, "5.0000 d"),
        (512.3, 41.0, "512 ± 41 d"),
        (np.nan, 1.0, "–"),
    ],
)
def test_errors_have_two_figures(value, error, told):
    assert numbers.both(value, error, "d", 4) == told


def test_the_table_tells_units():
    one = one_sheet()
    told = dict(numbers.rows(known(one, depth=84e-6).candidate, "BTJD", True, one.star))
    assert told["radius"] == "≈ 1 R⊕"  # the Earth's transit of the Sun
    assert told["duration"] == "7.20 h"
    assert told["depth"] == "84 ± 30 ppm"
    assert told["t0, BTJD"] == "101.7000 ± 0.0010 d"
    assert told["centroid shift"] == "not measured"
    assert told["secondary"] == "1.2σ at phase 0.400"
    assert told["aliases"] == "2.5, 10.0\xa0d"  # no line begins with the unit
    scatters = dict(numbers.rows(known(one, depth=3.2, depth_error=0.4).candidate, "assumed", False, one.star))
    assert scatters["depth"] == "3.20 ± 0.40 σ"
    assert scatters["radius"] == "–"
