"""The benchmark of series statistics compares the same curves, and says what it did not measure."""

import numpy as np
import pytest

from benchmarks import features as bench_features


@pytest.fixture
def few(monkeypatch):
    whole = bench_features.stars(4, 0)
    monkeypatch.setattr(bench_features, "stars", lambda n, seed: whole)
    monkeypatch.setattr(bench_features, "ROUNDS", 1)
    seen = []
    monkeypatch.setattr(bench_features, "compute", lambda names, curves: seen.append((names, len(curves))))
    return seen


@pytest.mark.usefixtures("few")
def test_without_tsfresh_it_is_not_measured(monkeypatch):
    monkeypatch.setattr(bench_features, "release", lambda: None)
    (row,) = bench_features.measure()
    assert (row["peer"], row["theirs"], row["ratio"]) == ("tsfresh", "not measured", "not measured")
    assert row["ours"] >= 0


def test_each_runs_once_uncounted_and_both_are_per_star(few, monkeypatch):
    monkeypatch.setattr(bench_features, "release", lambda: "0.21")
    theirs = []
    monkeypatch.setattr(bench_features, "tsfresh_columns", lambda curves, n: theirs.append(n))
    clock = iter([0.0, 0.004, 1.0, 9.0])
    monkeypatch.setattr(bench_features.time, "process_time", lambda: next(clock))
    (row,) = bench_features.measure()
    assert few == [(("series",), 4)] * 2
    assert theirs == [1, bench_features.PEER_STARS]
    assert (row["ours"], row["theirs"]) == (pytest.approx(1.0), pytest.approx(8000 / bench_features.PEER_STARS))
    assert row["ratio"] == pytest.approx(row["theirs"])


def test_the_stars_have_gaps_and_are_of_the_usual_length():
    made = bench_features.stars(2, 0)
    assert made.flux.shape == (2, 3197)
    assert np.all(made.valid.mean(axis=1) < 1)
