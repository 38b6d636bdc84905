"""Turn the candidates of a search into the lines of ``candidates.csv``: units of papers, None for unknown values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from exojax.runs.ranked_candidates import RankedCandidates
from exojax.runs.survey_parts import Row
from exojax.vetting.all_tests import NUMBERS, VERDICTS

FIRST_COLUMNS = ("id", "rank", "period_days", "t0_days", "duration_hours", "depth_ppm", "snr", "sde", "probability")
"""first columns of every table of candidates"""


def lines(found: RankedCandidates, labels: Mapping[str, int] | None) -> Iterator[Row]:
    """Yield the lines of ``candidates.csv`` in ranked order, each column name to value.

    Args:
        found: result of the search.
        labels: id to 1 (planet host) or 0, for a column ``label``; None for no such column.
    """
    for row in found.rows():
        yield {name: None if _is_unknown(value) else value for name, value in _line(row, found, labels).items()}


def _line(c: Row, found: RankedCandidates, labels: Mapping[str, int] | None) -> Row:
    ppm = 1e6 if c["absolute"] else np.nan
    line = {
        "id": c["id"],
        "rank": c["rank"],
        "period_days": c["period"],
        "t0_days": c["t0"],
        "duration_hours": c["duration"] * 24,
        "depth_ppm": c["depth"] * ppm,
        "snr": c["snr"],
        "sde": c["sde"],
        "probability": c["probability"],
        "time_system": c["time_system"],
        "snr_red": c["snr_red"],
        "period_error_days": c["period_error"],
        "t0_error_days": c["t0_error"],
        "depth_error_ppm": c["depth_error"] * ppm,
        "depth_scatters": np.nan if c["absolute"] else c["depth"],
        "n_transits": c["n_transits"],
        "odd_even_sigma": c["odd_even_sigma"],
        "secondary_sigma": c["secondary_sigma"],
        "secondary_phase": c["secondary_phase"],
        "centroid_sigma": c["centroid_sigma"],
        "single": c["single"],
        "period_min_days": c["period_min"],
        "aliases": c["aliases"],
        "detrending": c["detrending"],
        "ttv_minutes": c["ttv_amplitude"] * 1440,
        "ttv_sigma": c["ttv_sigma"],
        "next_transit_days": c["next_transit"],
        "next_transit_error_days": c["next_transit_error"],
        "matches": c["matches"],
        "flags": c["flags"],
        "sectors": c.get("sectors", ""),
    }
    line |= {f"vet_{name}": c["vetting"][name] for name in NUMBERS}
    line |= {f"verdict_{name}": c["verdicts"][name] for name in (*VERDICTS, "shared")}
    if found.with_disagreement:
        line["disagreement"] = c["disagreement"]
    if labels is not None:
        line["label"] = float(labels[c["id"]]) if c["id"] in labels else None
    line["warnings"] = "; ".join(c["warnings"])
    return line


def _is_unknown(value: Any) -> bool:
    return isinstance(value, float) and not np.isfinite(value)
