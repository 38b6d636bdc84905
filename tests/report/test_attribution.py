"""The shaded views: each bin's shade is its own, on one scale, and rows of any kind are drawn."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from exojax.report.attribution import reasons
from exojax.report.style import HOST, OTHER, png


def spans(axes):
    """Left edge, colour and opacity of each shaded bin."""
    return [(patch.get_x(), patch.get_facecolor()[:3], patch.get_facecolor()[3]) for patch in axes.patches]


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
