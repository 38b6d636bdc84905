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
"""number of candidates that the terminal shows"""


def write_tables(out: Path, found: RankedCandidates, labels: Mapping[str, int] | None) -> list[Row]:
    """Write ``candidates.csv``, and ``skipped.csv`` if stars were skipped.

    Args:
        out: folder.
        found: result of the search.
        labels: id to 1 (planet host) or 0, for a column ``label``; None for no such column.

    Returns:
        The first lines, for the summary.
    """
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
        rows = ([star.id, shared_path(star.path), star.reason] for star in found.skipped)
        write_csv(out / "skipped.csv", ["id", "file", "reason"], rows)
    else:
        (out / "skipped.csv").unlink(missing_ok=True)
    return first


@dataclass(frozen=True)
class Table:
    """The lines of a CSV file; every iteration reads the file again."""

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
        # Ephemerides with a precision of a hundredth of a second, other numbers with six digits.
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
    """Draw a vetting sheet for each of the best candidates, and remove the sheets of an earlier call.

    Args:
        out: folder; the sheets go into its folder ``sheets``.
        found: result of the search.
        best: rows of the candidates to draw.
        again: their stars, searched again, with the traces of the search.
        explain: returns the reasons for the scores of a star's candidates, for a panel of the sheet; None for no panel.
        notes: sentences about the source, printed on every sheet.
        report: receives the number of finished sheets.
        pdf: also write a PDF of each sheet.

    Returns:
        ``(id, rank)`` of each candidate to the path of its sheet below ``out``.
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
            # File systems allow names of up to 255 bytes.
            path = f"sheets/{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)[:150]}-{rank}"
            while f"{path}.png" in drawn.values():
                path += "x"
            candidate, others = of_star.take(of_star.rank == rank), of_star.take(of_star.rank != rank)
            drawing = sheet_of(
                star.curves,
                candidate,
                others,
                trace,
                trace.periodograms[rank - 1],
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
        out: folder of the page and of ``candidates.csv``.
        drawn: ``(id, rank)`` to the path of its sheet.
        about: description of the source, and a sentence about the probabilities (empty without probabilities).
        found: result of the search.
        threshold: SNR below which the page hides candidates at first; None hides none.
        pdf: true if each sheet has a PDF.
    """
    announce.phase("writing index.html")
    n = f"{found.n_stars:,} stars searched, {len(found):,} candidates"
    text = [f"{shared(about[0])}: {n}; ranked by SNR against red noise."]
    if about[1]:
        text.append(about[1])
    if found.skipped:
        text.append(f"{len(found.skipped):,} files or stars were skipped; skipped.csv has the reasons.")
    sheets = {(csv_cell(name), rank): path for (name, rank), path in drawn.items()}  # ids as candidates.csv writes them
    # The browser stores the user's marks under a fingerprint of the search's settings, which include the source.
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
    """Return the best candidates as a text table, and the numbers of stars and candidates.

    Args:
        first: lines of the best candidates.
        found: result of the search.
    """
    names = ("id", "rank", "period_days", "t0_days", "duration_hours", "depth_ppm", "snr_red", "n_transits", "matches")
    table = [{name: "" if line[name] is None else _short(line[name]) for name in names} for line in first]
    speed = "" if found.rate is None else f" ({found.rate:.1f} a second)"
    done = f"{found.n_stars:,} stars searched{speed}, {len(found):,} candidates, {len(found.skipped):,} skipped"
    if found.n_warned:
        done += f"; {found.n_warned:,} stars with warnings: see the column warnings of candidates.csv"
    return f"{text_table(table)}\n{done}" if table else done


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
