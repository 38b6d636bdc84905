"""The shaded views: each bin's shade is its own, on one scale, and rows of any kind are drawn."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from exojax.evaluation.attribution import Attribution
from exojax.report.attribution import MOST_NUMBERS, reasons, why
from exojax.report.style import HOST, OTHER, png


def spans(axes):
    """Return left edge, colour and opacity of each shaded bin."""
    if not axes.images:
        return []
    raised, lowered = axes.images[0].get_array()  # upper and lower half
    assert all(tuple(one[:3]) == to_rgba(HOST)[:3] for one in raised)
    left = axes.images[0].get_extent()[0]
    shades = [one if one[3] > 0 else other for one, other in zip(raised, lowered)]
    return [(left + k, tuple(shade[:3]), shade[3]) for k, shade in enumerate(shades) if shade[3] > 0]


def test_bins_are_shaded_by_sign_and_on_one_scale_over_the_views():
    views = {"local_view": np.array([0.0, -1.0, 0.5]), "global_view": np.arange(4.0)}
    moved = {"local_view": np.array([0.0, 2.0, -1.0]), "global_view": np.array([0.5, 0, 0, 0])}
    figure = reasons(views, moved, "star", measured={"local_view": np.array([True, True, False])})
    local, whole = figure.axes
    assert spans(local) == [(0.5, to_rgba(HOST)[:3], pytest.approx(0.6)), (1.5, to_rgba(OTHER)[:3], pytest.approx(0.3))]
    assert spans(whole) == [(-0.5, to_rgba(HOST)[:3], pytest.approx(0.15))]
    dots = [line for line in local.lines if line.get_marker() == "."]
    assert dots[0].get_xydata().tolist() == [[0, 0], [1, -1]]
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "local view: +1.00 in all",
        "global view: +0.50 in all",
    ]


@pytest.mark.parametrize(
    ("value", "moved"),
    [(np.zeros(61), np.zeros(61)), (np.full(61, np.nan), np.full(61, np.nan)), (np.ones(1), -np.ones(1))],
)
def test_whatever_the_arrays_it_is_drawn(value, moved):
    assert png(reasons({"local_view": value}, {"local_view": moved}, "$x$ 星")).startswith(b"\x89PNG")
    assert png(reasons({}, {}, "none")).startswith(b"\x89PNG")


def strip(**changes):
    """Draw the strip of three views of four bins, of which the secondary's is empty."""
    view = np.stack([np.array([0.0, -1.0, -0.5, 0.0]), np.zeros(4), np.ones(4)], axis=1)
    views = {"local_view": view, "odd_view": view, "even_view": 0.5 * view, "secondary_view": 0 * view}
    views["even_view"][:, 2] = [1, 1, 1, 0]
    moved = {"local_view": np.array([0, 1.0, -0.5, 0]), "odd_view": np.array([0, 3.0, 0, 0])}
    moved |= {"even_view": np.array([0, -2.75, 0, 0]), "secondary_view": np.zeros(4)}
    given = {"views": views, "moved": moved, "numbers": {"log_snr": 0.4, "sde": -0.6, "mag": 0.01}}
    figure = Figure(figsize=(11.69, 8.27))
    why(
        figure,
        Attribution(**(given | {"score": 1.5, "flat": -0.5} | changes)),
        (0.05, 0.03, 0.76, 0.18),
        "probability 0.8",
    )
    return figure


def test_a_strip_shows_views_that_are_there_and_odd_less_even_as_one():
    figure = strip()
    assert [axes.get_title() for axes in figure.axes] == ["transit +0.5", "odd – even +0.2", "numbers, each alone"]
    transit, parity, _ = figure.axes
    # On one scale over the panels as drawn: 3.0 by the odd transits alone would pale the rest.
    assert [alpha for *_, alpha in spans(transit)] == pytest.approx([0.6, 0.3])
    assert spans(parity) == [(0.5, to_rgba(HOST)[:3], pytest.approx(0.15))]
    assert parity.lines[-1].get_xydata().tolist() == [[0, 0], [1, -0.5], [2, -0.25]]
    words = [text.get_text() for text in figure.texts]
    assert words[0] == "Why probability 0.8"
    assert "score +1.50 is log-odds before calibration, a flat fold's −0.50" in words[1]
    assert "each by up to 1" in words[1]


def test_numbers_of_a_strip_are_the_largest_first_and_what_moved_nothing_is_left_out():
    def words(figure):
        return [text.get_text() for text in figure.axes[-1].texts]

    assert words(strip()) == ["SDE", "−0.60", "SNR, white", "+0.40"]
    assert words(strip(numbers={})) == []
    assert len(words(strip(numbers={f"n{k}": 1.0 + k for k in range(9)}))) == 2 * MOST_NUMBERS
    assert words(strip(numbers={"$x^2$": 1.0}))[0] == r"\$x^2\$"


def test_a_strip_without_any_view_is_drawn():
    figure = strip(views={}, moved={})
    assert len(figure.axes) == 1
    assert png(figure).startswith(b"\x89PNG")
