"""The stars of the benchmark of transits off time, and what it counts."""

import json
from pathlib import Path

import numpy as np

from benchmarks import off_time


def test_a_tolerance_finds_more_of_the_planets_and_no_more_without_any(tmp_path: Path) -> None:
    assert off_time.main(["--out", str(tmp_path), "--n", "6", "--null", "4", "--seed", "1"]) == 0
    rows = json.loads((tmp_path / "off_time.json").read_text())["rows"]
    late = {row["ttv"]: row["detected"] for row in rows if row["kind"] == "off time"}
    assert late[5.0] >= late[0.0] + 2
    alarms = {ttv: sum(r["detected"] for r in rows if "no planet" in r["kind"] and r["ttv"] == ttv) for ttv in (0, 5)}
    assert alarms[5] <= alarms[0] + 1
    assert [row["stars"] for row in rows] == [6, 6, 2, 1, 1, 2, 1, 1]


def test_the_planets_are_hours_off_time() -> None:
    for curve in off_time.planets(20, 5.0, 3):
        (planet,) = curve.planets
        assert planet.variation == 5 / 24
        assert 4 <= planet.period <= 25
        assert 3 <= planet.depth / curve.noise <= 10
    assert len({c.planets[0].period for c in off_time.planets(20, 5.0, 3)}) == 20
    assert np.all([not c.planets for c in off_time.nulls(8, 0)])
