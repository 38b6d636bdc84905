"""Write the files of an injection experiment: maps and tables of completeness and false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import SearchConfig
from exojax.detection.star import SINUSOIDS, WINDOW
from exojax.injection.recovery import Threshold, cells, interval
from exojax.report.completeness import completeness_map
from exojax.report.false_alarms import false_alarm_curves
from exojax.report.page import write_report
from exojax.report.style import png
from exojax.runs.inject import InjectionOutcome, InjectionPlan
from exojax.storage.write_file import write_atomically, write_csv

PER_CELL = 30
"""approximate number of injections per cell of the map, which has 3 to 10 cells on a side"""
STEP, LOWEST, HIGHEST = 0.25, 4.0, 30.0
"""step, lowest and highest of the red-noise SNRs at which false alarms are counted"""
PPM = 1e6
"""ppm in a fraction of 1"""
NAMES = {
    "radius": ("radius", "earth_radii", 1.0, "planet radius, Earth radii"),
    "depth": ("depth", "ppm", PPM, "depth at mid-transit, ppm"),
    "snr": ("snr", "white", 1.0, "injected SNR (white noise, all transits)"),
}
"""quantity -> its name in columns, its unit in columns, the factor to that unit, and the label of its axis"""

BY_ACTIVITY = ("injected_active", "recovered_active", "recovered_sinusoids")
"""columns of active stars, and of the second detrending"""

Limits = dict[str, Threshold]
"""the thresholds of ``inverted`` and of ``scrambled`` curves"""


_CAPTIONS = {
    "completeness": "Share of the injected planets that the search recovers, cell by cell",
    "false_alarms": "False alarms per star against the threshold, for inverted and for scrambled curves",
}


def write(out: Path, plan: InjectionPlan, found: InjectionOutcome, limits: Limits, rate: float) -> None:
    """Write completeness.csv and .png, false_alarms.csv and .png, injections.csv, and skipped.csv if stars were
    skipped.

    Args:
        out: folder.
        plan: the experiment.
        found: its result.
        limits: red-noise SNRs that a share ``rate`` of the signal-free stars exceeds; an injection must exceed the
            higher threshold to count as recovered.
        rate: false alarms per star.
    """
    _write_completeness(out, plan, found, limits, rate)
    _write_false_alarms(out, found, limits, rate)
    _write(out / "injections.csv", _injections(plan, found))
    if found.skipped:
        rows = [{"id": name, "reason": reason} for name, reason in found.skipped]
        _write(out / "skipped.csv", rows)
    images = {name: (out / f"{name}.png").read_bytes() for name in ("completeness", "false_alarms")}
    write_report(
        out / "inject.html",
        title="Completeness and false alarms",
        metrics={},
        figures={_CAPTIONS[name]: image for name, image in images.items()},
        config={},
        verdict=_verdict(found, limits, rate),
        data=_facts(summary(found, limits, rate)),
        summary="Transits were injected into light curves before cleaning and detrending, and searched for. "
        "A detection counts if it exceeds the higher of two thresholds, which limit false alarms to the stated rate.",
    )


def _edges(plan: InjectionPlan) -> tuple[np.ndarray, np.ndarray]:
    side = int(np.clip(round(np.sqrt(plan.n / PER_CELL)), 3, 10))
    x, y = (np.geomspace(*ends, side + 1) for ends in (plan.period, plan.size))
    # Rounding must not put the smallest and the largest value outside the cells.
    x[[0, -1]], y[[0, -1]] = plan.period, plan.size
    return x, y


def _write_completeness(out: Path, plan: InjectionPlan, found: InjectionOutcome, limits: Limits, alarms: float) -> None:
    name, unit, factor, label = NAMES[plan.quantity]
    x, y = _edges(plan)
    level = max(limit.value for limit in limits.values())
    seen = found.injected
    # A planet without an observed transit has no injected SNR.
    observed = seen["snr"] > 0 if plan.quantity == "snr" else np.ones(len(seen["snr"]), bool)
    outcomes = {
        "recovered": seen["exact"] > level,
        "harmonic": (seen["harmonic"] > level) & ~(seen["exact"] > level),
        "single": (seen["single"] > level) & ~(np.maximum(seen["exact"], seen["harmonic"]) > level),
        **{f"recovered_{kind}": seen["exact"] > limit.value for kind, limit in limits.items()},
        "injected_active": seen["active"],
        "recovered_active": (seen["exact"] > level) & seen["active"],
        "recovered_sinusoids": (seen["exact"] > level) & (seen["detrending"] == SINUSOIDS),
    }
    period, size = seen["period"][observed], seen["size"][observed]
    counts = {key: cells(period, size, hit[observed], x, y) for key, hit in outcomes.items()}
    recovered, injected = counts["recovered"]
    rows: list[dict[str, Any]] = []
    for i, j in np.ndindex(injected.shape):
        share, low, high = interval(int(recovered[i, j]), int(injected[i, j]))
        rows.append(
            {
                "period_min_days": x[i],
                "period_max_days": x[i + 1],
                f"{name}_min_{unit}": y[j] * factor,
                f"{name}_max_{unit}": y[j + 1] * factor,
                "injected": int(injected[i, j]),
                "recovered": int(recovered[i, j]),
                "completeness": share,
                "completeness_low": low,
                "completeness_high": high,
                "harmonic": int(counts["harmonic"][0][i, j]),
                "single": int(counts["single"][0][i, j]),
                **{f"recovered_{kind}": int(counts[f"recovered_{kind}"][0][i, j]) for kind in limits},
                **{name: int(counts[name][0][i, j]) for name in BY_ACTIVITY},
                "threshold_snr": level,
            }
        )
    _write(out / "completeness.csv", rows)
    label_x = f"period, days\n(found: red-noise SNR above {level:.1f}, {alarms:g} false alarms a star)"
    drawn = completeness_map(x, y * factor, recovered, injected, label_x, label)
    write_atomically(out / "completeness.png", png(drawn))


def _write_false_alarms(out: Path, found: InjectionOutcome, limits: Limits, wanted_rate: float) -> None:
    rows: list[dict[str, Any]] = []
    shares = {}
    top = min(max(15.0, *(np.ceil(limit.value) + 2 for limit in limits.values())), HIGHEST)
    levels = np.arange(LOWEST, top + STEP, STEP)
    for kind, limit in limits.items():
        best = getattr(found, kind)
        for level in np.unique([*levels, limit.value]):
            share, low, high = interval(int((best > level).sum()), len(best))
            rows.append(
                {
                    "curves": kind,
                    "threshold_snr": level,
                    "false_alarms": int((best > level).sum()),
                    "stars": len(best),
                    "rate": share,
                    "rate_low": low,
                    "rate_high": high,
                    "active_stars": int(found.active.sum()),
                    "active_false_alarms": int(((best > level) & found.active).sum()),
                    "sinusoids_false_alarms": int(((best > level) & (found.detrending[kind] == SINUSOIDS)).sum()),
                }
            )
        shares[kind] = tuple(np.array([interval(int((best > level).sum()), len(best)) for level in levels]).T)
    _write(out / "false_alarms.csv", rows)
    values = {kind: limit.value for kind, limit in limits.items()}
    write_atomically(out / "false_alarms.png", png(false_alarm_curves(levels, shares, values, wanted_rate)))


def _injections(plan: InjectionPlan, found: InjectionOutcome) -> list[dict[str, Any]]:
    """Return one row per injection: the injected planet, and the red-noise SNR with which the search found it."""
    name, unit, factor, _ = NAMES[plan.quantity]
    seen = found.injected
    rows = []
    for k in range(len(seen["id"])):
        row = {"id": seen["id"][k], "period_days": seen["period"][k], "t0_days": seen["t0"][k]}
        row |= {"duration_hours": 24 * seen["duration"][k], "impact": seen["impact"][k]}
        row |= {f"{name}_{unit}": seen["size"][k] * factor, "n_transits": seen["n_transits"][k]}
        row |= {"snr_white": seen["snr"][k]} if plan.quantity != "snr" else {}
        row |= {f"snr_{match}": seen[match][k] or None for match in ("exact", "harmonic", "single")}
        rows.append(row | {"active": int(seen["active"][k]), "detrending": str(seen["detrending"][k])})
    return rows


def _facts(lines: list[str]) -> dict[str, str]:
    """Return the lines of the summary that have a name before a colon, name to text."""
    pairs = [line.strip().partition(": ") for line in lines if "too few" not in line]
    return {name: text for name, _, text in pairs if text}


def _verdict(found: InjectionOutcome, limits: Limits, rate: float) -> list[str]:
    """Return three sentences: the completeness, the threshold behind it, and the false alarms at the usual one."""
    level, exact = max(limit.value for limit in limits.values()), found.injected["exact"]
    n_found, n_stars = int((exact > level).sum()), min(limit.n for limit in limits.values())
    share, low, high = interval(n_found, len(exact))
    few = any(limit.high == float("inf") for limit in limits.values())
    alarms = max(int((getattr(found, kind) > SearchConfig.snr_min).sum()) for kind in limits)
    return [
        f"The search recovers {n_found:,} of {len(exact):,} injected planets: {share:.3f} [{low:.3f}, {high:.3f}].",
        f"A planet counts above a red-noise SNR of {level:.2f}, the threshold for {rate:g} false alarms per star"
        + (f"; {n_stars:,} signal-free stars are too few to measure that." if few else "."),
        f"Above the usual threshold of {SearchConfig.snr_min:g}, at most {alarms:,} of {n_stars:,} signal-free stars "
        "have a false alarm.",
    ]


def summary(found: InjectionOutcome, limits: Limits, rate: float) -> list[str]:
    """Return the lines that the command prints; arguments as in :func:`write`."""
    level = max(limit.value for limit in limits.values())
    seen = found.injected
    lines = []
    for kind, limit in limits.items():
        bounds = f"{limit.value:.2f} [{limit.low:.2f}, {limit.high:.2f}]"
        share, low, high = interval(int((getattr(found, kind) > SearchConfig.snr_min).sum()), limit.n)
        lines.append(
            f"{kind}: {rate:g} false alarms per star above a red-noise SNR of {bounds} ({limit.n} stars); "
            f"above {SearchConfig.snr_min}: {share:.4f} [{low:.4f}, {high:.4f}]"
        )
        if limit.high == float("inf"):
            lines.append(
                f"  {limit.n} stars are too few to measure this rate: give more --null-stars or a higher --false-alarm"
            )
    share, low, high = interval(int((seen["exact"] > level).sum()), len(seen["exact"]))
    lines.append(
        f"recovered above {level:.2f}: {share:.3f} [{low:.3f}, {high:.3f}] of {len(seen['exact']):,} injections"
    )
    for kind, limit in limits.items():
        lines.append(f"  above the threshold of {kind} curves: {(seen['exact'] > limit.value).mean():.3f}")
    return lines + (_by_activity(found, level) if seen["active"].any() or found.active.any() else [])


def _by_activity(found: InjectionOutcome, level: float) -> list[str]:
    """Return completeness and false alarms of quiet and of active stars, and which detrending found the planets."""
    seen, lines = found.injected, []
    recovered, best = seen["exact"] > level, np.maximum(found.inverted, found.scrambled)
    for name, active in (("quiet", False), ("active", True)):
        here, there = seen["active"] == active, found.active == active
        share, low, high = interval(int(recovered[here].sum()), int(here.sum()))
        lines.append(
            f"  {name} stars: recovered {share:.3f} [{low:.3f}, {high:.3f}] of {here.sum():,} injections; "
            f"{(best[there] > level).sum():,} of {there.sum():,} without a signal have a false alarm"
        )
    by = [int((recovered & (seen["detrending"] == name)).sum()) for name in (WINDOW, SINUSOIDS)]
    return [*lines, f"  recovered with the window alone {by[0]:,}, with sinusoids subtracted first {by[1]:,}"]


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows with the same columns as CSV: numbers with nine digits, unknown values empty."""
    write_csv(path, list(rows[0]), ([_cell(value) for value in row.values()] for row in rows))


def _cell(value: Any) -> Any:
    if value is None or value != value:
        return ""
    return f"{value:.9g}" if isinstance(value, float) else value
