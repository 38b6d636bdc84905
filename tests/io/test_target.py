"""Downloads through a made-up lightkurve (tests have no network); the real one's objects where it is installed."""

import importlib.util
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_fits import KEPLER, curve, write

from exojax.errors import InputError
from exojax.io import fits, target
from exojax.io.stitch import stitch

SHARED = Path(__file__).parents[2] / "../shared/data/lightcurves"


class Archive:
    """The part of lightkurve that a download needs: a search result with a table, whose rows download one file each."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.fetched: list[str] = []
        self.rows = [
            ("QLP", 1800.0, "q.fits"),
            ("SPOC", 20.0, "fast.fits"),
            ("SPOC", 120.0, "one.fits"),
            ("SPOC", 120.0, "two.fits"),
        ]
        self.fails: Exception | None = None

    def search_lightcurve(self, name: str, **options: str) -> "Result":
        if self.fails:
            raise self.fails
        self.options = options
        return Result(self, self.rows)


class Result:
    def __init__(self, archive: Archive, rows: list[tuple[str, float, str]]) -> None:
        self.archive, self.rows = archive, rows
        self.table = {key: [row[n] for row in rows] for n, key in enumerate(("author", "exptime", "productFilename"))}

    def __getitem__(self, index: int) -> "Result":
        return Result(self.archive, [self.rows[index]])

    def download(self, *, quality_bitmask: str, download_dir: str) -> Any:
        name = self.rows[0][2]
        self.archive.fetched.append(name)
        path = Path(download_dir) / name
        path.write_bytes(self.archive.source.read_bytes())
        return types.SimpleNamespace(meta={"FILENAME": str(path)})


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    made = Archive(write(tmp_path / "source.fits", curve()))
    monkeypatch.setitem(sys.modules, "lightkurve", made)
    return made


def test_the_best_pipeline_is_downloaded_once(archive: Archive, tmp_path: Path) -> None:
    paths = target.fetch("TIC 100100827", tmp_path / "cache")
    assert [path.name for path in paths] == ["one.fits", "two.fits"]
    assert fits.read(paths[0]).id == "11442793"
    archive.fails = RuntimeError("no network")
    assert target.fetch("tic 100100827 ", tmp_path / "cache") == paths
    assert archive.fetched == ["one.fits", "two.fits"]
    archive.fails = None
    target.fetch("TIC 100100827", tmp_path / "cache", mission="TESS")
    assert archive.options == {"mission": "TESS"}
    assert len(archive.fetched) == 4


def test_a_damaged_file_is_named_and_fetched_again(
    archive: Archive, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = target.fetch("Kepler-90", tmp_path)
    content = bytearray(first.read_bytes())
    content[5000] ^= 1
    first.write_bytes(content)
    assert target.fetch("Kepler-90", tmp_path) == [first, second]
    assert f"{first}: is missing, or has changed" in caplog.text
    assert first.read_bytes() == archive.source.read_bytes()
    # Only that one.
    assert archive.fetched == ["one.fits", "two.fits", "one.fits"]
    first.unlink()
    archive.fails = ConnectionError("Max retries exceeded")
    with pytest.raises(InputError, match=r"one.fits damaged, and not downloaded \(Max retries"):
        target.fetch("Kepler-90", tmp_path)


def test_without_a_network_it_says_what_to_do(archive: Archive, tmp_path: Path) -> None:
    archive.fails = ConnectionError("Max retries exceeded\nwith url")
    with pytest.raises(InputError) as caught:
        target.fetch("Kepler-90", tmp_path)
    words = str(caught.value)
    assert "\n" not in words
    assert "https://mast.stsci.edu" in words
    assert f"put them into {tmp_path / 'kepler-90'}" in words
    # And when that has been done, it is enough.
    placed = tmp_path / "kepler-90" / "mine.fits"
    placed.write_bytes(archive.source.read_bytes())
    assert target.fetch("Kepler-90", tmp_path) == [placed]


def test_a_download_that_was_cut_short_is_taken_up(archive: Archive, tmp_path: Path) -> None:
    rows = archive.rows
    archive.rows = [*rows[:3], ("SPOC", 120.0, "../")]
    with pytest.raises(InputError, match="not downloaded"):
        target.fetch("x", tmp_path)
    # What has arrived is no set of files that somebody put there.
    with pytest.raises(InputError, match="not downloaded"):
        target.fetch("x", tmp_path)
    archive.rows = rows
    assert [path.name for path in target.fetch("x", tmp_path)] == ["one.fits", "two.fits"]
    assert archive.fetched.count("one.fits") == 1
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        "complete.txt",
        "one.fits",
        "one.fits.sha256",
        "two.fits",
        "two.fits.sha256",
    ]


def test_nothing_found_or_not_installed(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.rows = []
    with pytest.raises(InputError, match="the archive has no light curve of this star"):
        target.fetch("Kepler-90", tmp_path)
    monkeypatch.setitem(sys.modules, "lightkurve", None)
    with pytest.raises(InputError, match=r"pip install .lightkurve"):
        target.fetch("Kepler-90", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        target.fetch("Kepler-90", tmp_path / "file")


def test_lightkurves_objects_and_back(tmp_path: Path) -> None:
    if importlib.util.find_spec("lightkurve") is None:
        pytest.skip("lightkurve is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightkurve as lk
        from astropy.time import Time

        columns = curve()
        columns["SAP_QUALITY"][50] = 4
        columns["SAP_QUALITY"][60] = 2048
        about = KEPLER | {"RADIUS": 1.2, "LOGG": 4.317, "CREATOR": "FluxExporter2PipelineModule"}
        path = write(tmp_path / "kplr011442793-2009350155506_llc.fits", columns, about, BJDREFI=2454833)
        ours = stitch([fits.read(path)])
        columns = {**columns, "TIME": columns["TIME"] + 90, "PDCSAP_FLUX": columns["PDCSAP_FLUX"] * 3}
        later = write(tmp_path / "kplr011442793-2010009091648_llc.fits", columns, about, BJDREFI=2454833)
        theirs = [
            lk.LightCurve(
                time=Time(part["TIME"][np.isfinite(part["TIME"])], format="bkjd"),
                flux=part["PDCSAP_FLUX"][np.isfinite(part["TIME"])],
                meta={**about, "FILENAME": str(file)},
            )
            for part, file in ((curve(), path), (columns, later))
        ]
        for one in theirs:
            one["quality"] = columns["SAP_QUALITY"][np.isfinite(columns["TIME"])]
        single = target.from_lightkurve(theirs[0])
        both = target.from_lightkurve(lk.LightCurveCollection(theirs))
        back = target.to_lightkurve(ours)
        again = target.from_lightkurve(back)
    np.testing.assert_array_equal(single.flux, ours.flux)
    np.testing.assert_array_equal(single.time, ours.time)
    np.testing.assert_array_equal(single.valid, ours.valid)
    assert (single.id.tolist(), single.time_system, single.absolute) == (["11442793"], "BKJD", True)
    assert single.stars is not None
    assert single.stars.radius[0] == 1.2
    assert both.flux.shape[1] == 2 * single.flux.shape[1]
    assert np.median(both.flux[both.valid]) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(back.time.value, ours.time[ours.valid])
    assert back.time.format == "bkjd"
    assert again.id.tolist() == ["11442793"]
    np.testing.assert_allclose(again.flux[0], ours.flux[ours.valid], rtol=1e-6)
    assert again.centroid is None or again.centroid.shape[1] == again.flux.shape[1]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the light curves of ../shared/data, which are not public")
def test_a_real_file_read_by_either(tmp_path: Path) -> None:
    if importlib.util.find_spec("lightkurve") is None:
        pytest.skip("lightkurve is not installed")
    path = SHARED / "kplr011442793-2010009091648_llc.fits"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightkurve as lk

        theirs = target.from_lightkurve(lk.read(path, quality_bitmask="none"))
    ours = stitch([fits.read(path)])
    np.testing.assert_array_equal(theirs.valid, ours.valid)
    np.testing.assert_array_equal(theirs.time, ours.time)
    np.testing.assert_array_equal(theirs.flux, ours.flux)
    np.testing.assert_allclose(theirs.centroid, ours.centroid)
    assert theirs.stars is not None
    assert ours.stars is not None
    assert theirs.stars.density[0] == ours.stars.density[0]
