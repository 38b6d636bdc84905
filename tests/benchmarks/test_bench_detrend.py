"""The benchmark compares like with like, and says what it did not measure."""

import json

import pytest

from benchmarks import detrend as bench_detrend

ABSENT = "not measured"


def answer(monkeypatch: pytest.MonkeyPatch, found: dict[str, dict[str, float | None]]) -> None:
    text = "a warning\n" + json.dumps(found) + "\n"
    monkeypatch.setattr(bench_detrend.subprocess, "run", lambda *_, **__: type("Answer", (), {"stdout": text}))


def test_ratio_is_theirs_over_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, {"2 d window": {"ours": 0.5, "theirs": 2.0, "difference": 0.02}})
    monkeypatch.setattr(bench_detrend, "wotan_version", lambda: "1.10")
    speed, difference = bench_detrend.measure()
    assert list(speed.values()) == ["detrend, 2 d window", "wotan 1.10 biweight", 0.5, 2.0, "ms/star", 4.0]
    assert (difference["ours"], difference["ratio"]) == (0.02, ABSENT)


def test_without_wotan_it_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_detrend, "wotan_version", lambda: None)
    found = bench_detrend.time_both(2, 300, 1, 0)
    assert found["ours"] is not None
    assert found["ours"] > 0
    answer(monkeypatch, {"2 d window": found})
    for row in bench_detrend.measure():
        assert (row["peer"], row["theirs"], row["ratio"]) == ("wotan", ABSENT, ABSENT)


def test_both_take_the_same_trend_off() -> None:
    pytest.importorskip("wotan", reason="wotan is not installed")
    found = bench_detrend.time_both(2, 600, 1, 0)
    assert found["difference"] is not None
    assert found["difference"] < 0.05
