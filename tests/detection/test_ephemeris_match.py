"""Ephemeris matching: true matches are found, and few by chance."""

import numpy as np
import pytest

from exojax.detection import ephemeris_match
from exojax.detection.ephemeris_match import known_transits, match_candidates, match_known


def texts(star, period, t0, **errors):
    n = len(period)
    given = {"period_error": np.full(n, 1e-3), "t0_error": np.full(n, 0.01)} | errors
    period, t0 = np.asarray(period, float), np.asarray(t0, float)
    id = np.array([f"K{s}" for s in star])
    return match_candidates(np.asarray(star), id, period, t0, np.full(n, 0.2), **given).tolist()


def test_pairs_by_hand():
    # Equal; half a period late; a percent longer; twice as long on the transits and between them.
    assert texts([1, 2], [10.0, 10.001], [1.0, 1.005]) == ["K2:1", "K1:1"]
    assert texts([1, 2], [10.0, 10.001], [1.0, 6.0]) == ["", ""]
    assert texts([1, 2], [10.0, 10.1], [1.0, 1.0]) == ["", ""]
    assert texts([1, 2], [10.0, 20.001], [1.0, 11.005]) == ["K2:2", "K1:1/2"]
    assert texts([1, 2], [10.0, 20.001], [1.0, 6.0]) == ["", ""]
    # The same star, and a single transit, match nothing.
    assert texts([1, 1], [10.0, 10.001], [1.0, 1.005]) == ["", ""]
    assert texts([1, 2], [10.0, np.nan], [1.0, 1.0]) == ["", ""]
    # Unknown errors stand for 1e-4 of the period and a tenth of the duration, in any mixture.
    unknown = {"period_error": np.array([np.nan, 1e-6]), "t0_error": np.array([np.nan, 1e-4])}
    assert texts([1, 2], [10.0, 10.001], [1.0, 1.01], **unknown) == ["K2:1", "K1:1"]
    assert texts([1, 2], [10.0, 10.01], [1.0, 1.01], **unknown) == ["", ""]
    # Errors of a period add up over the cycles between the epochs; but never past half a duration.
    assert texts([1, 2], [10.0, 10.0], [1.0, 501.05]) == ["K2:1", "K1:1"]
    assert texts([1, 2], [10.0, 10.0], [1.0, 501.15]) == ["", ""]


def test_many_matches_are_counted():
    found = texts(range(9), np.full(9, 10.0), np.full(9, 1.0) + np.arange(9) * 1e-4)
    assert all(text.endswith(";+3") and text.count(":1") == 5 for text in found)
    # The closest come first.
    assert found[0].startswith("K1:1;K2:1;")


def population(rng, n, baseline):
    period = np.exp(rng.uniform(np.log(0.5), np.log(baseline / 2), n))
    duration = 0.1 * np.cbrt(period)
    t0_error = duration / rng.uniform(7, 30, n)
    return period, rng.uniform(size=n) * period, duration, t0_error * np.sqrt(12) * period / baseline, t0_error


@pytest.mark.parametrize(("baseline", "least"), [(1400.0, 0.95), (80.0, 0.3)])
def test_chance_matches_are_few_and_true_ones_found(baseline, least):
    rng = np.random.default_rng(0)
    n, pairs = 5000, 200
    period, t0, duration, period_error, t0_error = population(rng, n, baseline)
    star = np.arange(n)
    names = star.astype(str)
    found = match_candidates(star, names, period, t0, duration, period_error, t0_error)
    assert np.mean(found != "") < 0.02
    a, b = rng.permutation(n)[: 2 * pairs].reshape(2, pairs)
    period[b], t0[b], duration[b], period_error[b], t0_error[b] = (
        x[a] for x in (period, t0, duration, period_error, t0_error)
    )
    period += period_error * rng.normal(size=n)
    t0 += t0_error * rng.normal(size=n)
    found = match_candidates(star, names, period, t0, duration, period_error, t0_error)
    assert np.mean([f"{j}:1" in found[i].split(";") for i, j in zip(a, b)]) > least
    # Who matches whom is mutual, and the order of the candidates changes nothing.
    order = rng.permutation(n)
    given = (x[order] for x in (star, names, period, t0, duration, period_error, t0_error))
    assert np.array_equal(match_candidates(*given), found[order])


def test_against_all_pairs_and_in_small_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    period, t0, duration, period_error, t0_error = population(rng, 300, 30.0)
    period_error *= rng.uniform(0.1, 10, 300)
    star = np.arange(300) // 2
    names = np.arange(300).astype(str)
    monkeypatch.setattr(ephemeris_match, "CHANCE", 1e9)
    monkeypatch.setattr(ephemeris_match, "PAIRS", 7)
    monkeypatch.setattr(ephemeris_match, "LISTED", 300)
    found = match_candidates(star, names, period, t0, duration, period_error, t0_error)
    true: list[set[str]] = [set() for _ in range(300)]
    for i in range(300):
        for j in range(300):
            for ratio, text in ((1, "1"), (2, "2")):
                off = np.log(period[j] / period[i] / ratio)
                error = np.hypot(period_error[i] / period[i], period_error[j] / period[j])
                late = (t0[j] - t0[i] + period[i] / 2) % period[i] - period[i] / 2
                cycles = (t0[j] - t0[i] - late) / period[i]
                epoch = np.sqrt(t0_error[i] ** 2 + t0_error[j] ** 2 + (cycles * period_error[i]) ** 2)
                one = np.hypot(off / error, late / epoch) <= 3 and abs(late) <= max(duration[i], duration[j]) / 2
                if star[i] != star[j] and one:
                    true[i].add(f"{j}:{text}")
                    true[j].add(f"{i}:{'1' if ratio == 1 else '1/2'}")
    sizes = [len(x) for x in true]
    assert max(sizes) > 2
    differ = sum(len(set(filter(None, a.split(";"))) ^ b) for a, b in zip(found, true))
    # Pairs of equal period may be reduced by either's; only those on the border can differ.
    assert differ <= 0.03 * sum(sizes)


def test_three_thousand_stars_on_one_period_are_counted():
    rng = np.random.default_rng(2)
    n = 200_000
    period, t0, duration, period_error, t0_error = population(rng, n, 1400.0)
    # A systematic at one period.
    period[:3000], t0[:3000], period_error[:3000], t0_error[:3000] = 12.1, 3.0, 1e-3, 0.02
    found = match_candidates(np.arange(n), np.arange(n).astype(str), period, t0, duration, period_error, t0_error)
    assert found[0].endswith("+2994")


def known(*rows):
    id, name, period, t0, duration = zip(*rows)
    return np.array(id), np.array(name), np.array(period), np.array(t0), np.array(duration)


def test_known_planets():
    table = known(("7", "b", 10.0, 105.0, 0.2), ("7", "c", 23.7, 101.0, 0.3), ("8", "d", 10.0, 105.0, 0.2))
    id = np.array(["7", "7", "7", "7", "7", "9", "7", "7"])
    period = np.array([10.001, 20.0, 5.0, 10.0, 10.2, 10.0, np.nan, np.nan])
    t0 = np.array([5.05, 15.0, 0.0, 7.0, 5.0, 5.0, 101.0 - 23.7 * 3, 50.0])
    found = match_known(id, period, t0, np.full(8, 0.2), *table)
    assert found.tolist() == ["b:1", "b:1/2", "b:2", "", "", "", "c:single", ""]
    assert match_known(id, period, t0, np.full(8, 0.2), *(x[:0] for x in table)).tolist() == [""] * 8


def test_known_transits_are_masked():
    table = known(("7", "b", 10.0, 105.0, 0.2), ("9", "e", 1.0, 0.0, 0.2))
    masked = known_transits(np.array(["7", "8", "7"]), np.array([100.0, 100.0, 111.0]), 0.1, 100, table[0], *table[2:])
    # 105.0 by 0.2 either side, to the rounding of a cadence's time.
    assert set(range(49, 52)) <= set(np.flatnonzero(masked[0])) <= set(range(48, 53))
    assert not masked[1].any()
    assert masked[2, 40]
    assert masked[2].sum() <= 5
