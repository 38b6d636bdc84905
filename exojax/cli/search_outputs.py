"""Write the files of a search: candidates.csv, skipped.csv, sheets/ and index.html."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exojax.candidates import Candidates
from exojax.cli.table import text_table
from exojax.report import candidates as page
from exojax.runs import survey
from exojax.runs.candidate_table import FIRST_COLUMNS, lines
from exojax.runs.ranked_candidates import RankedCandidates
from exojax.runs.survey_parts import Row
from exojax.storage import announce
from exojax.storage.plain_text import csv_cell, shared, shared_path
from exojax.storage.write_file import write_csv

if TYPE_CHECKING:
    from exojax.detection.search_star import Trace
    from exojax.runs.candidate_scores import Explain
    from exojax.runs.fold_stars import SearchedStar

N_PRINTED = 10
"""candidates on the terminal"""


def write_tables(out: Path, found: RankedCandidates, labels: Mapping[str, int] | None) -> list[Row]:
    """Write ``candidates.csv``, and ``skipped.csv`` where anything was; returns the first lines, for the summary."""
    first: list[Row] = []
    table = lines(found, labels)
    best = next(table, None)

    def cells() -> Iterator[list[str]]:
        for number, line in enumerate(() if best is None else chain([best], table)):
            announce.phase("writing candidates.csv", number, len(found), unit="candidates")
            if len(first) < N_PRINTED:
                first.append(line)
            yield [_cell(name, value) for name, value in line.items()]
        announce.phase("writing candidates.csv", len(found), len(found), unit="candidates")

    write_csv(out / "candidates.csv", FIRST_COLUMNS if best is None else best, cells())
    if found.skipped:
        rows = ([one.id, shared_path(one.path), one.reason] for one in found.skipped)
        write_csv(out / "skipped.csv", ["id", "file", "reason"], rows)
    else:
        (out / "skipped.csv").unlink(missing_ok=True)
    return first


@dataclass(frozen=True)
class Table:
    """The lines of a CSV file, read from it at each iteration."""

    path: Path

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Return the lines, column name to text."""
        with self.path.open(newline="", encoding="utf-8") as stream:
            yield from csv.DictReader(stream)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        # Ephemerides to a hundredth of a second, the rest to six figures.
        return f"{value:.7f}" if name in ("period_days", "t0_days", "period_error_days") else f"{value:.6g}"
    return shared(str(value))


def write_sheets(
    out: Path,
    found: RankedCandidates,
    best: Sequence[Row],
    again: Iterable[tuple[SearchedStar, Trace]],
    explain: Explain | None,
    notes: tuple[str, ...],
    report: Callable[[int], None],
    pdf: bool,
) -> dict[tuple[str, int], str]:
    """Draw one page for each of the best candidates; returns ``(id, rank)`` to its path below ``out``.

    With ``explain`` each page says what moved the candidate's score; with ``pdf`` there is a PDF beside each. Sheets
    that an earlier call left are removed: they may be of what is no longer so.
    """
    drawn: dict[tuple[str, int], str] = {}
    (out / "sheets").mkdir(exist_ok=True)
    if best:
        from exojax.report.folding import sheet_of
        from exojax.report.sheet import sheet
        from exojax.vetting.all_tests import Vetting
    for star, trace in again:
        name = str(star.curves.id[0])
        mine = [row for row in best if row["id"] == name]
        if not mine or not len(star.found):
            continue
        of_star = Candidates.of_rows([row | {"star": 0} for row in found.of_star(mine[0]["star"])])
        why = explain(star) if explain else None
        for row in mine:
            rank = int(row["rank"])
            # A file system takes names of 255 bytes.
            path = f"sheets/{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)[:150]}-{rank}"
            while f"{path}.png" in drawn.values():
                path += "x"
            one, others = of_star.take(of_star.rank == rank), of_star.take(of_star.rank != rank)
            seen = trace.periodograms[rank - 1]
            drawing = sheet_of(
                star.curves,
                one,
                others,
                trace,
                seen,
                (*notes, *row["warnings"]),
                Vetting(row["vetting"], row["verdicts"]),
            )
            reasons = None if why is None else why[rank - 1]
            flags = tuple(filter(None, row["flags"].split(";")))
            sheet(out / f"{path}.png", replace(drawing, flags=flags, reasons=reasons), pdf=pdf)
            drawn[name, rank] = f"{path}.png"
            report(len(drawn))
    kept = {Path(path).stem for path in drawn.values()}
    for old in (out / "sheets").iterdir():
        if old.suffix in (".png", ".pdf") and (old.stem not in kept or (old.suffix == ".pdf" and not pdf)):
            old.unlink()
    return drawn


def write_index(
    out: Path,
    drawn: dict[tuple[str, int], str],
    about: tuple[str, str],
    found: RankedCandidates,
    threshold: float | None,
    pdf: bool,
) -> None:
    """Write the vetting page from ``candidates.csv``.

    Args:
        out: folder of both.
        drawn: ``(id, rank)`` to the path of its sheet.
        about: the source, and what probabilities are for (empty where there are none).
        found: by the search.
        threshold: SNR below which candidates are hidden at first; None hides none.
        pdf: there is a PDF beside each sheet.
    """
    announce.phase("writing index.html")
    n = f"{found.n_stars:,} stars searched, {len(found):,} candidates"
    text = [f"{shared(about[0])}: {n}; ranked by SNR against red noise."]
    if about[1]:
        text.append(about[1])
    if found.skipped:
        text.append(f"{len(found.skipped):,} files or stars were skipped; skipped.csv says why.")
    sheets = {(csv_cell(name), rank): path for (name, rank), path in drawn.items()}  # as the table names its stars
    # The settings of the search, its source among them, tell whose marks the browser keeps.
    settings = (out / survey.PARTS / "search.json").read_bytes()
    page.write_index(
        out / "index.html",
        Table(out / "candidates.csv"),
        sheets,
        "Transit candidates",
        text,
        fingerprint=hashlib.sha256(settings).hexdigest()[:16],
        threshold=threshold,
        pdf=pdf,
    )


def summary(first: list[Row], found: RankedCandidates) -> str:
    """Return the best candidates as a table, and what was done.

    Args:
        first: lines of the best.
        found: by the search.
    """
    names = ("id", "rank", "period_days", "t0_days", "duration_hours", "depth_ppm", "snr_red", "n_transits", "matches")
    table = [{name: "" if line[name] is None else _short(line[name]) for name in names} for line in first]
    speed = "" if found.rate is None else f" ({found.rate:.1f} a second)"
    done = f"{found.n_stars:,} stars searched{speed}, {len(found):,} candidates, {len(found.skipped):,} skipped"
    if found.n_warned:
        done += f"; {found.n_warned:,} stars with warnings, in their column of candidates.csv"
    return f"{text_table(table)}\n{done}" if table else done


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
