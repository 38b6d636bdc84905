"""Hard curves hold what their truth says, and the score counts what is found and nothing else."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks import hard_curves


def line(name: str, period: float, t0: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "period_days": period, "t0_days": t0, "snr": 20.0, "aliases": "", "probability": 0.9} | more


def found(curves: list[hard_curves.Curve], lines: list[dict[str, Any]]) -> int:
    _, truth = hard_curves.make(curves, 0)
    return sum(row["found"] for row in hard_curves.score(truth, curves, pd.DataFrame(lines)))


def test_there_are_thirty_signals_in_forty_curves_and_six_more() -> None:
    forty, six = hard_curves.forty(), hard_curves.six()
    assert (len(forty), len({c.name for c in forty}), len(six)) == (40, 40, 6)
    assert sum(len(c.planets) for c in forty) == 30
    _, truth = hard_curves.make(forty + six, 0)
    assert all(planet.snr > 12 for planet in truth)
    assert [planet.name for planet in truth if planet.alone] == [
        "single-1",
        "single-2",
        "single-3",
        "long-2",
        "six-duo",
    ]


def test_the_flux_is_lower_in_the_transits_of_the_truth() -> None:
    chosen = [c for c in hard_curves.forty() if c.name in ("long-1", "ttv-3h", "years-1")]
    curves, truth = hard_curves.make(chosen, 1)
    for one, planet in zip(curves, truth):
        time, flux = one.time[0], one.flux[0]
        middles = np.array(planet.times)
        inside = np.abs(time[:, None] - middles).min(axis=1) < 0.2 * planet.duration
        assert np.median(flux[inside]) < 1 - 0.8 * planet.depth
        assert abs(np.median(flux[~inside]) - 1) < 2e-4


def test_a_period_or_an_alias_of_a_duotransit_counts_and_a_multiple_does_not() -> None:
    curve = next(c for c in hard_curves.forty() if c.name == "long-1")
    period, t0 = curve.planets[0].period, 539.5 + curve.planets[0].t0
    assert found([curve], [line("long-1", period * 1.0002, t0)]) == 1
    assert found([curve], [line("long-1", period, t0 + 1.0)]) == 0
    assert found([curve], [line("long-1", 2 * period, t0, aliases=f"{period}")]) == 0
    assert found([curve], [line("long-1", period, t0, snr=5.0)]) == 0
    duo = next(c for c in hard_curves.six() if c.name == "six-duo")
    start = 1325.3 + 5.6
    assert found([duo], [line("six-duo", 711.0, start, aliases=f"355.5;{711 / 14}")]) == 1
    assert found([duo], [line("six-duo", 711.0, start, aliases="355.5")]) == 0


def test_a_single_event_is_found_as_a_single_and_not_with_a_period() -> None:
    curve = next(c for c in hard_curves.forty() if c.name == "single-1")
    assert found([curve], [line("single-1", float("nan"), 539.5 + 31.4)]) == 1
    assert found([curve], [line("single-1", 20.0, 539.5 + 31.4)]) == 0
