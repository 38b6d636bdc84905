"""Momentum dumps that a file's quality flags name reach the tests of a candidate."""

from dataclasses import replace

import numpy as np
import pytest

from exojax.config import FoldConfig, SearchConfig
from exojax.light_curves import LightCurves, Piece
from exojax.runs.fold_stars import search_each

DAYS, SIZE, EVERY, START = 1 / 48, 2400, 4.4, 1330.0


def shaken() -> LightCurves:
    """Make a star that dims for three hours after each dump, with no cadence lost."""
    time = START + np.arange(SIZE) * DAYS
    since = np.mod(time - START - 1.0, EVERY)
    flux = 1 - 2e-3 * (since < 0.125) + 2e-4 * np.random.default_rng(0).standard_normal(SIZE)
    return LightCurves(
        id=np.array(["a"]),
        time=time[None],
        flux=flux[None].astype(np.float32),
        valid=np.ones((1, SIZE), bool),
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=DAYS,
        time_system="BTJD",
        source="a test",
        sha256="",
    )


@pytest.mark.parametrize(("offset", "verdict"), [(0.0, "fail"), (2.0, "pass"), (None, "pass")])
def test_dumps_of_the_quality_flags_count_as_interruptions(offset: float | None, verdict: str) -> None:
    curves = shaken()
    if offset is not None:
        dumps = START + 1.0 + offset + EVERY * np.arange(11)
        nothing = np.zeros(0)
        piece = Piece("sector", 1, START, START + 50, np.nan, np.nan, dumps, nothing, np.zeros((2, 0)))
        curves = replace(curves, pieces=(piece,))
    ((star, _),) = search_each([curves], SearchConfig(), FoldConfig(), masks=[None])
    assert star.found.period[0] == pytest.approx(EVERY, rel=1e-3)
    assert star.vetting[0].verdicts["dumps"] == verdict
