"""Tables of one star and tables about stars: units of flux, order of time, and errors with file and line."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.io import catalogue, identity, table
from exojax.io.columns import Stated
from exojax.io.stitch import stitch
from exojax.light_curves import LightCurves

SHARED = Path(__file__).parents[2] / "../shared/data"
TIME = 1977.25 + 0.0204 * np.arange(200)
FLUX = 1 + 1e-4 * np.random.default_rng(0).normal(size=200)


def write(path: Path, *columns: np.ndarray, header: str = "", mark: str = ",") -> Path:
    rows = [mark.join(map(repr, map(float, row))) for row in zip(*columns)]
    path.write_text("\n".join([header, *rows] if header else rows) + "\n")
    return path


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        table.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("header", ["", "time,flux", "# time,flux", "Time,Flux", '"time","flux"', "# made by hand\n#x"])
@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_layouts(tmp_path: Path, header: str, mark: str) -> None:
    read = table.read(write(tmp_path / "EPIC201367065.csv", TIME, FLUX, header=header.replace(",", mark), mark=mark))
    assert (read.id, read.catalogue, read.named, read.time_system) == ("201367065", "EPIC", True, "BKJD")
    np.testing.assert_array_equal(read.time, TIME)
    np.testing.assert_allclose(read.flux, FLUX / np.median(FLUX), rtol=1e-12)
    assert read.cadence == pytest.approx(0.0204)
    assert read.warnings == ()


def test_columns_by_name_and_quality(tmp_path: Path) -> None:
    quality = np.zeros(200)
    quality[7] = 8
    path = write(tmp_path / "x.csv.gz", FLUX * 0, FLUX, quality, TIME, header="my_flux_err,my_flux,quality,btjd")
    path.write_bytes(gzip.compress(path.read_bytes()))
    read = table.read(path)
    assert (read.id, read.named, read.time_system) == ("x", False, "BTJD")
    assert np.flatnonzero(~read.valid).tolist() == [7]
    np.testing.assert_array_equal(read.time, TIME)
    np.testing.assert_allclose(read.flux[8:], FLUX[8:], atol=1e-4)


def test_unsorted_and_repeated_times(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(200)
    again = np.concatenate([order, [5]])
    flux = np.concatenate([FLUX[order], [0.5]])
    read = table.read(write(tmp_path / "x.csv", TIME[again], flux))
    np.testing.assert_array_equal(read.time, TIME)
    np.testing.assert_allclose(read.flux, FLUX / np.median(FLUX), rtol=1e-9)
    assert "not in order" in read.warnings[0]
    assert "1 rows repeat" in read.warnings[1]


@pytest.mark.parametrize(
    ("header", "level", "unit"), [("time,mag", 25.0, None), ("", 12.3, "magnitudes"), ("time,flux", 12.3, "magnitudes")]
)
def test_magnitudes(tmp_path: Path, header: str, level: float, unit: str | None) -> None:
    mags = level + 1e-3 * np.random.default_rng(2).normal(size=200)
    mags[50:60] += 0.02
    read = table.read(write(tmp_path / "x.csv", TIME, mags, header=header), Stated(flux_unit=unit))
    assert np.median(read.flux[50:60]) == pytest.approx(10 ** (-0.4 * 0.02), abs=1e-3)
    assert np.median(read.flux) == pytest.approx(1)
    assert "magnitudes" in read.warnings[0]


def test_a_column_called_flux_is_never_magnitudes(tmp_path: Path) -> None:
    flux = 12.3 * FLUX
    read = table.read(write(tmp_path / "x.csv", TIME, flux, header="time,flux"))
    np.testing.assert_allclose(read.flux, FLUX / np.median(FLUX))
    assert "give --flux-unit magnitudes" in read.warnings[0]
    # Where nothing says, two readings fit.
    assert "--flux-unit magnitudes or --flux-unit counts" in message(write(tmp_path / "x.csv", TIME, flux))


@pytest.mark.parametrize("level", [12.3, 20000.0])
def test_counts(tmp_path: Path, level: float) -> None:
    noise = 1e-4 if level > 100 else 0.02
    counts = level * (1 + noise * np.random.default_rng(2).normal(size=200))
    read = table.read(write(tmp_path / "x.csv", TIME, counts, header="time,flux"))
    np.testing.assert_allclose(read.flux, counts / np.median(counts))
    assert "in counts" in read.warnings[0]


def test_flux_about_zero(tmp_path: Path) -> None:
    read = table.read(write(tmp_path / "x.csv", TIME, FLUX - 1))
    assert read.absolute
    np.testing.assert_allclose(read.flux, FLUX / np.median(FLUX))
    read = table.read(write(tmp_path / "x.csv", TIME, (FLUX - 1) * 1e6))
    assert not read.absolute
    assert "no absolute scale" in read.warnings[0]


def test_missing_values_are_not_measured(tmp_path: Path) -> None:
    lines = [f"{t},{f}" for t, f in zip(TIME, FLUX)]
    lines[3], lines[5], lines[9] = f"{TIME[3]},", f"{TIME[5]},nan", f",{FLUX[9]}"
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines))
    read = table.read(path)
    assert np.flatnonzero(~read.valid).tolist() == [3, 5]
    assert len(read.time) == 199


def test_gaps_and_mixed_cadences_are_reported(tmp_path: Path) -> None:
    gap = np.concatenate([TIME, TIME + 40])
    warnings = stitch([table.read(write(tmp_path / "x.csv", gap, np.tile(FLUX, 2)))]).warnings
    assert any("longer than half" in text for text in warnings)
    # Rows that have a time but no flux are a gap all the same.
    blank = np.where(abs(np.arange(200) - 100) < 80, np.nan, FLUX)
    warnings = stitch([table.read(write(tmp_path / "x.csv", TIME, blank))]).warnings
    assert any("longer than half" in text for text in warnings)
    fast = np.concatenate([TIME[:100], TIME[100] + 0.0204 / 15 * np.arange(1500)])
    flux = np.concatenate([FLUX[:100], np.full(1500, 1.0)])
    flux[100 + 300 : 100 + 330] = 0.99
    read = table.read(write(tmp_path / "x.csv", fast, flux))
    assert "mixed cadences: steps from 1.96 to 29.4 minutes were binned to the longest" in read.warnings
    assert read.cadence == pytest.approx(0.0204)
    assert len(read.time) == pytest.approx(200, abs=1)
    np.testing.assert_allclose(read.time[:100], TIME[:100])
    assert read.flux.min() == pytest.approx(0.99, abs=2e-3)


def test_one_star_or_kaggles_many(tmp_path: Path) -> None:
    assert table.holds_one_star(write(tmp_path / "x.csv", TIME, FLUX))
    assert table.holds_one_star(write(tmp_path / "x.csv", TIME, FLUX, header="time,flux"))
    (tmp_path / "x.csv").write_text('"LABEL","FLUX.1","FLUX.2"\n2,1,2\n')
    assert not table.holds_one_star(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("FLUX.1\n2\n")
    assert not table.holds_one_star(tmp_path / "x.csv")


def test_bad_tables_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    good = [f"{t},{f}" for t, f in zip(TIME, FLUX)]
    for content, words in [
        ("", "is empty"),
        ("time,flux\n", "no line of numbers"),
        ("hello\nworld\n", "no line of numbers"),
        ("\n".join(["when,flux", *good]), "no time column (when, flux)"),
        ("\n".join(["time,brightness", *good]), "no flux column (time, brightness)"),
        ("\n".join(["time,flux,flux_err", *good]), "the header names 3 columns, and line 2 has 2"),
        ("\n".join([*good[:3], "1980.1,oops", *good[3:]]), "line 4: 'oops' is not a number"),
        ("\n".join([*good[:3], "1980.1,1,2", *good[3:]]), "line 4 has 3 values, line 1 2"),
        ("\n".join(good[:2]), "has 2 measurements"),
        ("\n".join(f"{t},nan" for t in TIME), "no row has both"),
        ("\n".join(map(str, TIME)), "line 1 has one value"),
        ("\n".join(f"{t},0" for t in TIME), "flux is 0 in every row"),
        ("SIMPLE  =    T" + " " * 100, "is binary"),
    ]:
        path.write_text(content)
        assert words in message(path), words
    path.unlink()
    assert "no such file" in message(path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the light curves of ../shared/data, which are not public")
def test_real_table() -> None:
    stars = stitch([table.read(SHARED / "lightcurves/EPIC201367065.csv")])
    assert (stars.id.tolist(), stars.flux.shape, stars.time_system) == (["201367065"], (1, 3632), "BKJD")
    assert (stars.warnings, stars.catalogued, stars.absolute) == ((), True, True)
    assert stars.time[0, 0] == 1977.26244947


@pytest.mark.parametrize(
    ("text", "expected"),
    [("TIC 00123", "123"), ("123.0", "123"), ("epic-201", "201"), (" 7 ", "7"), ("700.01", "700.01"), ("0", "0")],
)
def test_one_spelling(text: str, expected: str) -> None:
    assert identity.spelling(text) == expected
    assert identity.spellings(np.array([text, "5"])).tolist() == [expected, "5"]


def tell(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_labels(tmp_path: Path) -> None:
    assert catalogue.labels(tell(tmp_path / "l.csv", "label,id\n1,TIC 5\n0.0,0007\n1,5\n")) == ({"5": 1, "7": 0}, "")
    for content, words in [
        ("id\n5\n", "line 1 names no column label"),
        ("star_name,label\n5,1\n", "line 1 names no column of stars"),
        ("id,label\n5,2\n", "line 2: label is '2'"),
        ("# made\n\nid,label\n5,1\n5,0\n", "line 5: star 5 has label 0 here"),
        ("id,label\n5\n", "line 2 has 1 values"),
        ("id,label\n,1\n", "line 2 has no id"),
        ("id,label\n5,\n", "line 2: label is ''"),
        ("", "is empty"),
    ]:
        with pytest.raises(InputError) as caught:
            catalogue.labels(tell(tmp_path / "l.csv", content))
        assert words in str(caught.value), words


def test_stars_replace_the_numbers_of_the_header(tmp_path: Path) -> None:
    known = catalogue.stars(tell(tmp_path / "s.csv", "id,radius,teff\n5,0.5,\n6,,4000\n"))
    assert known == {"5": {"radius": 0.5}, "6": {"teff": 4000.0}}
    none = np.zeros((2, 3))
    curves = LightCurves(
        id=np.array(["6", "5"]),
        time=none,
        flux=none.astype(np.float32),
        valid=none.astype(bool),
        label=None,
        kind=None,
        catalogued=True,
        absolute=True,
        cadence=1.0,
        time_system="BKJD",
        source="",
        sha256="",
    )
    stars = catalogue.with_stars(curves, {"6": {"radius": 2.0, "mass": 1.0}}).stars
    assert stars is not None
    stars = catalogue.with_stars(catalogue.with_stars(curves, {"6": {"radius": 2.0, "mass": 1.0}}), known).stars
    assert stars is not None
    np.testing.assert_array_equal(stars.radius, [2.0, 0.5])
    np.testing.assert_array_equal(stars.mass, [1.0, np.nan])
    np.testing.assert_array_equal(stars.teff, [4000.0, np.nan])
    for content, words in [
        ("id,radius\n5,-1\n", "line 2: radius of star 5"),
        ("id,x\n5,1\n", "names no column radius"),
    ]:
        with pytest.raises(InputError, match=words):
            catalogue.stars(tell(tmp_path / "s.csv", content))


def test_known_planets(tmp_path: Path) -> None:
    archive = (
        "# NASA\nkepid,kepler_name,koi_period,koi_time0bk,koi_duration\n10666592,Kepler-2 b,2.2,121.36,3.6\n8,,,,\n"
    )
    found = catalogue.known(tell(tmp_path / "k.csv", archive))
    assert (found.id.tolist(), found.name.tolist()) == (["10666592"], ["Kepler-2 b"])
    # The archive's durations are hours.
    assert (found.period[0], found.t0[0], found.duration[0]) == (2.2, 121.36, pytest.approx(0.15))
    plain = catalogue.known(tell(tmp_path / "k.csv", "id,period,duration\n5,1.5,0.1\n6,2.5,\n5,9,\n"))
    assert plain.of("5").period.tolist() == [1.5, 9.0]
    assert np.isnan(plain.t0).all()
    assert plain.duration[0] == 0.1
    toi = catalogue.known(tell(tmp_path / "k.csv", "tid,pl_orbper,pl_tranmid,pl_trandurh\n5,1.5,2458326.5,2.4\n"))
    assert (toi.t0[0], toi.clock.tolist(), toi.duration[0]) == (2458326.5, ["BJD"], pytest.approx(0.1))
    assert toi.on_clock("BTJD").t0[0] == 1326.5
    assert len(catalogue.known(tell(tmp_path / "k.csv", "id,period\n"))) == 0
    with pytest.raises(InputError, match="line 2: period is 'x', not a number"):
        catalogue.known(tell(tmp_path / "k.csv", "id,period\n5,x\n"))
    with pytest.raises(InputError, match="line 2: the period or the duration of star 5 is not positive"):
        catalogue.known(tell(tmp_path / "k.csv", "id,period\n5,-1\n"))


def test_marks_of_candidates_label_their_stars(tmp_path):
    marks = '''id,rank,mark,note
1,1,false positive,
1,2,planet,"deep, and ""flat"""
2,1,false positive,
2,2,,only a note
3,1,false positive,
3,2,unsure,
4,1,unsure,
TIC 0005,1,Planet,
6,1,,looked at
'''
    found, note = catalogue.labels(tell(tmp_path / "marks.csv", marks))
    assert found == {"1": 1, "2": 0, "5": 1}
    assert "3 stars without a label" in note
    with pytest.raises(InputError, match=r"line 2: mark is 'maybe'"):
        catalogue.labels(tell(tmp_path / "marks.csv", "id,rank,mark,note\n1,1,maybe,\n"))


EXOFOP = "TIC ID,TOI,Period (days),Epoch (BJD),Duration (hours),Depth (ppm)\n100,101.01,3.5,2458326.5,2.4,900\n"
SHERLOCK = "object_id,period,per_err,n,t_dur (min),t0,snr\nTIC 100,3.5,0.01,7,144,1326.5,11\n"
ARCHIVE = "# COLUMN x\ntid,toi,pl_orbper,pl_tranmid,pl_trandurh\n100,101.01,3.5,2458326.5,2.4\n"
PLAIN = "id,period,t0_bjd,duration_hours\n100,3.5,2458326.5,2.4\n"
MARKED = "TIC ID|Orbital Period (days)|Transit Epoch (BTJD)|Duration (hours)\n100|3.5|1326.5|2.4\n"


@pytest.mark.parametrize("content", [EXOFOP, SHERLOCK, ARCHIVE, PLAIN, MARKED])
def test_tables_of_others_come_to_the_curves_clock(tmp_path: Path, content: str) -> None:
    found = catalogue.ephemerides(tell(tmp_path / "k.csv", content))
    assert (found.id.tolist(), found.period.tolist()) == (["100"], [3.5])
    assert found.duration[0] == pytest.approx(0.1)
    for clock, t0 in (("BTJD", 1326.5), ("BJD", 2458326.5), ("BKJD", 3493.5)):
        assert found.on_clock(clock).t0[0] == t0
        assert found.mismatch("100", clock) == ""


def test_an_epoch_on_no_clock_is_refused(tmp_path: Path) -> None:
    full = catalogue.known(tell(tmp_path / "k.csv", EXOFOP))
    assert "--clock" in full.mismatch("100", "file")
    assert len(full.on_clock("file")) == 0
    plain = catalogue.known(tell(tmp_path / "k.csv", "id,period,t0,duration\n100,3.5,1326.5,0.1\n"))
    # Without a clock it is the light curve's own, unless it cannot be.
    assert plain.on_clock("BTJD").t0[0] == plain.on_clock("file").t0[0] == 1326.5
    assert "name the column t0_btjd" in plain.mismatch("100", "BJD")
    assert plain.mismatch("7", "BJD") == ""


def test_names_that_are_not_understood_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    catalogue.known(tell(tmp_path / "k.csv", "id,period,moment,duration\n100,3.5,1326.5,0.1\n"))
    assert "no planet has a t0 (not recognised: moment, duration)" in caplog.text
