"""``search.py``: its files, its exit codes, and what it says of stars that cannot be searched or were mended first."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from documented import assert_columns_explained, assert_files_explained
from small_cli import Call, assert_refused, files, read_rows, stars
from small_cli import write_csv as write_kaggle
from small_search import CADENCE, START, flux_of, quick_search_each, write_csv, write_npz

from exojax import load, predict
from exojax.cli import search
from exojax.detection import batch
from exojax.io import kaggle
from exojax.runs import survey
from exojax.storage.json_files import read_checked, write_checked

FIRST = ["id", "rank", "period_days", "t0_days", "duration_hours", "depth_ppm", "snr", "sde", "probability"]
SMALL = ("--period-min", 1, "--period-max", 4, "--max-candidates", 1)
PLAIN = (*SMALL, "--run", "none", "--sheets", 0)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "BATCH_STARS", 4)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search in earnest."""
    monkeypatch.setattr(survey, "search_each", quick_search_each)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten stars; the first three have transits every 1.9 days, the last is constant."""
    flux = flux_of(10, hosts=range(3))
    flux[9] = 0
    return write_npz(tmp_path_factory.mktemp("search") / "stars.npz", flux)


@pytest.fixture(scope="module")
def done(source: Path) -> Path:
    """Searched in earnest, with three sheets."""
    with chdir(source.parent), pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "BATCH_STARS", 4)
        Path("labels.csv").write_text("id,label\n100,1\n105,0\n")
        Path("known.csv").write_text(f"id,period,t0,duration,name\n101,1.9,{START + 0.7},0.16,one b\n")
        options = ("--data", source, "--out", "out", *SMALL, "--sheets", 3, "--labels", "labels.csv")
        assert search.main([str(o) for o in (*options, "--known", "known.csv")]) == 3
    return source.parent / "out"


def test_the_files_of_a_search(done: Path) -> None:
    rows = read_rows(done / "candidates.csv")
    assert list(rows[0])[:9] == FIRST
    assert {row["id"] for row in rows[:3]} == {"100", "101", "102"}
    assert len(rows) == 9
    for row in rows[:3]:
        assert float(row["period_days"]) == pytest.approx(1.9, abs=0.003)
        assert (float(row["t0_days"]) - START - 0.7 + 0.02) % 1.9 < 0.04
        assert float(row["depth_ppm"]) == pytest.approx(3000, rel=0.15)
        assert row["time_system"] == "BKJD"
        assert 0 < float(row["probability"]) < 1
        assert row["single"] == "0"
    level = [float(row["snr_red"]) for row in rows]
    assert level == sorted(level, reverse=True)
    assert {row["id"]: row["label"] for row in rows if row["label"]} == {"100": "1", "105": "0"}
    assert "one b" in next(row["matches"] for row in rows if row["id"] == "101")
    assert [(row["id"], row["reason"]) for row in read_rows(done / "skipped.csv")] == [("109", "the flux is constant")]
    sheets = sorted(path.name for path in (done / "sheets").iterdir())
    assert sheets == ["100-1.png", "101-1.png", "102-1.png"]
    page = (done / "rows" / "0001.js").read_text()
    for row in rows:
        assert row["id"] in page
    assert page.count("sheets/10") >= 3
    assert_files_explained(done, "A search's folder")
    assert_columns_explained(done / "skipped.csv")
    tests = {name for name in rows[0] if name.startswith(("vet_", "verdict_"))}
    assert_columns_explained(done / "candidates.csv", but=tests)


def test_again_with_fewer_sheets_and_other_settings(done: Path, source: Path, call: Call, monkeypatch) -> None:
    before = (done / "candidates.csv").read_bytes()
    options = ("--data", source, "--out", done, *SMALL, "--labels", done.parent / "labels.csv")
    options = (*options, "--known", done.parent / "known.csv")
    for changed, word in (
        (("--snr-min", 9), "snr_min: 7.1 -> 9"),
        (("--mask-known",), "masked: None -> "),
        (("--stars", done.parent / "stars.csv"), "stars: None -> "),
    ):
        (done.parent / "stars.csv").write_text("id,radius,mass\n100,1,1\n")
        assert_refused(call(search.main, *options, *changed), word, "--out")
    monkeypatch.setattr(survey, "search_each", None)
    ran = call(search.main, *options, "--sheets", 0)
    assert ran.code == 3
    assert (done / "candidates.csv").read_bytes() == before
    assert list((done / "sheets").iterdir()) == []


def test_stopped_in_the_middle_it_ends_alike(done: Path, source: Path, call: Call, monkeypatch) -> None:
    """In earnest: the values are the stars' own, whichever call searches them in whichever batch."""
    write = survey.write_part

    def write_and_stop(folder: Path, part: dict) -> Path:
        path = write(folder, part)
        os.kill(os.getpid(), signal.SIGINT)
        return path

    options = ("--data", source, "--out", "out", *SMALL, "--sheets", 0, "--labels", done.parent / "labels.csv")
    options = (*options, "--known", done.parent / "known.csv")
    with monkeypatch.context() as patch:
        patch.setattr(survey, "write_part", write_and_stop)
        for _ in range(2):
            ran = call(search.main, *options)
            assert (ran.code, ran.err.count("\n")) == (130, 1)
    assert not Path("out/candidates.csv").exists()
    assert call(search.main, *options).code == 3
    for name in ("candidates.csv", "skipped.csv"):
        assert Path("out", name).read_bytes() == (done / name).read_bytes()


def test_a_folder_of_an_earlier_version_is_refused(done: Path, source: Path, call: Call) -> None:
    """Its settings have stars in a batch, and its stars were found by another search."""
    options = ("--data", source, *SMALL, "--labels", done.parent / "labels.csv", "--known", done.parent / "known.csv")
    shutil.copytree(done, "out")
    settings = Path("out/.parts/search.json")
    before = read_checked(settings)
    write_checked(settings, before | {"sources": "0" * 16, "batch": 128})
    assert_refused(
        call(search.main, *options, "--out", "out"),
        "out",
        "another version of exojax began this search",
        "another --out",
    )
    settings.write_text("{")
    assert_refused(call(search.main, *options, "--out", "out"), "search.json", "another --out")


KILLED = """
import os, signal, sys
sys.path.insert(0, {here!r})
from small_search import quick_search_each
from exojax.detection import batch as batching
from exojax.runs import survey as searching
from exojax.cli import search
batching.BATCH_STARS = 4
searching.search_each = quick_search_each
write, parts = searching.write_part, []
def write_and_die(folder, part):
    path = write(folder, part)
    parts.append(path)
    if len(parts) == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    return path
searching.write_part = write_and_die
sys.exit(search.main(sys.argv[1:]))
"""


@pytest.mark.usefixtures("quick")
def test_killed_it_goes_on(call: Call) -> None:
    write_npz(Path("many.npz"), flux_of(42))
    options = [str(o) for o in ("--data", "many.npz", *PLAIN, "--out")]
    program = KILLED.format(here=str(Path(__file__).parents[1]), after=4)
    killed = subprocess.run([sys.executable, "-c", program, *options, "out"], capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = {path: path.stat().st_mtime_ns for path in Path("out/.parts").glob("part-*.json")}
    assert len(finished) == 4
    assert call(search.main, *options, "out").code == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert call(search.main, *options, "whole").code == 0
    assert Path("out/candidates.csv").read_bytes() == Path("whole/candidates.csv").read_bytes()


@pytest.mark.usefixtures("quick")
def test_threads_change_nothing(call: Call, monkeypatch) -> None:
    write_npz(Path("many.npz"), flux_of(42))
    for n in (1, 3):
        monkeypatch.setattr(search, "workers", lambda n=n: n)
        assert call(search.main, "--data", "many.npz", *PLAIN, "--out", f"out{n}").code == 0
    first, second = (Path(f"out{n}/candidates.csv").read_bytes() for n in (1, 3))
    assert first == second


def bad_folder() -> None:
    """Fill a folder with one star a file: some good, some mended, some unreadable."""
    Path("stars").mkdir()
    flux, time = 1 + flux_of(1)[0], START + np.arange(500) * CADENCE

    def make(name, *a, **b):
        return write_csv(Path("stars", name), *a, **b)

    make("good.csv", flux)
    make("counts.csv", 5000 * flux)
    make("magnitudes.csv", 12 - 2.5 * np.log10(flux), header="time,mag")
    order = np.random.default_rng(0).permutation(500)
    make("unsorted.csv", flux[order], time[order])
    make("double.csv", np.r_[flux, flux[:5]], np.r_[time, time[:5]])
    make("gap.csv", flux, time + 40 * (np.arange(500) > 250))
    mixed = np.r_[time[:250], time[250] + np.arange(2500) * CADENCE / 10]
    make("mixed.csv", 1 + np.random.default_rng(0).normal(0, 3e-4, 2750), mixed)
    make("two.csv", flux[:2])
    make("short.csv", flux[:30])
    make("nan.csv", flux * np.nan)
    make("seconds.csv", flux, time * 86400)
    make("untimed.csv", flux, header="a,b")
    Path("stars", "kplr001111111-2009350155506_llc.fits").write_bytes(b"SIMPLE  =")
    Path("stars", "notes.md").write_text("not a light curve")


WARNED = {
    "counts": "counts",
    "magnitudes": "magnitudes",
    "unsorted": "not in order",
    "double": "repeat the time",
    "gap": "longer than half",
    "mixed": "mixed cadences",
}
SKIPPED = {
    "two": "measurements",
    "short": "--period-min",
    "nan": "time and a flux",
    "seconds": "times in days",
    "untimed": "no time column",
    "1111111": "FITS",
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", [("stars",), ("--data", "stars"), ("--data", "stars/*"), ("stars/*.csv", "stars")])
def test_every_file_is_searched_or_reported(how: tuple[str, ...], call: Call) -> None:
    pytest.importorskip("astropy", reason="FITS files need astropy")
    bad_folder()
    if "*" in how[-1]:
        Path("stars/notes.md").unlink()
    ran = call(search.main, *how, "--out", "out", *PLAIN)
    assert ran.code == 3, ran.err
    assert ran.err == ""
    rows = {row["id"]: row for row in read_rows(Path("out/candidates.csv"))}
    assert rows.keys() == {"good", *WARNED}
    assert rows["good"]["warnings"] == ""
    for name, word in WARNED.items():
        assert word in rows[name]["warnings"], rows[name]["warnings"]
    skipped = {row["id"]: row for row in read_rows(Path("out/skipped.csv"))}
    assert skipped.keys() == SKIPPED.keys()
    for name, word in SKIPPED.items():
        assert word in skipped[name]["reason"], skipped[name]["reason"]
        assert Path(skipped[name]["file"]).exists()
    assert "7 stars searched" in ran.out
    assert "6 skipped; 6 stars with warnings" in ran.out


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("give files, --data SOURCE or --target NAME",)),
        (("star.csv", "--data", "star.csv"), ("only one of them",)),
        (("--data", "star.csv", "--target", "Kepler-90"), ("only one of them",)),
        (("nonexistent",), ("nonexistent", "no such file")),
        (("--data", "nonexistent"), ("nonexistent", "no such file")),
        (("--data", "no*.fits"), ("no*.fits", "no file matches")),
        (("empty",), ("empty", "no light curves")),
        (("--data", "empty"), ("empty", "no light curves", "exoTrain.csv")),
        (("short.csv", "--period-min", 1), ("short.csv", "shorter --period-min", "no star could be searched")),
        (("short.csv", "blank.csv", "--period-min", 1), ("blank.csv", "and 1 more in", "skipped.csv")),
        (("stars.npz",), ("stars.npz", "--data stars.npz")),
        (("star.csv", "--period-min", 3, "--period-max", 2), ("--period-min 3", "empty")),
        (("star.csv", "--period-min", 0), ("--period-min 0", "above 0")),
        (("star.csv", "--period-min", "nan"), ("--period-min nan", "above 0")),
        (("star.csv", "--period-max", "inf"), ("--period-max inf", "above 0")),
        (("star.csv", "--period-max", "nan"), ("--period-max nan", "above 0")),
        (("star.csv", "--duration-min", -1), ("--duration-min -1", "above 0")),
        (("star.csv", "--duration-max", "nan"), ("--duration-max nan", "above 0")),
        (("star.csv", "--duration-min", 0.6), ("--duration-min 0.6 --duration-max 0.5", "empty")),
        (("star.csv", "--duration-min", 0.3, "--period-max", 1), ("--duration-min 0.3", "a quarter of its period")),
        (("star.csv", "--window", 0.9), ("--window 0.9", "give 1 days or more")),
        (("star.csv", "--window", 2, "--duration-max", 1.5), ("--window 2", "give 3 days or more")),
        (("star.csv", "--window", "nan"), ("--window nan", "twice --duration-max")),
        (("star.csv", "--window", "inf"), ("--window inf",)),
        (("star.csv", "--period-min", 20), ("star.csv", "cannot hold two periods of 20")),
        (("star.csv", "--period-max", 0.15), ("--period-min 0.17 --period-max 0.15", "empty")),
        (("star.csv", "--duration-min", 4, "--duration-max", 6), ("star.csv", "shorter --duration-min")),
        (("sparse.csv", "--period-max", 1.9), ("sparse.csv", "no period below 2 d", "longer --period-max")),
        (("sparse.csv", "--period-min", 2, "--window", 1), ("sparse.csv", "a --window of 1 d", "fewer than three")),
        (("star.csv", "--max-candidates", 0), ("--max-candidates",)),
        (("star.csv", "--ttv", -1), ("--ttv", "hours")),
        (("star.csv", "--ttv", "nan"), ("--ttv", "hours")),
        (("star.csv", "--ttv", 24, "--period-max", 4), ("--ttv 24", "--period-max 4", "quarter")),
        (("star.csv", "--ttv", 5, "--candidates", "candidates.csv"), ("--ttv", "--candidates")),
        (("star.csv", "--snr-min", "nan"), ("--snr-min",)),
        (("star.csv", "--mask-known"), ("--known",)),
        (("star.csv", "--known", "no.csv"), ("no.csv", "no such file")),
        (("star.csv", "--stars", "no.csv"), ("no.csv", "no such file")),
        (("star.csv", "--labels", "star.csv"), ("star.csv", "id")),
        (("star.csv", "--run", "nowhere"), ("nowhere", "there is no run")),
        (("star.csv", "--runs", "nowhere"), ("--run",)),
    ],
)
def test_mistakes_are_reported_in_one_line(options: tuple, words: tuple[str, ...], call: Call) -> None:
    write_csv(Path("star.csv"), 1 + flux_of(1)[0])
    write_csv(Path("short.csv"), 1 + flux_of(1)[0, :15])
    rows = [f"{START + 0.5 * k},{1 + one}" for k, one in enumerate(flux_of(1)[0])]
    Path("sparse.csv").write_text("\n".join(["time [days],flux", *rows]))
    Path("blank.csv").write_text("")
    write_npz(Path("stars.npz"), flux_of(4))
    Path("empty").mkdir()
    assert_refused(call(search.main, *options, "--out", "out"), *words)


@pytest.mark.usefixtures("quick")
def test_rows_of_one_star_are_searched_one_by_one(call: Call) -> None:
    write_npz(Path("stars.npz"), flux_of(4), kepid=np.array([7, 8, 7, 9]))
    ran = call(search.main, "--data", "stars.npz", "--out", "out", *PLAIN)
    assert ran.code == 0
    assert "1 stars have several rows (the first: 7)" in ran.out
    assert {row["id"] for row in read_rows(Path("out/candidates.csv"))} == {"7", "8", "7:row2", "9"}


@pytest.mark.usefixtures("quick")
def test_a_run_judges_each_star_by_itself(svc_run: Path, call: Call) -> None:
    """Rows of the length that the run was trained on and shorter rows get a probability; longer rows get none."""
    run = load(svc_run)
    write_kaggle(Path("rows.csv"), stars(12, 4, seed=9))
    curves = kaggle.read(Path("rows.csv"))
    expected = dict(zip(curves.id.tolist(), predict(run, curves).tolist()))
    ran = call(search.main, "--data", "rows.csv", "--run", svc_run, "--out", "out", "--sheets", 0)
    assert ran.code == 0, ran.err
    rows = read_rows(Path("out/candidates.csv"))
    for row in rows:
        assert float(row["probability"]) == pytest.approx(expected[row["id"]], rel=1e-5)
        assert row["depth_ppm"] == ""
    assert "as among its training rows" in Path("out/index.html").read_text()
    ran = call(search.main, "--data", "rows.csv", "--run", svc_run, "--out", "out", "--sheets", 0, "--prior", 0.001)
    assert_refused(ran, "prior: None -> 0.001")
    ran = call(search.main, "--data", "rows.csv", "--run", svc_run, "--out", "rare", "--sheets", 0, "--prior", 0.001)
    assert ran.code == 0, ran.err
    warning = "a share of 0.001 are hosts, as stated."
    assert warning in ran.out
    assert warning in Path("rare/index.html").read_text()
    shift = (0.001 / 0.999) / (run.calibration.prior / (1 - run.calibration.prior))
    for row in read_rows(Path("rare/candidates.csv")):
        odds = expected[row["id"]] / (1 - expected[row["id"]]) * shift
        assert float(row["probability"]) == pytest.approx(odds / (1 + odds), rel=1e-5)
    assert_refused(call(search.main, "--data", "rows.csv", "--out", "no", "--run", "none", "--prior", 0.1), "--prior")
    write_npz(Path("long.npz"), flux_of(3))
    ran = call(search.main, "--data", "long.npz", "--run", svc_run, "--out", "out2", *SMALL, "--sheets", 0)
    assert ran.code == 0
    for row in read_rows(Path("out2/candidates.csv")):
        assert row["probability"] == ""
        assert "500 cadences" in row["warnings"]


def test_help_names_every_option(call: Call) -> None:
    ran = call(search.main, "--help")
    assert ran.code == 0
    for word in (
        "FILE",
        "--data SOURCE",
        "--target NAME",
        "--known CSV",
        "(default: 0.17)",
        "(default: 0.0417)",
        "skipped.csv",
    ):
        assert word in ran.out


@pytest.mark.usefixtures("quick")
def test_sheets_of_what_is_no_more_are_removed(call: Call) -> None:
    write_npz(Path("stars.npz"), flux_of(2))
    Path("out/sheets").mkdir(parents=True)
    Path("out/sheets/old-1.png").write_bytes(b"")
    Path("out/sheets/mine.txt").write_text("mine")
    assert call(search.main, "--data", "stars.npz", "--out", "out", *PLAIN).code == 0
    assert list(files(Path("out/sheets"))) == ["mine.txt"]


def test_given_ephemerides_are_measured_and_nothing_else_is_searched(source: Path, call: Call) -> None:
    Path("given.csv").write_text(f"id,period,t0,duration\n100,1.9,{START + 0.7},0.16\n104,2.5,{START + 0.3},0.1\n")
    options = ("--data", source, "--out", "out", "--run", "none", "--sheets", 1)
    ran = call(search.main, *options, "--candidates", "given.csv")
    assert ran.code == 3, ran
    rows = {row["id"]: row for row in read_rows(Path("out/candidates.csv"))}
    assert rows.keys() == {"100", "104"}
    assert float(rows["100"]["period_days"]) == pytest.approx(1.9, abs=1e-6)
    assert float(rows["100"]["depth_ppm"]) == pytest.approx(3000, rel=0.15)
    assert float(rows["104"]["period_days"]) == pytest.approx(2.5, abs=1e-6)
    assert abs(float(rows["104"]["depth_ppm"])) < 500
    skipped = {row["id"]: row["reason"] for row in read_rows(Path("out/skipped.csv"))}
    assert len(skipped) == 8
    assert "no ephemeris is given" in skipped["101"]
    assert [path.name for path in Path("out/sheets").iterdir()] == ["100-1.png"]
    assert_refused(call(search.main, *options, "--candidates", "no.csv"), "no.csv", "no such file")


@pytest.mark.usefixtures("quick")
def test_a_name_is_no_formula_and_no_folder_of_a_person_is_named(tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    write_csv(folder / "=cmd|' -C calc'!A0.csv", 1 + flux_of(1)[0])
    (folder / "blank.csv").write_text("")
    ran = call(search.main, folder, "--out", "out", "--run", "none", "--sheets", 0)
    assert ran.code == 3, ran
    (row,) = read_rows(Path("out/candidates.csv"))
    assert row["id"].startswith("'=cmd|")
    for name in ("candidates.csv", "skipped.csv", "index.html"):
        assert "private" not in Path("out", name).read_text()
