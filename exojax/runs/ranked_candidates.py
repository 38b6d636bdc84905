"""All candidates of a search in one ranked list, of which memory holds some hundred bytes each.

Ranking and matching need a few numbers of every candidate, and all of them at once; everything else about a candidate
stays on disk. It is read twice, part by part: first those numbers, then, once it is known which candidates match, the
whole rows with their flags, which go into one temporary file from which any row can be fetched.
"""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.candidates import Candidates
from exojax.detection.ephemeris_match import match_candidates, match_known
from exojax.io.catalogue import Known
from exojax.io.folder import Skipped
from exojax.light_curves import Stars as StarTable
from exojax.runs.survey_parts import Row, read_part
from exojax.storage import announce
from exojax.vetting.flags import flags
from exojax.vetting.reasons import reasons
from exojax.vetting.shared_ephemeris import shared_ephemeris

_COLUMNS = ("snr_red", "period", "t0", "duration", "period_error", "t0_error")
"""numbers of every candidate that are held in memory, float64"""


@dataclass(frozen=True, eq=False)
class RankedCandidates:
    """Candidates that a search found, in ranked order, highest red-noise SNR first, read from disk one by one.

    Attributes:
        stars: ids of the stars that have candidates, in the order of the list.
        skipped: what could not be searched, in order of ids.
        n_warned: stars with warnings.
        with_disagreement: any candidate was judged by several networks.
        rate: stars a second that this call searched, without the first part, which may have waited for a compilation;
            None where there was no second one.
    """

    stars: Sequence[str]
    skipped: tuple[Skipped, ...] = ()
    n_warned: int = 0
    with_disagreement: bool = False
    rate: float | None = None
    _star: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    _place: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    _read: Callable[[int, int], bytes] = lambda size, offset: b""

    @property
    def n_stars(self) -> int:
        """Number of stars that were searched."""
        return len(self.stars)

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self._place)

    def row(self, k: int) -> Row:
        """Return candidate ``k`` of the ranked list.

        The row has the attributes of :class:`exojax.light_curves.Candidates` by name (``star`` is a row of ``stars``),
        the star's ``radius``, ``mass``, ``teff`` and ``mag``, and ``time_system``, ``absolute`` (the depth is a
        fraction), ``shape``, ``flags``, ``vetting`` and ``verdicts`` (by name), ``disagreement`` and ``warnings`` (a
        list).
        """
        offset, size = self._place[k].tolist()
        row: Row = json.loads(self._read(size, offset))
        return row | {"star": int(self._star[k])}

    def rows(self) -> Iterator[Row]:
        """Return all candidates, in ranked order."""
        return (self.row(k) for k in range(len(self)))

    def of_star(self, star: int) -> list[Row]:
        """Return the candidates of the star of this number, best rank first."""
        return sorted((self.row(k) for k in np.flatnonzero(self._star == star).tolist()), key=lambda row: row["rank"])

    def table(self) -> Candidates:
        """Return all candidates as one table in memory."""
        return Candidates.of_rows(list(self.rows()))


def ranked(paths: Sequence[Path], known: Known | None = None, rate: float | None = None) -> RankedCandidates:
    """Rank the candidates of all parts, match them against each other and against the known planets, and flag them.

    Args:
        paths: of the parts, in one folder, in an order that is always the same; temporary rows are kept beside them.
        known: planets that are named in ``matches``.
        rate: stars a second.

    Raises:
        InputError: a part is damaged since it was written.
    """
    names: dict[str, int] = {}
    clocks: dict[str, int] = {}
    numbers, star, rank, clock = [], [], [], []
    skipped: set[tuple[str, str, str]] = set()
    several = False
    for n_read, path in enumerate(paths):
        announce.phase("ranking candidates", n_read, len(paths), unit="parts")
        part = read_part(path)
        skipped |= {(one["id"], one["path"], one["reason"]) for one in part["skipped"]}
        rows = part["rows"]
        star.append(np.array([names.setdefault(row["id"], len(names)) for row in rows], np.int32))
        rank.append(np.array([row["rank"] for row in rows], np.int16))
        clock.append(np.array([clocks.setdefault(row["time_system"], len(clocks)) for row in rows], np.int8))
        numbers.append(np.array([[row[name] for name in _COLUMNS] for row in rows], np.float64).reshape(-1, 6))
        several |= any(np.isfinite(row["disagreement"]) for row in rows)
    announce.phase("ranking candidates", len(paths), len(paths), unit="parts")
    skipped_stars = tuple(Skipped(name, Path(path), reason) for name, path, reason in sorted(skipped))
    if not names:
        return RankedCandidates((), skipped_stars, rate=rate)
    ids = np.array(list(names), object)
    of, column = np.concatenate(star), dict(zip(_COLUMNS, np.concatenate(numbers).T))
    by_name = np.empty(len(ids), np.int64)
    by_name[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    order = np.lexsort((np.concatenate(rank), by_name[of], -column["snr_red"]))
    # Numbered in the order of the list: matches are made, and ties broken, whatever the order of the parts.
    unique, first, within = np.unique(of[order], return_index=True, return_inverse=True)
    number = np.empty(len(unique), np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(unique))
    listed = number[within]
    column = {name: values[order] for name, values in column.items()}
    announce.phase(f"matching {len(order):,} candidates")
    matches = np.empty(len(order), object)
    matches[order] = _matches(ids[of[order]], listed, column)
    planets = np.full(len(order), "", object)
    if known is not None:
        at = np.concatenate(clock)[order]
        for time_system, number_of in clocks.items():
            here = at == number_of
            some = {key: values[here] for key, values in column.items()}
            planets[order[here]] = _planets(ids[of[order[here]]], some, known.on_clock(time_system))
    stars = [""] * len(unique)
    for old, new in zip(unique.tolist(), number.tolist()):
        stars[new] = str(ids[old])
    file = tempfile.TemporaryFile(dir=paths[0].parent)  # noqa: SIM115  # kept open as long as its rows may be read
    place, n_warned = _write_rows(file, paths, matches, planets, len(unique))
    found = RankedCandidates(
        stars,
        skipped_stars,
        n_warned,
        several,
        rate,
        listed,
        place[order],
        lambda size, at: os.pread(file.fileno(), size, at),
    )
    weakref.finalize(found, file.close)
    return found


def _matches(name: np.ndarray, star: np.ndarray, column: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return ``(n,)`` objects: other stars' candidates with each one's ephemeris, as ``match_candidates`` writes."""
    ephemerides = (column[key] for key in ("period", "t0", "duration", "period_error", "t0_error"))
    found = match_candidates(star, name, *ephemerides)
    # Most are empty: as objects they share one text, where an array of texts has room for the longest in each.
    empty, texts = "", np.empty(len(found), object)
    texts[:] = empty
    for k in np.flatnonzero(found != empty):
        texts[k] = str(found[k])
    return texts


def _planets(name: np.ndarray, column: Mapping[str, np.ndarray], known: Known) -> np.ndarray:
    """Return ``(n,)`` objects: the known planets of the star that each candidate is, as ``match_known`` writes them."""
    texts = np.full(len(name), "", object)
    listed = set(known.id.tolist())
    mine = np.array([k for k, one in enumerate(name.tolist()) if one in listed], np.int64)
    if len(mine):
        texts[mine] = match_known(
            name[mine].astype(np.str_),
            column["period"][mine],
            column["t0"][mine],
            column["duration"][mine],
            known.id,
            known.name,
            known.period,
            known.t0,
            known.duration,
        ).tolist()
    return texts


def _write_rows(
    file: Any, paths: Sequence[Path], matches: np.ndarray, planets: np.ndarray, n_stars: int
) -> tuple[np.ndarray, int]:
    """Write every row with its matches, flags and warnings; ``n_stars`` were searched together.

    Returns:
        ``(n, 2)`` int64, offset and size of each row in the order of the parts; and the number of stars with warnings.
    """
    place = np.zeros((len(matches), 2), np.int64)
    at = k = 0
    n_warned = 0
    for n_read, path in enumerate(paths):
        announce.phase("flagging candidates", n_read, len(paths), unit="parts")
        part = read_part(path)
        rows = part["rows"]
        n_warned += len(part["warnings"])
        mine = slice(k, k + len(rows))
        for row, text, shared, planet in zip(rows, _flags(rows, matches[mine]), matches[mine], planets[mine]):
            texts = filter(None, (text, *reasons(row["vetting"], row["verdicts"])))
            row |= {"matches": ";".join(filter(None, (planet, shared))), "flags": ";".join(texts)}
            row["verdicts"]["shared"] = shared_ephemeris(str(shared), n_stars).verdict
            row["warnings"] = part["warnings"].get(row["id"], [])
            line = json.dumps(row).encode()
            file.write(line)
            place[k] = at, len(line)
            at += len(line)
            k += 1
    file.flush()
    announce.phase("flagging candidates", len(paths), len(paths), unit="parts")
    return place, n_warned


def _flags(rows: list[Row], matches: np.ndarray) -> list[str]:
    """Return what speaks against the candidates of one part, which holds all candidates of its stars."""
    if not rows:
        return []
    number: dict[str, int] = {}
    found = Candidates.of_rows([row | {"star": number.setdefault(row["id"], len(number))} for row in rows])
    about = StarTable(*(np.array([row[one.name] for row in rows], np.float64) for one in fields(StarTable)))
    texts = flags(
        # Before the known planets of the star itself are added to what it shares with others.
        replace(found, matches=matches.astype(np.str_)),
        about,
        np.array([row["absolute"] for row in rows], bool),
        np.array([row["time_system"] for row in rows], np.str_),
        np.array([row["shape"] for row in rows], np.float64),
    )
    return [str(text) for text in texts]
