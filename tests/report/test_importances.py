"""The bars of importances, for any number of features."""

import numpy as np
import pytest

from exojax.report.importances import SHOWN, importances
from exojax.report.style import png


@pytest.mark.parametrize("count", [0, 1, SHOWN + 15])
def test_the_largest_are_drawn_from_the_top(count):
    rng = np.random.default_rng(0)
    loss = rng.permutation(np.linspace(-0.01, 0.3, count))
    figure = importances(np.array([f"feature {i}" for i in range(count)], np.str_), loss, np.full(count, 0.01))
    assert png(figure).startswith(b"\x89PNG")
    if count:
        labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
        assert labels == [f"feature {i}" for i in np.argsort(-loss, kind="stable")[:SHOWN][::-1]]
