"""Rank all candidates of a search in one list, with some hundred bytes of memory per candidate.

Ranking and matching need a few numbers of all candidates at once; all other columns stay on disk. The parts are read
twice. The first reading collects these numbers. After the matches are known, the second reading adds matches and flags
to the rows and writes them to one temporary file, from which any row can be read.
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
"""columns that are held in memory, float64"""


@dataclass(frozen=True, eq=False)
class RankedCandidates:
    """The candidates of a search, highest red-noise SNR first, read from disk one by one.

    Attributes:
        stars: ids of the stars with candidates, in the order of the list.
        skipped: stars that could not be searched, in the order of their ids.
        n_warned: number of stars with warnings.
        with_disagreement: true if several networks scored at least one candidate.
        rate: stars per second searched by this call, measured after its first part, because that may include
            compilation; None with fewer than two parts.
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

        The row maps names to values: the attributes of :class:`exojax.candidates.Candidates` (``star`` is an index into
        ``stars``); ``radius``, ``mass``, ``teff`` and ``mag`` of the star; ``time_system``; ``absolute`` (true if the
        depth is a fraction); ``shape``; ``flags``; ``vetting`` and ``verdicts`` (test to result); ``disagreement``; and
        ``warnings`` (a list).
        """
        offset, size = self._place[k].tolist()
        row: Row = json.loads(self._read(size, offset))
        return row | {"star": int(self._star[k])}

    def rows(self) -> Iterator[Row]:
        """Yield all candidates in ranked order."""
        return (self.row(k) for k in range(len(self)))

    def of_star(self, star: int) -> list[Row]:
        """Return the candidates of star number ``star`` in ``stars``, best rank first."""
        return sorted((self.row(k) for k in np.flatnonzero(self._star == star).tolist()), key=lambda row: row["rank"])

    def table(self) -> Candidates:
        """Return all candidates as one table in memory."""
        return Candidates.of_rows(list(self.rows()))


def ranked(paths: Sequence[Path], known: Known | None = None, rate: float | None = None) -> RankedCandidates:
    """Rank the candidates of all parts, match them with each other and with the known planets, and flag them.

    Args:
        paths: files of the parts, in one folder and in a reproducible order; the temporary file is in that folder.
        known: known planets, which the column ``matches`` names.
        rate: stars per second, for the result.

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
        skipped |= {(star["id"], star["path"], star["reason"]) for star in part["skipped"]}
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
    star_of, column = np.concatenate(star), dict(zip(_COLUMNS, np.concatenate(numbers).T))
    by_name = np.empty(len(ids), np.int64)
    by_name[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    order = np.lexsort((np.concatenate(rank), by_name[star_of], -column["snr_red"]))
    # Number the stars in the order of the list, so that matches and ties do not depend on the order of the parts.
    unique, first, within = np.unique(star_of[order], return_index=True, return_inverse=True)
    number = np.empty(len(unique), np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(unique))
    listed = number[within]
    column = {name: values[order] for name, values in column.items()}
    announce.phase(f"matching {len(order):,} candidates")
    matches = np.empty(len(order), object)
    matches[order] = _matches(ids[star_of[order]], listed, column)
    planets = np.full(len(order), "", object)
    if known is not None:
        at = np.concatenate(clock)[order]
        for time_system, number_of in clocks.items():
            here = at == number_of
            columns = {key: values[here] for key, values in column.items()}
            planets[order[here]] = _planets(ids[star_of[order[here]]], columns, known.on_clock(time_system))
    stars = [""] * len(unique)
    for old, new in zip(unique.tolist(), number.tolist()):
        stars[new] = str(ids[old])
    file = tempfile.TemporaryFile(dir=paths[0].parent)  # noqa: SIM115  # open as long as the result exists
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
    """Return ``(n,)`` str objects: candidates of other stars with the ephemeris of each, see ``match_candidates``."""
    ephemerides = (column[key] for key in ("period", "t0", "duration", "period_error", "t0_error"))
    found = match_candidates(star, name, *ephemerides)
    # Most texts are empty. As objects they share one text; an array of str would give each the length of the longest.
    empty, texts = "", np.empty(len(found), object)
    texts[:] = empty
    for k in np.flatnonzero(found != empty):
        texts[k] = str(found[k])
    return texts


def _planets(name: np.ndarray, column: Mapping[str, np.ndarray], known: Known) -> np.ndarray:
    """Return ``(n,)`` str objects: the known planets of its star that each candidate matches, see ``match_known``."""
    texts = np.full(len(name), "", object)
    hosts = set(known.id.tolist())
    on_host = np.array([k for k, star in enumerate(name.tolist()) if star in hosts], np.int64)
    if len(on_host):
        texts[on_host] = match_known(
            name[on_host].astype(np.str_),
            column["period"][on_host],
            column["t0"][on_host],
            column["duration"][on_host],
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
    """Write every row with its matches, flags and warnings to ``file``.

    Args:
        file: binary file.
        paths: files of the parts.
        matches, planets: ``(n,)`` str objects in the order of the parts.
        n_stars: number of stars in the search, for the test of shared ephemerides.

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
        own = slice(k, k + len(rows))
        for row, text, shared, planet in zip(rows, _flags(rows, matches[own]), matches[own], planets[own]):
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
    """Return the flags of the candidates of one part, joined with ``;``; a part holds all candidates of its stars."""
    if not rows:
        return []
    number: dict[str, int] = {}
    found = Candidates.of_rows([row | {"star": number.setdefault(row["id"], len(number))} for row in rows])
    columns = (np.array([row[property.name] for row in rows], np.float64) for property in fields(StarTable))
    texts = flags(
        # Only the matches with other stars, without the known planets of the star itself.
        replace(found, matches=matches.astype(np.str_)),
        StarTable(*columns),
        np.array([row["absolute"] for row in rows], bool),
        np.array([row["time_system"] for row in rows], np.str_),
        np.array([row["shape"] for row in rows], np.float64),
    )
    return [str(text) for text in texts]
