"""The sheet shows what is in the arrays, whatever these are: the right cadences, in the right unit and place."""

import re
from dataclasses import fields, replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from touching import touching

from exojax.candidates import Candidates
from exojax.ephemeris import nearest_transit, phase
from exojax.evaluation.attribution import Attribution
from exojax.light_curves import Piece, Stars
from exojax.report import numbers
from exojax.report.candidates import ASPECT, THUMBNAIL
from exojax.report.closed_gaps import closed_gaps
from exojax.report.folding import binned, events, folded, secondary_explained
from exojax.report.sheet import STRIP, Sheet, draw, draw_events, sheet
from exojax.report.verdicts import VerdictLine, verdict_lines
from exojax.vetting import all_tests
from exojax.vetting.centroid import centroid_shift
from exojax.vetting.model_shift import model_shift
from exojax.vetting.sweet import sweet
from exojax.vetting.transit_series import transit_series

HOSTILE = "<b>&$\\frac{1}\n\x07 星" * 8
CADENCE = 0.02
TEXT = ("id", "aliases", "matches", "detrending")


def candidates(**columns):
    """Return one row or more; what is not given is unknown."""
    n = len(next(iter(columns.values()))) if columns else 1
    whole = {"star": 0, "rank": 1, "n_transits": 3}
    made = {}
    for field in fields(Candidates):
        unknown = "" if field.name in TEXT else whole.get(field.name, False if field.name == "single" else np.nan)
        made[field.name] = np.array(columns.get(field.name, [unknown] * n))
    return Candidates(**made)


def shift_of(centroid, weight, period, duration):
    steps = period / CADENCE, 1.7 / CADENCE, duration / CADENCE
    return centroid_shift(centroid.astype(np.float32), weight.astype(np.float32), *steps)


NOBODY = candidates().take(np.array([], int))


def one_sheet(n=3000, period=5.0, duration=0.3, depth=2e-3, odd=1.0, even=1.0, noise=2e-4, seed=0, **changes):
    """Return a sheet of a curve from day 100 with transits at 101.7 + k * period, a gap of six days, and a centroid."""
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
        kept=np.ones(n, bool),
        scatter=noise,
        periods=np.geomspace(0.5, 30, 5000),
        power=rng.normal(5, 1, 5000),
        model_offset=duration * np.array([-0.5, -0.5, 0.5, 0.5]),
        model_flux=-depth * np.array([0.0, 1.0, 1.0, 0.0]),
        shift=shift_of(100 + rng.normal(0, 1e-3, (n, 2)), weight, period, duration),
        star=Stars(np.array([1.0]), np.array([1.0]), np.array([5772.0]), np.array([11.0])),
    )
    return replace(whole, **changes)


def known(one, **columns):
    return replace(one, candidate=replace(one.candidate, **{k: np.array([v]) for k, v in columns.items()}))


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


def drawn(axes, marker=".", **style):
    """Return ``(2, k)``: the points of the axes' lines with that marker."""
    lines = [line for line in axes.lines if line.get_marker() == marker and line.get_xydata().size]
    lines = [line for line in lines if all(getattr(line, f"get_{k}")() == v for k, v in style.items())]
    return np.concatenate([line.get_xydata() for line in lines]).T if lines else np.empty((2, 0))


def empty(n=50):
    nothing = {"flat": np.zeros(n), "weight": np.zeros(n), "trend": np.full(n, np.nan), "kept": np.ones(n, bool)}
    return nothing | {"shift": None}


NUMBERS = [field.name for field in fields(Candidates) if getattr(candidates(), field.name).dtype.kind == "f"]
LOCAL = {"local_view": np.stack([-np.hanning(61), np.zeros(61), np.ones(61)], axis=1)}
WHY = Attribution(LOCAL, {"local_view": np.hanning(61)}, {"sde": 0.3, "log_snr": -0.2}, 2.0, -1.0)
CASES = {
    "reasons": {"reasons": WHY},
    "ordinary": {},
    "no centroids, no star": {"shift": None, "star": None},
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
    "NaN centroids": {"shift": shift_of(np.full((3000, 2), np.nan), np.ones(3000), 5.0, 0.3)},
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
    assert [int.from_bytes(content[i : i + 4], "big") for i in (16, 20)] == [1980, 1400]
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["one.png"]


def test_four_years_of_kepler_are_drawn(tmp_path):
    sheet(tmp_path / "one.png", one_sheet(n=65_000, period=0.83, duration=0.1))
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


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


def test_the_secondary_is_drawn_at_its_phase():
    one = one_sheet()
    time = one.start + CADENCE * np.arange(len(one.flat))
    eclipse = 1e-3 * (np.abs(phase(time, 5.0, 101.7 + 0.4 * 5)) < 0.1) * (one.weight > 0)
    x, y = drawn(panel(draw(replace(one, flat=one.flat - eclipse)), "Secondary"), color="#0072B2")
    assert y[np.abs(x) < 2].max() < -800
    assert y[np.abs(x) > 3].min() > -200


def test_transits_of_candidates_found_before_it_are_left_out_of_the_folds():
    one = one_sheet()
    time = one.start + CADENCE * np.arange(len(one.flat))
    earlier = np.abs(phase(time, 10.0, 106.7)) < 0.3  # every second transit
    one = replace(one, flat=one.flat - 0.02 * earlier * (one.weight > 0), kept=~earlier)
    fold = folded(one)
    np.testing.assert_array_equal(fold.keep, ~earlier[one.weight > 0])
    figure = draw(one)
    assert drawn(panel(figure, "Around"), color="#0072B2")[1].min() > -3000
    assert panel(figure, "Whole phase, without the transits of candidates found before it")
    # All even transits are the other's: they were measured as they are, and are drawn so.
    even = figure.axes[figure.axes.index(panel(figure, "Odd")) + 1]
    assert drawn(even, color="#0072B2")[1].min() < -10_000


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
    bottom = STRIP[3]
    panels = [axes for axes in figure.axes if axes.get_position().y0 > bottom]
    strip = [axes for axes in figure.axes if axes.get_position().y0 < bottom]
    assert len(strip) == 2
    top = max(axes.get_tightbbox(pen).y1 for axes in strip)
    lowest = min(box.y0 for axes in panels if (box := axes.xaxis.get_tightbbox(pen)))
    assert top < lowest
    stated = next(text for text in figure.texts if text.get_text().startswith("score")).get_window_extent(pen)
    assert top < stated.y0 < stated.y1 < lowest
    assert min(axes.get_tightbbox(pen).y0 for axes in strip) > 0


def test_a_single_transit_whose_shortest_period_is_unknown_says_so():
    one = known(one_sheet(), **(ROWS["single"] | {"period_min": np.nan}))
    assert dict(numbers.rows(one))["period"] == "not known"


def test_sentences_stand_below_the_numbers_and_on_the_page():
    flags = ("odd and even differ by 4.2σ", "V-shaped: mean depth 0.56 of the middle's")
    words = [text.get_text() for text in draw(one_sheet(flags=flags, warnings=("The cadence is assumed.",))).texts]
    start = words.index("Speaks against it")
    assert words[start + 1 : start + 5] == [*(f"• {flag}" for flag in flags), "Note", "The cadence is assumed."]
    figure = draw(one_sheet(flags=flags * 40))
    assert "… more in candidates.csv" in [text.get_text() for text in figure.texts]
    pen = FigureCanvasAgg(figure).get_renderer()
    assert min(text.get_window_extent(pen).y0 for text in figure.texts) > 0
    assert "Speaks against it" not in [text.get_text() for text in draw(one_sheet()).texts]


@pytest.mark.parametrize("moved", [0.0, 6e-4, 1.2e-3, 2.5e-3, 5e-3])
def test_the_cross_lies_outside_of_the_ellipse_exactly_where_words_say_that_the_centroid_moves(moved):
    one = one_sheet()
    time = one.start + CADENCE * np.arange(len(one.flat))
    centroid = 100 + np.random.default_rng(1).normal(0, 2e-3, (len(time), 2))
    centroid[np.abs(phase(time, 5.0, 101.7)) < 0.15] += [moved, 0.5 * moved]
    shift = shift_of(centroid, one.weight, 5.0, 0.3)
    figure = draw(known(replace(one, shift=shift), centroid_sigma=shift.sigma))
    axes = panel(figure, "Centroid")
    ellipse = max((line.get_xydata() for line in axes.lines), key=len)
    turn = np.ptp(np.unwrap(np.arctan2(ellipse[:, 1], ellipse[:, 0])))
    assert (turn < 6) == shift.moved == ("moves" in axes.get_title(loc="left"))
    assert drawn(axes, "+").tolist() == [[0], [0]]
    assert f"{shift.sigma:.1f}σ" in axes.get_title(loc="left")
    # Of a single transit nothing is written, and no ellipse is drawn.
    single = panel(draw(known(replace(one, shift=replace(shift, sigma=np.nan)), **ROWS["single"])), "Centroid")
    assert all(len(line.get_xydata()) < 100 for line in single.lines)


def test_every_event_has_its_own_depth_and_time():
    one = one_sheet(odd=1.3, even=0.7)
    found = events(folded(one))
    np.testing.assert_allclose([event.time for event in found], [101.7, 106.7, 111.7, *np.arange(121.7, 160, 5)])
    depths = np.array([event.depth for event in found])
    odd = np.array([event.number % 2 == 1 for event in found])
    np.testing.assert_allclose(depths[~odd], 2600, atol=250)
    np.testing.assert_allclose(depths[odd], 1400, atol=250)
    assert all(abs(event.error - 200 / np.sqrt(15)) < 15 for event in found)
    figure = draw(one)
    titles = [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]
    assert "Depth of 11 transits" in titles
    for event in found:
        assert any(title.startswith(f"{event.time:.2f}\n{event.depth:,.0f} ±") for title in titles)
    # A level that is off moves no depth.
    raised = replace(one, flat=one.flat + 5e-4 * (one.weight > 0))
    np.testing.assert_allclose([event.depth for event in events(folded(raised))], depths, atol=1)


def test_many_events_have_a_second_page_in_the_pdf(tmp_path):
    long = one_sheet(n=20_000)
    assert draw_events(one_sheet(n=1200)) is None
    assert len(draw_events(long).axes) >= 40
    for one, pages in ((one_sheet(n=1200), 1), (long, 2)):
        sheet(tmp_path / "one.png", one, pdf=True)
        assert len(re.findall(rb"/Type /Page\W", (tmp_path / "one.pdf").read_bytes())) == pages


def test_a_secondary_that_is_another_candidates_says_so():
    one = known(one_sheet(), rank=1)
    others = candidates(rank=[2], period=[10.0], t0=[103.7], duration=[0.3], depth=[1e-3])  # at phase 0.4, one in two
    explained = replace(one, others=others)
    assert secondary_explained(explained) == 2
    assert "candidate 2's transits" in [text.get_text() for text in panel(draw(explained), "Secondary").texts]
    assert "candidate 2's transits" in dict(numbers.rows(explained))["secondary"]
    elsewhere = replace(one, others=replace(others, t0=np.array([105.0])))
    assert secondary_explained(elsewhere) == secondary_explained(one) == 0


def test_a_faint_secondary_has_a_scale_of_its_own():
    low, high = panel(draw(one_sheet(depth=0.009, noise=1e-4)), "Secondary").get_ylim()
    assert high - low < 600  # ppm, with a transit of 9,000


def test_a_shallow_candidate_is_not_flattened_by_a_deeper_one():
    one = one_sheet(depth=1e-3)
    time = one.start + CADENCE * np.arange(len(one.flat))
    deep = 0.05 * (np.abs(phase(time, 20.0, 104.0)) < 0.2) * (one.weight > 0)
    others = candidates(rank=[1], period=[20.0], t0=[104.0], duration=[0.4], depth=[0.05])
    axes = panel(draw(known(replace(one, flat=one.flat - deep, others=others, kept=deep == 0), rank=2)), "Detrended")
    assert axes.get_ylim()[0] > -4000


def test_red_noise_that_is_the_white_one_is_explained():
    stated = dict(numbers.rows(known(one_sheet(), snr=30.0, snr_red=30.0)))["SNR"]
    assert stated == "30.0 white, 30.0 red (no red noise was found)"
    assert dict(numbers.rows(known(one_sheet(), snr=30.0, snr_red=29.0)))["SNR"] == "30.0 white, 29.0 red"


def test_the_vetting_page_shows_the_folded_transit():
    for one in (one_sheet(), known(one_sheet(), **ROWS["single"])):
        figure = draw(one)
        axes = next(a for a in figure.axes if a.get_title(loc="left").startswith(("Around", "The event")))
        (left, bottom), (right, top) = axes.get_position().get_points()
        assert (left, 1 - top, right, 1 - bottom) == pytest.approx(THUMBNAIL)
        assert figure.get_figheight() / figure.get_figwidth() == pytest.approx(ASPECT)


def test_the_tests_stand_with_their_limits_and_verdicts():
    lines = (VerdictLine("odd and even differ", "1.0σ", "? ≥ 2", "pass"), VerdictLine("albedo", "–", "", "not known"),
             VerdictLine("a second eclipse", "9.0σ", "✗ ≥ 2.7", "fail"))  # fmt: skip
    words = [text.get_text() for text in draw(one_sheet(tests=lines)).texts]
    for line, sign in zip(lines, "✓–✗"):
        assert words[words.index(line.name) - 1] == sign
        assert line.number in words


@pytest.mark.parametrize(
    "case", ["ordinary", "reasons", "other candidates", "single", "upside down", "longer than the curve"]
)
def test_no_words_touch(case):
    one = one_sheet(**CASES[case]) if case in CASES else known(one_sheet(), **ROWS[case])
    figure = draw(replace(one, flags=("a flag of 3.2σ that is somewhat longer than others",)))
    pen = FigureCanvasAgg(figure).get_renderer()
    figure.draw(pen)
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [(text.get_text(), text.get_window_extent(pen)) for text in texts if text.get_text() and text.get_visible()]
    whole = figure.bbox
    for k, (words, box) in enumerate(boxes):
        if whole.overlaps(box):
            assert box.x1 <= whole.x1 + 1, words
        for other, there in boxes[k + 1 :]:
            width = min(box.x1, there.x1) - max(box.x0, there.x0)
            height = min(box.y1, there.y1) - max(box.y0, there.y0)
            assert min(width, height) <= 2.5, (words, other)


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


@pytest.mark.parametrize(
    ("value", "error", "stated"),
    [
        (10.054463, 0.00026, "10.05446 ± 0.00026 d"),
        (1977.41672, 0.0131, "1977.417 ± 0.013 d"),
        (5.0, np.nan, "5.0000 d"),
        (5.0, 0.0, "5.0000 d"),
        (512.3, 41.0, "512 ± 41 d"),
        (np.nan, 1.0, "not known"),
    ],
)
def test_errors_have_two_figures(value, error, stated):
    assert numbers.both(value, error, "d", 4) == stated


def test_the_table_tells_units():
    one = one_sheet()
    stated = dict(numbers.rows(replace(known(one, depth=84e-6, period=365.25), time_system="BTJD")))
    assert stated["radius"] == "1.00 ± 0.18 R⊕ (the depth's error)"  # the Earth's transit of the Sun
    assert stated["a/R"] == "215 by the star"
    assert stated["Teq, insolation"] == "278 K, 1 of the Earth's"
    assert stated["duration"] == "7.20 h"
    assert stated["mean depth"] == "84 ± 30 ppm"
    assert stated["t0, BTJD"] == "101.7000 ± 0.0010 d"
    assert stated["centroid shift"] == "not measured"
    assert stated["secondary"] == "1.2σ at phase 0.400"
    assert stated["aliases"] == "2.5, 10.0\xa0d"  # no line begins with the unit
    scatters = dict(numbers.rows(replace(known(one, depth=3.2, depth_error=0.4), absolute=False)))
    assert scatters["mean depth"] == "3.20 ± 0.40 σ"
    assert scatters["radius"].startswith("not known")
    nobody = dict(numbers.rows(replace(one, star=None)))
    assert nobody["Teq, insolation"] == "not known"
    assert "not known" in nobody["radius"]


@pytest.mark.parametrize(
    ("id", "clock", "matches", "title"),
    [
        ("100100827", "BTJD", "WASP-18 b:1", "TIC 100100827 = WASP-18 b"),
        ("11442793", "BKJD", "757076:2;+3", "KIC 11442793"),
        ("201367065", "BKJD", "K2-3 b:1/2", "EPIC 201367065"),
        ("5", "simulated", "", "5"),
        ("exoTrain:7", "assumed", "x:1", "exoTrain:7"),
    ],
)
def test_a_star_is_named_in_its_catalogues_words(id, clock, matches, title):
    assert numbers.title(replace(known(one_sheet(), id=id, matches=matches), time_system=clock)) == title


def test_the_next_transits_follow_the_curve_with_a_growing_error():
    times, error = numbers.upcoming(known(one_sheet(), period_error=1e-3, t0_error=1e-3))
    assert times == "161.7000, 166.7000, 171.7000 BKJD"
    assert error == "± 0.14 h; a year later ± 1.9 h"
    stored = known(one_sheet(), next_transit=170.0, next_transit_error=0.01, period_error=1e-3, t0_error=1e-3)
    assert numbers.upcoming(stored)[0].startswith("170.0000, 175.0000")
    assert numbers.upcoming(stored)[1].startswith("± 0.24 h")
    assert numbers.upcoming(known(one_sheet(), **ROWS["single"])) == []


def test_timing_is_in_minutes_or_not_known():
    assert dict(numbers.rows(one_sheet()))["timing"] == "not known"
    assert dict(numbers.rows(known(one_sheet(), ttv_sigma=-1.0, ttv_amplitude=0.0)))["timing"] == "on time, −1.0σ"
    late = known(one_sheet(), ttv_sigma=6.1, ttv_amplitude=0.01)
    assert dict(numbers.rows(late))["timing"] == "14 min off a linear ephemeris, 6.1σ"


SEASONS = np.r_[100:127:CADENCE, 800:827:CADENCE]


def far_apart(**changes):
    """Return a sheet of two seasons of 27 days, 700 days apart, with two transits, 705 days apart."""
    even = 100 + CADENCE * np.arange(round(727 / CADENCE))
    weight = ((even < 127) | (even > 800)).astype(float)
    flat = -2e-3 * ((np.abs(even - 110) < 0.15) | (np.abs(even - 815) < 0.15)) * weight
    flat = flat + 1e-4 * np.random.default_rng(2).normal(size=len(even)) * (weight > 0)
    one = one_sheet(
        time=even[weight > 0], flux=1 + flat[weight > 0], flat=flat, trend=np.ones(len(even)), weight=weight,
        kept=np.ones(len(even), bool), shift=None, scatter=1e-4,
    )  # fmt: skip
    pair = {"single": True, "period": np.nan, "period_min": 35.25, "t0": 110.0, "n_transits": 2, "depth": 2e-3}
    return known(one, **(pair | {"aliases": ";".join(f"{705 / n:.6g}" for n in range(20, 0, -1))} | changes))


def test_a_duotransit_shows_both_events_and_its_possible_periods():
    figure = draw(far_apart())
    assert [round(event.time, 2) for event in events(folded(far_apart()))] == [110.0, 815.0]
    np.testing.assert_allclose(drawn(panel(figure, "Detrended"), "^", color="#D55E00")[0], [110.0, 815.0])
    for title in ("Transit of 110.000", "Transit of 815.000"):
        y = panel(figure, title).lines[0].get_ydata()
        assert y.min() < -1800
    rows = dict(numbers.rows(far_apart()))
    assert rows["possible periods"] == "35.25, 37.1053, 39.1667, 41.4706, 44.0625, 47\xa0d … 20 in all"
    assert rows["centroid shift"] == "not measured (two transits)"
    assert "duotransit 1" in figure.texts[0].get_text()
    one = known(far_apart(), n_transits=1, aliases="")
    assert "single transit 1" in draw(one).texts[0].get_text()
    assert len(events(folded(one))) == 1
    assert "aliases" not in dict(numbers.rows(one))


def test_a_long_gap_takes_little_room_and_hides_no_transit():
    axes = panel(draw(known(far_apart(), single=False, period=5.0, t0=101.7, aliases="")), "Detrended")
    place = axes.transAxes.inverted().transform(axes.transData.transform(np.c_[[100, 127, 800, 827], [0] * 4]))[:, 0]
    np.testing.assert_allclose(np.diff(place), [0.48, 0.02, 0.48], atol=0.02)
    marks = np.r_[drawn(axes, "^", markerfacecolor="#D55E00")[0], drawn(axes, "^", markerfacecolor="white")[0]]
    assert len(marks) == 12
    assert ((marks < 127.3) | (marks > 799.7)).all()
    assert panel(draw(one_sheet()), "Detrended").get_xscale() == "linear"


def test_a_gap_of_days_is_no_gap_between_seasons():
    assert closed_gaps(np.r_[0:13:0.02, 14:27:0.02]) is None
    assert closed_gaps(np.r_[0:27:0.02, 33:60:0.02]) is None
    scale = closed_gaps(SEASONS)
    np.testing.assert_allclose(scale.inverse(scale.forward(SEASONS)), SEASONS)
    assert scale.inside(np.array([99.0, 101.0, 500.0, 801.0])).tolist() == [False, True, False, True]


def series_of(one, **changes):
    found = one.candidate
    time = one.start + CADENCE * np.flatnonzero(one.weight > 0)
    error = np.full(len(time), one.scatter)
    where = (float(getattr(found, name)[0]) for name in ("period", "t0", "duration"))
    return replace(one, series=transit_series(time, one.flat[one.weight > 0], error, *where), **changes)


def test_model_shift_and_its_events_are_drawn_as_the_test_found_them():
    one = one_sheet()
    time = one.start + CADENCE * np.arange(len(one.flat))
    eclipse = 1e-3 * (np.abs(phase(time, 5.0, 101.7 + 0.4 * 5)) < 0.15) * (one.weight > 0)
    one = series_of(replace(one, flat=one.flat - eclipse))
    found = model_shift(one.series)
    axes = panel(draw(one), "Model-shift")
    for letter, value in (("P", found.primary), ("S", found.secondary), ("T", found.tertiary), ("+", found.positive)):
        assert f"{letter} {value:.1f}".replace("-", "−") in axes.get_title(loc="left")
    places = {text.get_text(): text.xy for text in axes.texts}
    assert places["S"] == pytest.approx((0.4, found.secondary), abs=0.01)
    assert places["P"][0] == pytest.approx(0, abs=0.01)
    chance = found.alarm_survey * found.red
    assert {round(float(line.get_ydata()[0]), 6) for line in axes.lines} >= {round(chance, 6), round(-chance, 6)}


def test_sweet_draws_the_sine_that_it_measured():
    one = one_sheet(depth=1e-3)
    time = one.start + CADENCE * np.arange(len(one.flat))
    one = series_of(replace(one, flat=one.flat + 4e-4 * np.sin(2 * np.pi * (time - 101.7) / 5.0) * (one.weight > 0)))
    waves = sweet(one.series)
    axes = [panel(draw(one), f"{name}: {value:.1f}σ") for name, value in zip(("P/2", "P", "2P"), waves.sigma)]
    heights = [np.ptp(one_of.lines[-1].get_ydata()) / 2 for one_of in axes]
    np.testing.assert_allclose(heights, np.array(waves.amplitude) * 1e6, rtol=0.02, atol=1)
    assert heights[1] == pytest.approx(400, rel=0.05)


TIGHT = ("reasons", "other candidates", "in units of scatter", "warnings", "single", "hostile", "deep", "pair", "tests")


@pytest.mark.parametrize("case", TIGHT)
def test_no_words_touch_and_none_is_cut_off(case):
    one = one_sheet(**CASES[case]) if case in CASES else known(one_sheet(), **ROWS.get(case, {}))
    one = far_apart() if case == "pair" else one
    if case == "tests":
        one = series_of(replace(one, tests=tuple(verdict_lines(all_tests.UNKNOWN)), flags=("a flag",) * 3))
    for figure in (draw(one), draw_events(one)):
        assert figure is None or touching(figure) == []


def test_the_second_page_shows_river_centroid_and_background_around_the_transits():
    one = one_sheet()
    time = one.start + CADENCE * np.arange(len(one.flat))
    centroid = 100 + np.random.default_rng(5).normal(0, 1e-3, (len(time), 2))
    centroid[np.abs(phase(time, 5.0, 101.7)) < 0.15] += [0.02, 0.0]
    flux = np.stack([np.arange(100, 160, 1.0), np.full(60, 300.0)])
    piece = Piece("sector", 1, 100, 160, np.nan, np.nan, np.empty(0), np.empty(0), flux)
    figure = draw_events(replace(one, centroid=centroid, pieces=(piece,)))
    image = panel(figure, "River").images[0].get_array()
    assert len(image) == 11  # one lies in the gap
    middle = image.shape[1] // 2
    assert np.nanmax(image[:, middle]) < -1500 < np.nanmin(image[:, 0])
    column, row = (panel(figure, f"Centroid, {name}") for name in ("column", "row"))
    x, y = drawn(column, color="#0072B2")
    np.testing.assert_allclose(y[np.abs(x) < 2], 20, atol=1)
    assert np.abs(drawn(row, color="#0072B2")[1]).max() < 2
    np.testing.assert_allclose(drawn(panel(figure, "Background"), "^")[0][:3], [101.7, 106.7, 111.7])
    assert touching(figure) == []


def test_a_file_without_a_named_clock_is_no_unit():
    one = replace(one_sheet(), time_system="file")
    assert panel(draw(one), "Detrended").get_xlabel() == "days by the file's clock"
    assert "t0, file's clock" in dict(numbers.rows(one))
    assert numbers.upcoming(one)[0].endswith("by the file's clock")
