"""Many files: grouped by star, read in order with and without workers; one bad file is skipped alone."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from small_fits import KEPLER, TESS, curve, write

import exojax
from exojax.errors import InputError
from exojax.io import folder
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves


def table(path: Path) -> Path:
    path.write_text("\n".join(f"{100 + 0.02 * n},{1 + 1e-4 * (n % 7)}" for n in range(50)))
    return path


def fill(home: Path) -> None:
    """Fill a folder: two quarters of a star, another star's sector, two tables, and three files that cannot be read."""
    write(home / "kplr011442793-2009350155506_llc.fits", curve(start=260.0))
    write(home / "kplr011442793-2010009091648_llc.fits", curve(start=352.0, level=7000.0))
    (home / "deep").mkdir()
    write(home / "deep" / "anything.fits", curve(start=1354.0), TESS)
    table(home / "EPIC201367065.csv")
    table(home / "mine.csv")
    (home / "deep" / "broken.fits").write_bytes(b"no")
    (home / "kplr011442793-2010174085026_llc.fits").write_bytes(b"")
    (home / "notes.csv").write_text("to,do\nbuy,milk\n")
    (home / "readme.md").write_text("not a light curve")


def summary(found: list[LightCurves | Skipped]) -> list[tuple[str, object]]:
    return [(one.id, one.reason) if isinstance(one, Skipped) else (one.id[0], one.flux.shape[1]) for one in found]


def test_files_are_grouped_by_star(tmp_path: Path) -> None:
    fill(tmp_path)
    groups = {name: [path.name for path in paths] for name, paths in folder.stars_in([tmp_path])}
    assert list(groups) == ["201367065", "100100827", "broken", "11442793", "mine", "notes"]
    assert len(groups["11442793"]) == 3
    assert folder.stars_in([tmp_path / "mine.csv"]) == [("mine", [tmp_path / "mine.csv"])]
    assert len(folder.stars_in([str(tmp_path / "*.csv"), tmp_path / "mine.csv"])) == 3
    for path, words in [(tmp_path / "no*.fits", "no such file"), (tmp_path / "x.fits", "no such file")]:
        with pytest.raises(InputError, match=words):
            folder.stars_in([path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no light curves"):
        folder.stars_in([tmp_path / "empty"])


def test_ids_stay_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", curve(), KEPLER | {"KEPLERID": 7})
    write(tmp_path / "b.fits", curve(), TESS | {"TICID": 7})
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        table(tmp_path / name / "star.csv")
    names = [name for name, _ in folder.stars_in([tmp_path])]
    assert names == ["KIC 7", "TIC 7", str(tmp_path / "one/star.csv"), str(tmp_path / "two/star.csv")]
    assert [
        one.id[0] for one in folder.read_stars(folder.stars_in([tmp_path])) if isinstance(one, LightCurves)
    ] == names


def test_bad_files_are_skipped_and_the_rest_read(tmp_path: Path) -> None:
    fill(tmp_path)
    found = list(folder.read_stars(folder.stars_in([tmp_path])))
    assert [name for name, _ in summary(found)] == [
        "201367065",
        "100100827",
        "broken",
        "11442793",
        "11442793",
        "mine",
        "notes",
    ]
    skipped = [one for one in found if isinstance(one, Skipped)]
    assert [one.path.name for one in skipped] == ["broken.fits", "kplr011442793-2010174085026_llc.fits", "notes.csv"]
    assert skipped[0].reason.startswith("is no FITS file")
    assert skipped[1].reason.startswith("is empty")
    star = next(one for one in found if isinstance(one, LightCurves) and one.id[0] == "11442793")
    assert star.flux.shape == (1, 798)


def test_workers_give_the_same_in_the_same_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    groups = folder.stars_in([tmp_path])
    here = list(folder.read_stars(groups))
    monkeypatch.setattr(folder, "_FEW", 0)
    monkeypatch.setattr(folder, "_IN_FLIGHT", 1)
    there = list(folder.read_stars(groups, workers=2))
    assert summary(there) == summary(here)
    for one, two in zip(here, there):
        if isinstance(one, LightCurves):
            assert isinstance(two, LightCurves)
            np.testing.assert_array_equal(one.flux, two.flux)
            np.testing.assert_array_equal(one.time, two.time)


def test_a_dead_worker_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    groups = folder.stars_in([tmp_path])

    class Broken:
        """Reads two stars; then the process is killed, with the third star in it."""

        def __init__(self, *_: object, **__: object) -> None:
            self.given = 0

        def submit(self, read: Callable, *group: object) -> Future:
            self.given += 1
            if self.given > 3:
                raise folder.BrokenProcessPool
            done: Future = Future()
            done.set_result(read(*group))
            return done

        def shutdown(self, **_: object) -> None: ...

    here = list(folder.read_stars(groups))
    monkeypatch.setattr(folder, "_FEW", 0)
    monkeypatch.setattr(folder, "_IN_FLIGHT", 1)
    monkeypatch.setattr(folder, "ProcessPoolExecutor", Broken)
    assert summary(list(folder.read_stars(groups, workers=2))) == summary(here)


def test_few_files_are_read_before_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [(str(n), [table(tmp_path / f"{n}.csv")]) for n in range(5)]
    seen: list[str] = []
    monkeypatch.setattr(
        folder, "read_star", lambda name, paths, stated: seen.append(name) or [Skipped(name, paths[0], "")]
    )
    reading = folder.read_stars(groups)
    assert next(reading) == Skipped("0", groups[0][1][0], "")
    assert seen == ["0"]


def test_readers_do_not_import_jax() -> None:
    code = "import sys, exojax.io.folder, exojax.io.target, exojax.io.catalogue; print('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("ending", ["txt", "dat", "tbl", "csv"])
def test_a_table_of_one_star_is_read_by_any_of_its_endings(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"star.{ending}"
    rows = [f"{day:.4f},{1 + 1e-3 * (day % 0.3):.6f}" for day in np.arange(0, 5, 0.02)]
    path.write_text("\n".join(["time,flux", *rows]))
    found = exojax.read(path)
    assert found.id.tolist() == ["star"]
    assert found.flux.shape == (1, 250)
