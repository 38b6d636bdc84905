"""One candidate, one page: what a vetter looks at before believing a planet; and a second page of single events."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from exojax.light_curves import Piece
from exojax.report import numbers, panels
from exojax.report.attribution import why
from exojax.report.candidates import ASPECT, THUMBNAIL
from exojax.report.folding import PAIR, Event, Fold, Sheet, events, folded, secondary_explained
from exojax.report.style import GREY, HOST, STYLE, placed, plain, png, say, styled
from exojax.report.verdicts import draw_tests
from exojax.report.vetting_panels import draw_model_shift, draw_sweet
from exojax.storage.write_file import write_atomically

__all__ = ["Sheet", "draw", "draw_events", "sheet"]

SIZE = (13.2, 13.2 * ASPECT)
LEFT, RIGHT = 0.052, 0.705
"""ends of the panels, as shares of the page; the words stand right of them"""
WORDS = (0.735, 0.985)
FOLDED = (THUMBNAIL[0], 1 - THUMBNAIL[3], THUMBNAIL[2] - THUMBNAIL[0], THUMBNAIL[3] - THUMBNAIL[1])
"""left, bottom, width and height of the folded transit, which the vetting page shows by itself"""
RAW, FLAT, PERIODS, SHAPES, ROW = (0.882, 0.05), (0.793, 0.057), (0.692, 0.05), (0.589, 0.05), (0.252, 0.08)
"""bottom and height of the rows: curve, detrended curve, periodogram and whole phase, model-shift and SWEET, events"""
CONTEXT = (0.045, 0.1)
"""bottom and height of the lowest row of the second page"""
STRIP = (LEFT, 0.03, RIGHT, 0.186)
SMALL = 6
"""single events on the first page"""
PAGE_OF, MOST_PARTS = 40, 10
"""single events, and sectors or quarters, on the second page"""
HOURS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
"""labels of a narrow panel's axis"""
LINES = (0.0128, 0.0165)
"""least and greatest height of a line of words"""


def sheet(path: Path, one: Sheet, *, pdf: bool = False) -> None:
    """Write the page as a PNG of 1980 x 1400 pixels, in one step, and with ``pdf`` a PDF of one or two pages beside it.

    The panels are those of the one-page summary of Kepler's data validation (Twicken et al. 2018, PASP 130, 064502) and
    of LATTE (Eisner et al. 2020, JOSS 5, 2101). The PDF has a second page of every event by itself, and of the fold by
    sector or quarter, where the first cannot show them all.
    """
    figure = draw(one)
    write_atomically(path, png(figure))
    if pdf:
        more = draw_events(one)
        buffer = io.BytesIO()
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE | {"figure.constrained_layout.use": False})
            with PdfPages(buffer, metadata={"CreationDate": None, "Producer": None}) as pages:
                for page in (figure, more):
                    if page is not None:
                        pages.savefig(page, dpi=150)
        write_atomically(path.with_suffix(".pdf"), buffer.getvalue())


@styled
def draw(one: Sheet) -> Figure:
    """Draw the page as a figure."""
    fold = folded(one)
    figure = placed(SIZE)
    width = RIGHT - LEFT
    kinds = {"dumps": "above: momentum dumps", "flagged": "below: flagged cadences"}
    there = [words for name, words in kinds.items() if any(getattr(piece, name).size for piece in one.pieces)]
    marks = f" (| {', '.join(there)})" if there else ""
    raw = figure.add_axes((LEFT, RAW[0], width, RAW[1]))
    panels.raw(raw, one, f"As measured, with its trend{marks}")
    panels.flat(figure.add_axes((LEFT, FLAT[0], width, FLAT[1])), one, fold)
    raw.tick_params(labelbottom=False)
    panels.periodogram(figure.add_axes((LEFT, PERIODS[0], 0.3, PERIODS[1])), one, fold)
    right = figure.add_axes((0.405, PERIODS[0], RIGHT - 0.405, PERIODS[1]))
    if np.isnan(fold.period):
        reach = 20 * fold.duration
        panels.raw(right, one, "Its neighbourhood, as measured", fold.t0 - reach, fold.t0 + reach)
        _wide(figure, fold, 12, SHAPES, "Twelve durations on either side, detrended")
    else:
        panels.phase(right, fold)
        draw_model_shift(figure.add_axes((LEFT, SHAPES[0], 0.36, SHAPES[1])), one)
        across = (RIGHT - 0.46) / 3
        places = [(0.46 + k * across, SHAPES[0], 0.88 * across, SHAPES[1]) for k in range(3)]
        draw_sweet(figure, one, fold, places)
    _folds(figure, one, fold)
    for axes in figure.axes:
        _sized(axes)
    if np.isnan(fold.period):
        _pair(figure, fold)
    else:
        _events(figure, one, fold, rows=1 if one.reasons is not None else 2)
    if one.reasons is not None:
        value = float(one.candidate.probability[0])
        why(figure, one.reasons, STRIP, "" if np.isnan(value) else f"probability {numbers.share(value)}")
    _words(figure, one, fold)
    return figure


def _wide(figure: Figure, fold: Fold, reach: float, row: tuple[float, float], title: str) -> None:
    """Draw ``reach`` durations on either side of a transit across the sheet."""
    wide = figure.add_axes((LEFT, row[0], RIGHT - LEFT, row[1]))
    panels.around(wide, fold, reach * fold.duration, title, model=True, chosen=fold.event == 0)
    _sized(wide)


def _pair(figure: Figure, fold: Fold) -> None:
    """Draw the two transits of a duotransit side by side, on one scale, and of one transit its wider surroundings."""
    found = events(fold)
    if len(found) < PAIR:
        _wide(figure, fold, 40, ROW, "Forty durations on either side, detrended")
        return
    width = (RIGHT - LEFT) / len(found)
    drawn = []
    for k, event in enumerate(found):
        axes = figure.add_axes((LEFT + k * width, ROW[0], 0.88 * width, ROW[1]))
        title = f"Transit of {event.time:.3f}: {_depth(event, fold)}"
        chosen = fold.event == event.number
        panels.around(axes, fold, 3 * fold.duration, title, model=True, chosen=chosen, level=event.level)
        _sized(axes)
        drawn.append(axes)
    low, high = np.array([axes.get_ylim() for axes in drawn]).T
    for axes in drawn:
        axes.set_ylim(low.min(), high.max())


def _sized(axes: Axes) -> None:
    """Give the panel the letters of a page with many."""
    axes.tick_params(labelsize=7, length=2.5, pad=2)
    axes.xaxis.label.set_fontsize(7.5)
    axes.yaxis.label.set_fontsize(7.5)
    axes.set_title(axes.get_title(loc="left"), fontsize=8.5)


def _folds(figure: Figure, one: Sheet, fold: Fold) -> None:
    """Draw the row of the fold, odd and even transits, the secondary and the centroid."""
    bottom, height = FOLDED[1], FOLDED[3]
    single = np.isnan(fold.period)
    span = 3 * fold.duration if single else min(3 * fold.duration, fold.period / 2)
    whole = figure.add_axes(FOLDED)
    event = "The event" if np.isnan(fold.step) else "Both events"
    panels.around(whole, fold, span, event if single else "Around the transit", model=True)
    places = (0.285, 0.07), (0.362, 0.07), (0.478, 0.08)
    if single:
        panels.around(figure.add_axes((0.285, bottom, 0.273, height)), fold, span / 2.5, "Closer", model=True)
    else:
        odd, even, last = (figure.add_axes((x, bottom, w, height)) for x, w in places)
        _parity(odd, even, one, fold, span)
        _secondary(last, one, fold, span)
    panels.centroid(figure.add_axes((RIGHT - height * ASPECT, bottom, height * ASPECT, height)), one)


def _parity(odd: Axes, even: Axes, one: Sheet, fold: Fold, span: float) -> None:
    sigma = numbers.sigma(one.candidate.odd_even_sigma[0])
    near = np.abs(fold.away) < 0.5 * fold.duration
    # Where all transits of one parity are another candidate's, the difference was measured with them.
    every = not all((near & fold.keep & (fold.event % 2 == parity)).any() for parity in (0, 1))
    for axes, parity, name in ((odd, 0, f"Odd, even: {sigma}"), (even, 1, "")):
        panels.around(axes, fold, span / 2, name, model=True, chosen=fold.event % 2 == parity, every=every)
        axes.axhline(fold.model.min(initial=0.0), color=GREY, linestyle="--", linewidth=0.8)
        _three_ticks(axes)
    low, high = np.array([axes.get_ylim() for axes in (odd, even)]).T
    for axes in (odd, even):
        axes.set_ylim(low.min(), high.max())
        axes.set_xlabel("odd (hours)" if axes is odd else "even (hours)", labelpad=2)
    even.tick_params(labelleft=False)
    even.set_ylabel("")


def _secondary(axes: Axes, one: Sheet, fold: Fold, span: float) -> None:
    at = float(one.candidate.secondary_phase[0])
    if np.isnan(at):
        say(axes, "no secondary\nmeasured", size=8)
        return
    rank = secondary_explained(one)
    caption = numbers.sigma(one.candidate.secondary_sigma[0])
    panels.around(axes, fold, span / 2, f"Secondary, {caption}", centre=at * fold.period)
    if rank:
        axes.text(
            0.5, 0.97, f"candidate {rank}'s transits", fontsize=6.5, ha="center", va="top", transform=axes.transAxes
        )
    axes.set_xlabel(f"hours from phase {at:.3f}", labelpad=2)


def _events(figure: Figure, one: Sheet, fold: Fold, rows: int) -> None:
    """Draw the depth of every transit against time, and as many by themselves as there is room for in the rows."""
    found = events(fold)
    room = SMALL if rows == 1 else 2 * SMALL + 2
    few = len(found) <= room
    chosen_events = found if few else [found[k] for k in np.linspace(0, len(found) - 1, room).round().astype(int)]
    all_of = figure.add_axes((LEFT, ROW[0], 0.15, ROW[1]))
    depth_of = f"Depth of {len(found)} transit{'s' * (len(found) != 1)}"
    panels.depths(all_of, fold, found, depth_of if few else f"{depth_of}, {room} drawn")
    all_of.set_xlabel(panels.axis_of(one), labelpad=2)
    _sized(all_of)
    width = (RIGHT - 0.245) / SMALL
    places = [(0.245 + k * width, ROW[0]) for k in range(SMALL)]
    if rows == 2:
        step = (RIGHT - LEFT) / (SMALL + 2)
        places += [(LEFT + k * step, 0.075) for k in range(SMALL + 2)]
    _small(figure, fold, chosen_events, places, width * 0.86, ROW[1])


def _small(
    figure: Figure,
    fold: Fold,
    chosen_events: list[Event],
    places: list[tuple[float, float]],
    width: float,
    height: float,
) -> None:
    """Draw single events on one scale, their depth and time above each."""
    axes_of = []
    for event, (x, y) in zip(chosen_events, places):
        axes = figure.add_axes((x, y, width, height))
        title = f"{event.time:.2f}\n{_depth(event, fold)}"
        chosen, span = fold.event == event.number, 1.5 * fold.duration
        panels.around(axes, fold, span, "", model=True, chosen=chosen, level=event.level, small=True)
        axes.set_title(title, fontsize=6.2, pad=5)
        axes.set_xlabel("hours", labelpad=1, fontsize=6.5)
        _three_ticks(axes)
        axes_of.append(axes)
    if axes_of:
        low, high = np.array([axes.get_ylim() for axes in axes_of]).T
        for axes in axes_of:
            axes.set_ylim(np.median(low), np.median(high))
            (x, y), row = axes.get_position().p0, [one.get_position().p0 for one in axes_of]
            first = all(x <= left for left, bottom in row if bottom == y)
            axes.tick_params(labelsize=6, length=2, pad=1.5, labelleft=first)


def _three_ticks(axes: Axes) -> None:
    """Set three labels of hours, none at an end: there it would touch those of the next panel."""
    end = axes.get_xlim()[1]
    tick = max((hours for hours in HOURS if hours <= 0.85 * end), default=0.0)
    axes.set_xticks([-tick, 0, tick] if tick else [0], [f"−{tick:g}", "0", f"{tick:g}"] if tick else ["0"])


def _depth(event: Event, fold: Fold) -> str:
    digits = 2 if fold.unit == "%" else 0 if fold.unit == "ppm" else 1
    return f"{event.depth:,.{digits}f} ± {event.error:,.{digits}f} {fold.unit if fold.unit != 'scatter' else 'σ'}"


def draw_events(one: Sheet) -> Figure | None:
    """Draw the second page: every event by itself, each sector or quarter, river, centroid and background around them.

    Returns:
        The page, or None where the first has all.
    """
    fold = folded(one)
    found = events(fold)
    named = [piece for piece in one.pieces if piece.kind]
    parts = [] if np.isnan(fold.period) or len(named) < 2 else named
    beside = one.centroid is not None or any(piece.background.size for piece in one.pieces)
    if len(found) <= SMALL and not parts and not beside:
        return None
    return _second(one, fold, found, parts)


@styled
def _second(one: Sheet, fold: Fold, found: list[Event], parts: list[Piece]) -> Figure:
    figure = placed(SIZE)
    figure.text(0.03, 0.965, f"{numbers.title(one)}: every event by itself", fontsize=13, weight="bold", va="center")
    chosen_events = found[:PAGE_OF]
    caption = f"the first {PAGE_OF} of {len(found)} transits" if len(found) > PAGE_OF else f"{len(found)} transits"
    figure.text(0.985, 0.965, caption, fontsize=9, color=GREY, ha="right", va="center")
    columns = next(n for n in (4, 5, 8) if len(chosen_events) <= n * min(n, 5))
    lines = -(-len(chosen_events) // columns)
    floor = CONTEXT[0] + CONTEXT[1] + 0.04 + (0.16 if parts else 0.0)
    across, down = (0.985 - 0.045) / columns, min((0.965 - floor) / max(lines, 1), 0.36)
    places = [(0.045 + across * (k % columns), 0.97 - down * (1 + k // columns)) for k in range(len(chosen_events))]
    _small(figure, fold, chosen_events, places, 0.82 * across, down - 0.07)
    bottom = max(0.97 - down * lines - 0.155, CONTEXT[0] + CONTEXT[1] + 0.08)
    across = (0.985 - 0.045) / max(len(parts[:MOST_PARTS]), 4)
    for k, piece in enumerate(parts[:MOST_PARTS]):
        axes = figure.add_axes((0.045 + across * k, bottom, 0.82 * across, 0.075))
        chosen = (fold.time >= piece.start) & (fold.time <= piece.stop)
        panels.around(axes, fold, 1.5 * fold.duration, "", model=True, chosen=chosen, small=True)
        axes.set_title(f"{piece.kind} {piece.number}", fontsize=7, pad=2)
        axes.set_xlabel("hours", labelpad=1, fontsize=6.5)
        axes.tick_params(labelsize=6, length=2, pad=1.5)
    _context(figure, one, fold)
    return figure


def _context(figure: Figure, one: Sheet, fold: Fold) -> None:
    """Draw the lowest row of the second page: river, centroid and background, as far as there are any."""
    span = 3 * fold.duration if np.isnan(fold.step) else min(3 * fold.duration, fold.step / 2)
    draw_each: list[Callable[[Axes], None]] = []
    if not np.isnan(fold.period):
        draw_each.append(partial(panels.river, fold=fold, span=span))
    if one.centroid is not None:
        draw_each += [partial(panels.centroid_track, one=one, fold=fold, which=k, span=span) for k in (0, 1)]
    if any(piece.background.size for piece in one.pieces):
        draw_each.append(partial(panels.background, one=one, fold=fold))
    across = (0.985 - 0.045) / max(len(draw_each), 1)
    for k, fill in enumerate(draw_each):
        axes = figure.add_axes((0.045 + across * k, CONTEXT[0], 0.85 * across, CONTEXT[1]))
        fill(axes)
        axes.tick_params(labelsize=6, length=2, pad=1.5)
        axes.xaxis.label.set_fontsize(6.5)
        axes.yaxis.label.set_fontsize(6.5)
        axes.set_title(axes.get_title(loc="left"), fontsize=7.5, pad=3)


def _words(figure: Figure, one: Sheet, fold: Fold) -> None:
    """Write name, star, numbers, tests, flags, the rest of the system and the next transits."""
    found = one.candidate
    kind = "candidate"
    if found.single[0]:
        kind = "duotransit" if found.n_transits[0] == 2 else "single transit"
    figure.text(
        0.03, 0.972, f"{numbers.title(one)}   {kind} {int(found.rank[0])}", fontsize=15, va="center", weight="bold"
    )
    star = numbers.star_line(one.star, one.pieces)
    figure.text(WORDS[1], 0.972, star, fontsize=8.5, va="center", ha="right", color=GREY)
    blocks = _blocks(one)
    rows = [(label, textwrap.wrap(value, 40)[:2] or [""]) for label, value in numbers.rows(one)]
    needed = sum(len(lines) for _, lines in rows) + len(one.tests) + 1.5 * bool(one.tests)
    needed += sum(len(lines) + 1.5 for _, lines, _ in blocks)
    step = float(np.clip(0.91 / max(needed, 1), *LINES))
    y, middle = 0.928, WORDS[0] + 0.078
    for label, lines in rows:
        figure.text(WORDS[0], y, label, fontsize=7.5, color=GREY, va="baseline")
        for line in lines:
            figure.text(middle, y, line, fontsize=7.5, va="baseline")
            y -= step
    y -= 0.4 * step
    if one.tests:
        y = _heading(figure, y, "Tests: ✓ pass, ? inconclusive, ✗ fail, – not known", step)
        y = draw_tests(figure, one.tests, (*WORDS, y), step) - 0.4 * step
    for heading, lines, colour in blocks:
        room = int((y - 0.02) / step) - 1
        if room < 1:
            break
        if len(lines) > room:
            lines = [*lines[: room - 1], "… more in candidates.csv"]
        y = _heading(figure, y, heading, step)
        for line in lines:
            figure.text(WORDS[0], y, line, fontsize=7, color=colour, va="baseline")
            y -= step
        y -= 0.4 * step


def _blocks(one: Sheet) -> list[tuple[str, list[str], str]]:
    """Return heading, lines and colour of the sentences on a sheet; a heading without any is left out."""
    # Flags are this package's own words, which need no check of what can be drawn.
    blocks = [("Speaks against it", [f"• {flag}" for flag in one.flags], "black")]
    blocks += [("Note", [plain(text, 200) for text in one.warnings], HOST)]
    blocks += [("Also in this system", numbers.system(one), "black"), ("Next transits", numbers.upcoming(one), "black")]
    return [
        (heading, [line for text in texts for line in textwrap.wrap(text, 62, subsequent_indent="  ")], colour)
        for heading, texts, colour in blocks
        if texts
    ]


def _heading(figure: Figure, y: float, text: str, step: float) -> float:
    figure.text(WORDS[0], y, text, fontsize=7.5, color=GREY, va="baseline", weight="bold")
    return y - step
