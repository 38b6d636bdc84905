"""What a search leaves: candidates.csv, skipped.csv, sheets/ and index.html."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exojax.cli.table import text_table
from exojax.io.folder import Skipped
from exojax.lightcurve import Candidates, LightCurves
from exojax.report import candidates as page
from exojax.report.page import write_atomically
from exojax.search.grid import INNER
from exojax.searching import Found

if TYPE_CHECKING:
    from exojax.cli.judging import Explain
    from exojax.hunt import Trace
    from exojax.report.folding import Sheet

Row = dict[str, Any]
_SHOWN = 10
_FIRST = ("id", "rank", "period_days", "t0_days", "duration_hours", "depth_ppm", "snr", "sde", "probability")


def rows(found: Found, labels: Mapping[str, int] | None) -> list[Row]:
    """The lines of ``candidates.csv``: units of papers, empty where unknown."""
    c, ppm = found.candidates, np.where(found.absolute, 1e6, np.nan)
    columns: dict[str, np.ndarray] = {
        "id": c.id,
        "rank": c.rank,
        "period_days": c.period,
        "t0_days": c.t0,
        "duration_hours": c.duration * 24,
        "depth_ppm": c.depth * ppm,
        "snr": c.snr,
        "sde": c.sde,
        "probability": c.probability,
        "time_system": found.time_system,
        "snr_red": c.snr_red,
        "period_error_days": c.period_error,
        "t0_error_days": c.t0_error,
        "depth_error_ppm": c.depth_error * ppm,
        "depth_scatters": np.where(found.absolute, np.nan, c.depth),
        "n_transits": c.n_transits,
        "odd_even_sigma": c.odd_even_sigma,
        "secondary_sigma": c.secondary_sigma,
        "secondary_phase": c.secondary_phase,
        "centroid_sigma": c.centroid_sigma,
        "single": c.single,
        "period_min_days": c.period_min,
        "aliases": c.aliases,
        "matches": c.matches,
        "flags": found.flags,
    }
    if np.isfinite(found.disagreement).any():
        columns["disagreement"] = found.disagreement
    if labels is not None:
        columns["label"] = np.array([labels.get(name, np.nan) for name in c.id.tolist()], np.float64)
    columns["warnings"] = np.array(["; ".join(found.warnings.get(name, ())) for name in c.id.tolist()], np.str_)
    lines = [
        dict(zip(columns, values, strict=True)) for values in zip(*(x.tolist() for x in columns.values()), strict=True)
    ]
    unknown = lambda value: isinstance(value, float) and not np.isfinite(value)  # noqa: E731
    return [{name: None if unknown(value) else value for name, value in line.items()} for line in lines]


def write_tables(out: Path, lines: list[Row], skipped: Iterable[Skipped]) -> None:
    """``candidates.csv``, and ``skipped.csv`` where anything was."""
    names = list(lines[0]) if lines else list(_FIRST)
    write_atomically(out / "candidates.csv", _csv(names, [[_cell(n, line[n]) for n in names] for line in lines]))
    told = [[s.id, str(s.path), s.reason] for s in skipped]
    if told:
        write_atomically(out / "skipped.csv", _csv(["id", "file", "reason"], told))
    else:
        (out / "skipped.csv").unlink(missing_ok=True)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        # Ephemerides to a hundredth of a second, the rest to six figures.
        return f"{value:.7f}" if name in ("period_days", "t0_days", "period_error_days") else f"{value:.6g}"
    return str(value)


def _csv(names: list[str], lines: list[list[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(lines)
    return text.getvalue().encode()


def write_sheets(
    out: Path,
    found: Found,
    best: Candidates,
    again: Iterable[tuple[LightCurves, Candidates, Trace]],
    explain: Explain | None,
    notes: tuple[str, ...],
    report: Callable[[int], None],
) -> dict[tuple[str, int], str]:
    """One page for each of the best candidates; returns ``(id, rank)`` to its path below ``out``.

    With ``explain`` each page says what moved the candidate's score. Sheets that an earlier call left are removed: they
    may be of what is no longer so.
    """
    drawn: dict[tuple[str, int], str] = {}
    (out / "sheets").mkdir(exist_ok=True)
    if len(best):
        from exojax.report.sheet import sheet
    for curves, seen, trace in again:
        for star, name in enumerate(curves.id.tolist()):
            of_star = found.candidates.take(found.candidates.id == name)
            of_star = of_star.take(np.argsort(of_star.rank))
            here = replace(of_star, star=np.full(len(of_star), star))
            why = explain(curves, here, trace) if explain and name in best.id else None
            for k in np.flatnonzero(best.id == name):
                flags = found.flags[k]  # the best come first in what was found
                one = best.take(np.array([k]))
                rank = int(one.rank[0])
                path = f"sheets/{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)}-{rank}"
                while f"{path}.png" in drawn.values():
                    path += "x"
                mine = np.flatnonzero(seen.id == name)
                if len(mine) == 0:
                    continue
                # In other company a star's grid, and what is just above the threshold, may come out otherwise.
                power = trace.power[mine[min(rank, len(mine)) - 1]]
                others = of_star.take(of_star.rank != rank)
                warnings = (*notes, *found.warnings.get(name, ()))
                drawing = _sheet(curves, star, one, others, trace, power, warnings)
                reasons = None if why is None else why[int(np.flatnonzero(of_star.rank == rank)[0])]
                told = tuple(filter(None, flags.split(";")))
                sheet(out / f"{path}.png", replace(drawing, flags=told, reasons=reasons))
                drawn[name, rank] = f"{path}.png"
                report(len(drawn))
    for old in (out / "sheets").glob("*.png"):
        if f"sheets/{old.name}" not in drawn.values():
            old.unlink()
    return drawn


def _sheet(
    curves: LightCurves,
    star: int,
    one: Candidates,
    others: Candidates,
    trace: Trace,
    power: np.ndarray,
    warnings: tuple[str, ...],
) -> Sheet:
    from exojax.report.folding import Sheet

    even, flat = trace.even, trace.flat
    used = curves.valid[star]
    raw, above = even.flux[star].astype(np.float64), flat.flux[star].astype(np.float64)
    trend = raw / (1 + above) if curves.absolute else raw - above
    # The two boxes of the search's template.
    half, depth = 0.5 * float(one.duration[0]), float(one.depth[0])
    corners = half * np.array([-1, -1, -INNER, -INNER, INNER, INNER, 1, 1])
    model = depth * np.array([0, -0.5, -0.5, -1, -1, -0.5, -0.5, 0])
    return Sheet(
        candidate=one,
        others=others,
        time_system=curves.time_system,
        absolute=curves.absolute,
        cadence=even.cadence,
        time=curves.time[star][used],
        flux=curves.flux[star][used],
        start=float(even.start[star]),
        flat=above,
        trend=np.where(flat.weight[star] > 0, trend, np.nan),
        weight=flat.weight[star],
        scatter=float(flat.scatter[star]),
        periods=trace.periods,
        power=power,
        model_offset=corners,
        model_flux=model,
        centroid=None if flat.centroid is None else flat.centroid[star],
        star=None if curves.stars is None else curves.stars.take(np.array([star])),
        warnings=warnings,
    )


def write_index(
    out: Path, lines: list[Row], drawn: dict[tuple[str, int], str], told: tuple[str, str], found: Found
) -> None:
    """``index.html``; ``told`` is the source, and what probabilities are for (empty where there are none)."""
    text = [f"{told[0]}: {found.n_stars:,} stars searched, {len(lines):,} candidates; ranked by SNR against red noise."]
    if told[1]:
        text.append(told[1])
    if found.skipped:
        text.append(f"{len(found.skipped):,} files or stars were skipped; skipped.csv says why.")
    page.write_index(out / "index.html", lines, drawn, "Transit candidates", text)


def summary(lines: list[Row], found: Found) -> str:
    """The best candidates as a table, and what was done."""
    names = ("id", "rank", "period_days", "t0_days", "duration_hours", "depth_ppm", "snr_red", "n_transits", "matches")
    short = lambda value: f"{value:.6g}" if isinstance(value, float) else value  # noqa: E731
    table = [{name: "" if line[name] is None else short(line[name]) for name in names} for line in lines[:_SHOWN]]
    speed = f" ({found.n_stars / found.seconds:.1f} a second)" if found.seconds > 0 else ""
    done = f"{found.n_stars:,} stars searched{speed}, {len(lines):,} candidates, {len(found.skipped):,} skipped"
    if found.warnings:
        done += f"; {len(found.warnings):,} stars with warnings, in their column of candidates.csv"
    return f"{text_table(table)}\n{done}" if table else done
