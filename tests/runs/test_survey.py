"""The bookkeeping of a search: parts, threads, what is skipped and what is reported; the search itself is replaced."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_search import curves_of, flux_of, quick_search_each

from exojax.candidates import Candidates
from exojax.config import SearchConfig
from exojax.detection import batch
from exojax.errors import InputError
from exojax.io.catalogue import Known
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves
from exojax.runs import survey
from exojax.runs.fold_stars import SearchedStar
from exojax.runs.ranked_candidates import ranked
from exojax.runs.survey_parts import write_part
from exojax.storage.json_files import read_checked, write_checked, write_json
from exojax.vetting.all_tests import UNKNOWN

CONFIG = SearchConfig(period_min=1.0)
N = 22


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "search_each", quick_search_each)
    monkeypatch.setattr(batch, "BATCH_STARS", 3)


def files(done: set[str]) -> Iterable[LightCurves | Skipped]:
    """Yield stars of two cadences; some have a bad file, one cannot be read, one is constant, one too short."""
    for k in range(N):
        if f"s{k}" in done:
            continue
        if k % 7 == 3:
            yield Skipped(f"s{k}", Path(f"s{k}-a.fits"), "is truncated")
            yield Skipped(f"s{k}", Path(f"s{k}-b.fits"), "is truncated")
        if k == 10:
            continue
        one = curves_of(flux_of(1, seed=k), cadence=0.05 if k % 3 else 0.02, first=k)
        if k == 5:
            one = replace(one, flux=np.ones_like(one.flux))
        if k == 6:
            one = one.take(np.array([0]))
            one = replace(one, valid=np.arange(500)[None] < 5)
        yield replace(one, warnings=(f"warning of {k}",) if k % 4 == 0 else ())


def search(out: Path, stars: Any = files, **options: Any) -> survey.RankedCandidates:
    options = {"settings": {"source": "a"}, "workers": 2} | options
    return survey.search(stars, CONFIG, out, **options)


def outcome(found: survey.RankedCandidates) -> tuple:
    """Return all that must not depend on the order of the search, as text, in which NaN equals NaN."""
    return [json.dumps(row, sort_keys=True) for row in found.rows()], found.skipped, found.n_warned, found.stars


def warnings_of(found: survey.RankedCandidates) -> dict[str, list[str]]:
    return {row["id"]: row["warnings"] for row in found.rows()}


class Killed(BaseException):
    pass


def test_everything_is_accounted_for(tmp_path: Path) -> None:
    found = search(tmp_path)
    skipped = {(s.id, str(s.path)) for s in found.skipped}
    assert {name for name, _ in skipped} == {"s3", "s5", "s6", "s10", "s17"}
    # Two bad files of one star are two lines.
    assert {("s3", "s3-a.fits"), ("s3", "s3-b.fits")} <= skipped
    assert set(found.stars) == {f"s{k}" for k in range(N)} - {"s5", "s6", "s10"}
    assert (found.n_stars, found.n_warned) == (N - 3, 6)
    assert warnings_of(found)["s8"] == ["warning of 8"]
    assert warnings_of(found)["s9"] == []
    table = found.table()
    assert len(table) == len(found) == N - 3
    assert np.all(np.diff(table.snr_red) <= 0)
    assert [found.stars[k] for k in table.star] == table.id.tolist()
    assert [row["period"] for row in found.of_star(3)] == [table.period[3]]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_neither_threads_nor_kills_change_what_is_found(n_workers: int, tmp_path: Path) -> None:
    whole = outcome(search(tmp_path / "whole"))
    n_parts = len(list((tmp_path / "whole" / survey.PARTS).glob("part-*")))
    assert n_parts > 8
    for stop in range(1, n_parts):
        out, left = tmp_path / f"{stop}", [stop]

        def report(done: int, bad: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        with pytest.raises(Killed):
            search(out, workers=n_workers, report=report)
        assert outcome(search(out, workers=n_workers)) == whole


def test_progress_counts_every_star_of_a_batch(tmp_path: Path) -> None:
    counts: list[int] = []
    search(tmp_path, report=lambda done, bad: counts.append(done))
    assert counts == sorted(counts)
    assert set(range(1, N - 2)) <= set(counts)


def test_what_is_done_is_not_searched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = search(tmp_path)
    requested: list[set[str]] = []
    monkeypatch.setattr(survey, "search_each", None)

    def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
        requested.append(set(done))
        return files(done)

    again = search(tmp_path, stars)
    assert outcome(again) == outcome(first)
    assert requested == [{f"s{k}" for k in range(N)} - {"s6", "s10"}]
    assert again.rate is None
    assert first.rate is not None


def test_a_mended_file_is_read_again(tmp_path: Path) -> None:
    search(tmp_path)

    def mended(done: set[str]) -> Iterable[LightCurves | Skipped]:
        for one in files(done):
            yield curves_of(flux_of(1, seed=10), first=10) if isinstance(one, Skipped) and one.id == "s10" else one

    for _ in range(2):
        found = search(tmp_path, lambda done: dict.fromkeys(["x"]) and _once(mended(done)))
        assert "s10" in found.stars
        assert "s10" not in {s.id for s in found.skipped}


def _once(stars: Iterable[LightCurves | Skipped]) -> Iterable[LightCurves | Skipped]:
    seen = set()
    for one in stars:
        name = one.id if isinstance(one, Skipped) else one.id[0]
        if isinstance(one, Skipped) or name not in seen:
            seen.add(name)
            yield one


def test_another_search_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    search(tmp_path)
    with pytest.raises(InputError, match=r"holds another search \(source: a -> b\).*--out"):
        search(tmp_path, settings={"source": "b"})
    with pytest.raises(InputError, match=r"period_max: None -> 3.0"):
        survey.search(files, replace(CONFIG, period_max=3.0), tmp_path, settings={"source": "a"})
    with pytest.raises(InputError, match="mask_known"):
        search(tmp_path, mask_known=True)


def test_parts_of_an_earlier_version_are_refused_in_one_line(tmp_path: Path) -> None:
    """They were found by another search, with settings that are gone: nothing of it is mixed in."""
    search(tmp_path)
    settings = tmp_path / survey.PARTS / "search.json"
    before = read_checked(settings)
    del before["sources"]
    for write in (write_checked, write_json):  # those of long ago had no checksum
        write(settings, before | {"version": 10})
        with pytest.raises(InputError) as refused:
            search(tmp_path)
        text = str(refused.value)
        assert "another version" in text
        assert "give another --out" in text
        assert "\n" not in text


def flipped(content: bytes) -> bytes:
    """Change one digit of the first period: still JSON."""
    at = content.index(b'"period": ') + 14
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [lambda text: b"", lambda text: b'{"stars": [', lambda text: b"[1]", lambda text: text[:-9], flipped],
    ids=["empty", "cut", "another", "short", "a digit"],
)
def test_a_damaged_part_is_searched_again(
    damage: Callable[[bytes], bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = outcome(search(tmp_path))
    part = next(p for p in (tmp_path / survey.PARTS).glob("part-*") if b'"period": ' in p.read_bytes())
    content = part.read_bytes()
    part.write_bytes(damage(content))
    assert outcome(search(tmp_path)) == whole
    assert part.name in caplog.text
    assert "searches its stars again" in caplog.text
    assert part.read_bytes() == content


def test_a_star_in_two_parts_is_searched_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = search(tmp_path).table()
    part = min((tmp_path / survey.PARTS).glob("part-*.json"))
    (part.parent / "part-zz.json").write_bytes(part.read_bytes())
    after = search(tmp_path).table()
    assert "of another part" in caplog.text
    assert after.id.tolist() == before.id.tolist()


def test_known_planets_on_another_clock(tmp_path: Path) -> None:
    row = search(tmp_path / "a").table().take(np.array([0]))
    name = str(row.id[0])
    clock = next(iter(files(set()))).time_system
    there = {"id": row.id, "name": np.array(["b"]), "period": row.period, "duration": np.array([0.1])}
    full = Known(**there, t0=row.t0 + 2454833, clock=np.array(["BJD"]))
    found = search(tmp_path / "b", known=full)
    assert clock == "BKJD"
    assert next(one["matches"] for one in found.rows() if one["id"] == name).startswith("b:")
    masked = search(tmp_path / "c", known=replace(full, clock=np.array([""]), t0=row.t0), mask_known=True)
    assert search(tmp_path / "d", known=full, mask_known=True).table().t0.tolist() == masked.table().t0.tolist()


def test_a_part_that_is_damaged_during_the_search_is_named(tmp_path: Path) -> None:
    search(tmp_path)
    parts = sorted((tmp_path / survey.PARTS).glob("part-*"))
    parts[0].write_bytes(b"")
    with pytest.raises(InputError, match=rf"{parts[0].name}: .*the same command searches its stars again"):
        ranked(parts)


def test_memory_does_not_grow_with_what_is_found(tmp_path: Path) -> None:
    """A candidate holds some hundred bytes of its row of two thousand."""
    row = dict.fromkeys(Candidates.__dataclass_fields__, 1.5) | {
        "rank": 1,
        "aliases": "",
        "matches": "",
        "single": False,
    }
    row |= dict.fromkeys(("radius", "mass", "teff", "mag", "shape", "disagreement"), float("nan"))
    row |= {"time_system": "BKJD", "absolute": True, "n_transits": 9, "single": False, "padding": "x" * 1500}
    row |= {"period_error": 1e-5, "t0_error": 1e-4, "vetting": UNKNOWN.numbers, "verdicts": dict(UNKNOWN.verdicts)}

    def parts(folder: Path, n: int) -> list[Path]:
        rng, paths = np.random.default_rng(0), []
        for first in range(0, n, 100):
            names = [f"s{k}" for k in range(first, first + 100)]
            drawn = rng.uniform(1, 1000, (100, 2)).tolist()
            rows = [row | {"id": name, "period": p, "snr_red": s} for name, (p, s) in zip(names, drawn)]
            paths.append(write_part(folder, {"stars": names, "skipped": [], "rows": rows, "warnings": {}}))
        return paths

    peak = {}
    for n in (400, 2_000):
        paths = parts(tmp_path / str(n), n)
        tracemalloc.start()
        found = ranked(paths)
        assert sum(1 for _ in found.rows()) == n
        peak[n] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (peak[2_000] - peak[400]) / 1_600 < 500


def test_a_bug_in_a_thread_surfaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def search_each(batch: list[LightCurves], *a: Any, **b: Any) -> Any:
        if "s9" in [one.id[0] for one in batch]:
            raise ZeroDivisionError("a bug")
        return quick_search_each(batch, *a, **b)

    monkeypatch.setattr(survey, "search_each", search_each)
    with pytest.raises(ZeroDivisionError):
        search(tmp_path)
    # What was finished before it stays.
    assert list((tmp_path / survey.PARTS).glob("part-*"))


def test_ctrl_c_waits_for_no_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, begun, ended = threading.Event(), [], []

    def search_each(batch: list[LightCurves], *a: Any, **b: Any) -> Any:
        begun.append(batch)
        free.wait(20)
        ended.append(batch)
        return quick_search_each(batch, *a, **b)

    def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
        for k, one in enumerate(files(done)):
            if k == 8:
                raise KeyboardInterrupt
            yield one

    monkeypatch.setattr(survey, "search_each", search_each)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, stars, workers=1)
    assert not ended
    free.set()
    time.sleep(0.1)
    assert len(begun) == 1


def test_known_planets_mask_or_name(tmp_path: Path) -> None:
    plain = search(tmp_path / "a")
    table = plain.table()
    row = table.take(table.id == "s8")
    known = Known(np.array(["s8"]), np.array(["b"]), row.period, row.t0, np.array([0.1]))
    named = search(tmp_path / "b", known=known).table()
    assert "b" in named.matches[named.id == "s8"][0]
    assert np.array_equal(named.period, table.period)
    masked = search(tmp_path / "c", known=known, mask_known=True).table()
    changed = masked.take(masked.id == "s8")
    assert changed.period[0] != row.period[0]


def test_a_judge_is_called_for_every_batch(tmp_path: Path) -> None:
    def score_candidates(
        stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
    ) -> survey.CandidateScores:
        number = np.array([float(name[1:]) for name in found.id])
        assert [str(stars[k].curves.id[0]) for k in found.star] == found.id.tolist()
        assert all(len(x) == len(found) for x in inputs.values())
        said = ["odd" if int(one.curves.id[0][1:]) % 2 else "" for one in stars]
        return survey.CandidateScores(number / 100 + found.rank / 1e4, said, number / 1000)

    found = search(tmp_path, score_candidates=score_candidates)
    assert found.with_disagreement
    assert [row["disagreement"] for row in found.rows()] == [float(row["id"][1:]) / 1000 for row in found.rows()]
    rows, warnings = found.table(), warnings_of(found)
    for name, rank, probability in zip(rows.id.tolist(), rows.rank.tolist(), rows.probability.tolist()):
        assert probability == float(name[1:]) / 100 + rank / 1e4
        assert ("odd" in warnings[name]) == bool(int(name[1:]) % 2)
    assert warnings["s8"] == ["warning of 8"]


def test_parts_are_plain_json(tmp_path: Path) -> None:
    search(tmp_path)
    for path in (tmp_path / survey.PARTS).iterdir():
        assert path.suffix == ".json"
        assert isinstance(json.loads(path.read_text()), dict)
