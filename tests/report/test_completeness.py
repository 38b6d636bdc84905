"""The completeness map prints each cell's share in the right cell."""

import numpy as np
import pytest

from exojax.report.completeness import completeness_map
from exojax.report.style import png

X, Y = np.array([1.0, 3.0, 10.0, 100.0]), np.array([5.0, 7.0, 9.0])
INJECTED = np.array([[10, 20], [30, 0], [8, 8]])
RECOVERED = np.array([[1, 20], [15, 0], [0, 6]])


def figure():
    return completeness_map(X, Y, RECOVERED, INJECTED, "period (days)", "SNR").axes[0]


def test_shares_and_counts_stand_in_their_cells():
    axes = figure()
    middle = {(x, y): (i, j) for i, x in enumerate(np.sqrt(X[1:] * X[:-1])) for j, y in enumerate((6.0, 8.0))}
    written = {}
    for text in axes.texts:
        written.setdefault(middle[text.xy], []).append(text.get_text())
    assert written == {
        (0, 0): ["0.10", "1/10"], (0, 1): ["1.00", "20/20"], (1, 0): ["0.50", "15/30"],
        (2, 0): ["0.00", "0/8"], (2, 1): ["0.75", "6/8"],
    }  # fmt: skip
    shades = axes.collections[0].get_array()
    assert shades[1, 0] == 1  # row of y, column of x
    assert shades.mask.sum() == 1


def test_cells_without_an_injection_are_hatched():
    (hatched,) = figure().patches
    np.testing.assert_allclose(hatched.get_bbox().get_points(), [[3, 7], [10, 9]])
    assert hatched.get_hatch()
    assert "42 of 76 injected transits found; hatched: none injected" in figure().get_title(loc="left")


def test_an_axis_over_a_decade_is_logarithmic():
    axes = figure()
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3", "10", "100"]


@pytest.mark.parametrize("shape", [(1, 1), (20, 16)])
def test_the_map_is_drawn_whatever_its_size(shape):
    edges = [np.geomspace(0.5, 500, n + 1) for n in shape]
    drawn = completeness_map(*edges, np.zeros(shape, int), np.zeros(shape, int), "period", "radius")
    assert png(drawn).startswith(b"\x89PNG")


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="must be"):
        completeness_map(X, Y, RECOVERED.T, INJECTED.T, "", "")
    with pytest.raises(ValueError, match="more transits recovered"):
        completeness_map(X, Y, INJECTED + 1, INJECTED, "", "")
