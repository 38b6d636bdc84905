"""Ephemeris matching: one period and epoch on different stars is contamination or a systematic, not two planets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exojax.ephemeris import nearest_transit, phase

RATIOS = {1.0: "1", 2.0: "2", 0.5: "1/2"}
"""accepted ratios of the period of a match to that of the candidate"""
KNOWN_RATIOS = RATIOS | {3.0: "3", 1 / 3: "1/3"}
"""accepted ratios of the period of a known planet to that of the candidate, because a search may find a harmonic"""
SIGMAS = 3.0
"""largest joint deviation of period and epoch of equal ephemerides, in standard errors"""
CHANCE = 0.005
"""largest expected number of chance matches as close as a reported pair"""
LISTED = 5
"""largest number of matches that are named for one candidate"""
PAIRS = 2_000_000
"""number of pairs that are compared at once; it limits the memory"""


def _near(low: np.ndarray, high: np.ndarray, period: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield index pairs ``(i, j)`` with ``low[i] <= period[j] <= high[i]``, block by block."""
    order = np.argsort(period, kind="stable")
    first = np.searchsorted(period[order], low, "left")
    count = np.maximum(np.searchsorted(period[order], high, "right") - first, 0)
    done = np.concatenate([[0], np.cumsum(count)])
    start = 0
    while start < len(low):
        stop = max(int(np.searchsorted(done, done[start] + PAIRS, "right")) - 1, start + 1)
        rows = np.repeat(np.arange(start, stop), count[start:stop])
        yield rows, order[first[rows] + np.arange(len(rows)) - (done[rows] - done[start])]
        start = stop


def match_candidates(
    star: np.ndarray,
    id: np.ndarray,
    period: np.ndarray,
    t0: np.ndarray,
    duration: np.ndarray,
    period_error: np.ndarray,
    t0_error: np.ndarray,
) -> np.ndarray:
    """Name, for each candidate, the candidates of other stars with the same ephemeris.

    Two ephemerides agree if period (or twice or half of it) and epoch deviate jointly by at most 3 standard errors, and
    the epochs by at most half the longer duration; every transit of the longer period must coincide with one of the
    shorter period (after Coughlin et al. 2014). With short baselines and long lists, many pairs agree by chance.
    Therefore a pair must also be closer than chance explains: ``density * pi * apart^2 * error(ln P) * error(t0) / P``,
    with the density of candidates in log period, is at most 0.005. Candidates are sorted by period, so that the run
    time grows with the number of near pairs, not with ``n`` squared.

    Args:
        star: ``(n,)`` int, row of the star; only candidates of different stars are matched.
        id: ``(n,)`` str, name of the star, for the text.
        period, t0, duration: ``(n,)`` float64, days; a candidate with a NaN period (a single transit) has no match.
        period_error, t0_error: ``(n,)`` float64, days, one sigma; 1e-4 of the period and a tenth of the duration
            where NaN.

    Returns:
        ``(n,)`` str: ``id:ratio`` of the 5 closest matches, joined with ``;``, then ``+k`` for ``k`` further matches;
        empty without a match. ``ratio`` is the period of the match over that of the candidate: 1, 2 or 1/2.
    """
    texts = np.full(len(period), "", dtype=object)
    usable = np.flatnonzero(np.isfinite(period) & np.isfinite(t0))
    star, period, t0, duration = (x[usable] for x in (star, period, t0, duration))
    width = np.where(np.isfinite(period_error[usable]), period_error[usable] / period, 1e-4)
    t0_error = np.where(np.isfinite(t0_error[usable]), t0_error[usable], 0.1 * duration)
    # A pair is met once, from the side whose period is less certain: its own reach then covers both errors.
    rank = np.empty(len(period), dtype=np.int64)
    rank[np.argsort(width, kind="stable")] = np.arange(len(period))
    reach = SIGMAS * np.sqrt(2.0) * width
    number = np.zeros(len(period), dtype=np.int64)
    logs = np.sort(np.log(period))
    kept = np.empty(0, dtype=[("of", np.int64), ("other", np.int64), ("ratio", float), ("apart", float)])
    for ratio in RATIOS:
        # Over half an e-fold, so that a pile of candidates at one period does not count as chance.
        around = np.log(ratio * period)
        density = 2.0 * (np.searchsorted(logs, around + 0.25) - np.searchsorted(logs, around - 0.25))
        for a, b in _near(period * ratio * (1.0 - reach), period * ratio * (1.0 + reach), period):
            pair = (star[a] != star[b]) & (rank[b] < rank[a])
            a, b = a[pair], b[pair]
            short, long = (a, b) if ratio >= 1.0 else (b, a)
            late, cycles = nearest_transit(t0[long], period[short], t0[short])
            epoch_error = np.hypot(np.hypot(t0_error[a], t0_error[b]), cycles * period[short] * width[short])
            error = np.hypot(width[a], width[b])
            apart = np.hypot((period[b] / (ratio * period[a]) - 1.0) / error, late / epoch_error)
            chance = density[a] * np.pi * apart**2 * error * epoch_error / period[short]
            one = (apart <= SIGMAS) & (chance <= CHANCE) & (np.abs(late) <= 0.5 * np.maximum(duration[a], duration[b]))
            a, b, apart = a[one], b[one], apart[one]
            number += np.bincount(a, minlength=len(number)) + np.bincount(b, minlength=len(number))
            new = np.empty(2 * len(a), dtype=kept.dtype)
            new["of"], new["other"] = np.concatenate([a, b]), np.concatenate([b, a])
            new["ratio"], new["apart"] = np.repeat([ratio, 1.0 / ratio], len(a)), np.tile(apart, 2)
            kept = _closest(np.concatenate([kept, new]))
    for of, group in _groups(kept):
        names = [f"{id[usable[row['other']]]}:{RATIOS[float(row['ratio'])]}" for row in group]
        more = number[of] - len(group)
        texts[usable[of]] = ";".join(names + [f"+{more}"] * bool(more))
    return texts.astype(str)


def _closest(pairs: np.ndarray) -> np.ndarray:
    """Return the ``LISTED`` closest pairs of each candidate, sorted by candidate and distance."""
    pairs = pairs[np.lexsort((pairs["apart"], pairs["of"]))]
    place = np.arange(len(pairs)) - np.searchsorted(pairs["of"], pairs["of"], "left")
    return pairs[place < LISTED]


def _groups(pairs: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each candidate of sorted ``pairs`` with its rows."""
    of, first = np.unique(pairs["of"], return_index=True)
    for number, rows in zip(of, np.split(pairs, first[1:])):
        yield int(number), rows


def match_known(
    id: np.ndarray,
    period: np.ndarray,
    t0: np.ndarray,
    duration: np.ndarray,
    known_id: np.ndarray,
    known_name: np.ndarray,
    known_period: np.ndarray,
    known_t0: np.ndarray,
    known_duration: np.ndarray,
) -> np.ndarray:
    """Name, for each candidate, the known planet of its star with the same ephemeris.

    A candidate is a known planet if its period is 1, 1/3, 1/2, 2 or 3 times the known period, to a tenth of a duration
    per transit, and its transit lies within one duration of a known transit. For a single transit (NaN period) only
    the time is compared.

    Args:
        id: ``(n,)`` str, the candidates' stars; period, t0, duration: ``(n,)`` float64, days.
        known_id: ``(m,)`` str; known_name: ``(m,)`` str; known_period, known_t0, known_duration: ``(m,)`` float64,
            days, in the same time system, and precise enough to be carried to the candidates' epochs.

    Returns:
        ``(n,)`` str: ``name:ratio`` joined with ``;`` (``name:single`` for a single transit); empty without a match.
    """
    order = np.argsort(known_id, kind="stable")
    first = np.searchsorted(known_id[order], id, "left")
    count = np.searchsorted(known_id[order], id, "right") - first
    a = np.repeat(np.arange(len(id)), count)
    b = order[np.arange(len(a)) + np.repeat(first - np.cumsum(count) + count, count)]
    longer = np.fmax(duration[a], known_duration[b])
    texts: list[list[str]] = [[] for _ in id]
    for ratio, text in KNOWN_RATIOS.items():
        # At twice the known period, every second transit of the planet is used; at half of it, every second one is
        # empty.
        short = np.fmin(period[a], known_period[b])
        late = phase(t0[a], short, known_t0[b])
        same = np.abs(period[a] * ratio - known_period[b]) <= 0.1 * longer * max(ratio, 1.0)
        for i in np.flatnonzero(same & (np.abs(late) <= longer)):
            texts[a[i]].append(f"{known_name[b[i]]}:{text}")
    late = phase(t0[a], known_period[b], known_t0[b])
    for i in np.flatnonzero(np.isnan(period[a]) & (np.abs(late) <= longer)):
        texts[a[i]].append(f"{known_name[b[i]]}:single")
    return np.array([";".join(names) for names in texts], dtype=str)


def known_transits(
    id: np.ndarray,
    start: np.ndarray,
    cadence: float,
    n_cadences: int,
    known_id: np.ndarray,
    known_period: np.ndarray,
    known_t0: np.ndarray,
    known_duration: np.ndarray,
) -> np.ndarray:
    """Mask the transits of known planets, so that a search can give them weight 0.

    Args:
        id: ``(n_stars,)`` str; start: ``(n_stars,)`` float64, days, time of cadence 0; cadence: days.
        known_id, known_period, known_t0, known_duration: as in `match_known`.

    Returns:
        ``(n_stars, n_cadences)`` bool, True within one duration of a known mid-transit. The mask is twice as wide as
        the transit, because ephemerides drift and known durations may be too short.
    """
    masked = np.zeros((len(id), n_cadences), dtype=bool)
    steps = np.arange(n_cadences) * cadence
    rows = {name: np.flatnonzero(id == name) for name in np.unique(known_id)}
    for name, period, t0, duration in zip(known_id, known_period, known_t0, known_duration):
        for row in rows[name]:
            late = phase(start[row] + steps, period, t0)
            masked[row] |= np.abs(late) <= duration
    return masked
