"""Columns, units and clocks: by the words of its name, and by plausibility."""

from pathlib import Path

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.io import clocks, quality, table
from exojax.io.columns import NOTHING_STATED, Column, Stated, Table, bracket, flux_rank, measured, time_rank, words

N = 300
TIME = 1400 + 0.02 * np.arange(N)
NOISE = 1e-3 * np.random.default_rng(0).normal(size=N)
FLUX = 1 + NOISE
FLUX[100:106] -= 0.03


def of(
    stated: Stated = NOTHING_STATED,
    header: dict | None = None,
    named: bool = True,
    mission: str = "",
    **columns: object,
) -> object:
    made = []
    for name, values in columns.items():
        unit = ""
        if isinstance(values, tuple):
            values, unit = values
        held = np.asarray(values)
        made.append(Column(name.replace("__", " "), unit, lambda held=held: held))
    return measured(Table(Path("a.csv"), made, header or {}, named), mission, "", stated)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("time bkg_flux raw_flux detrended_flux", "detrended_flux"),
        ("TIME BKG_FLUX PSF_FLUX", "PSF_FLUX"),
        ("TIME RAW_FLUX PCA_FLUX", "PCA_FLUX"),
        ("time flux_unc flux_corr", "flux_corr"),
        ("time e_flux flux_corr", "flux_corr"),
        ("time sky flux sigma", "flux"),
        ("time centroid_flux sap_flux", "sap_flux"),
        ("time flux flux_cal", "flux_cal"),
        ("time mag flux", "flux"),
        ("time raw_flux mag", "mag"),
        ("time FluxErr Flux", "Flux"),
        ("time flux_model flux", "flux"),
        ("time SAP_FLUX KSPSAP_FLUX KSPSAP_FLUX_SML", "KSPSAP_FLUX"),
        ("time aperture_flux background", "aperture_flux"),
        ("time norm_flux norm_flux_error", "norm_flux"),
    ],
)
def test_the_flux(names: str, expected: str) -> None:
    values = {name: FLUX if name == expected else 1e4 + 5 * NOISE for name in names.split()[1:]}
    found = of(**{names.split()[0]: TIME}, **values)
    assert found.name == expected
    np.testing.assert_array_equal(found.flux, FLUX)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("JD_UTC HJD_UTC BJD_TDB", "BJD_TDB"),
        ("TIMECORR TIME", "TIME"),
        ("exposure_time mjd", "mjd"),
        ("phase date", "date"),
        ("time hjd", "time"),
        ("time_err BARYCORR TIME_BJD", "TIME_BJD"),
    ],
)
def test_the_time(names: str, expected: str) -> None:
    values = {name: TIME + 2457000 if name == expected else NOISE for name in names.split()}
    np.testing.assert_array_equal(of(**values, flux=FLUX).time, TIME + 2457000)


def test_what_is_no_flux_and_no_time() -> None:
    for name in ("bkg", "flux_err", "SKY_LOCAL", "e_mag", "CENTROID_X", "airmass", "Limit", "mag_err", "PSF_CENTR1"):
        assert flux_rank(name) is None, name
    for name in ("TIMECORR", "time_err", "exptime", "flux_t", "tmag", "rel_flux_T1", "teff"):
        assert time_rank(name) is None, name


def test_names_are_words() -> None:
    assert words("rel_flux_T1") == ["rel", "flux", "t1"]
    assert words("flux (mJy)") == words("Flux[ppm]") == ["flux"]
    assert words("fluxErr") == words("flux_err") == words("FLUXERR") == ["flux", "err"]
    assert words("J.D.-2400000") == ["jd"]
    assert bracket("Time (BKJD days)") == "BKJD days"


def test_the_choice_is_reported() -> None:
    found = of(hjd=TIME, bjd=TIME + 2457000, raw_flux=NOISE, cal_flux=FLUX, det_flux_2=FLUX)
    assert "time: the column bjd is used (not used: hjd)" in found.notes
    assert "flux: the column cal_flux is used (not used: det_flux_2, raw_flux)" in found.notes
    assert of(time=TIME, flux=FLUX).notes == ()


def test_an_empty_column_gives_way() -> None:
    found = of(TIME=TIME, SAP_FLUX=5e3 * FLUX, PDCSAP_FLUX=np.full(N, np.nan))
    assert found.name == "SAP_FLUX"
    assert "flux: PDCSAP_FLUX holds no finite number; the column SAP_FLUX is used" in found.notes
    with pytest.raises(InputError, match=r"a.csv: no row has both a time and a flux \(PDCSAP_FLUX\)"):
        of(TIME=TIME, PDCSAP_FLUX=np.full(N, np.nan))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("flux flux_err", "flux_err"),
        ("flux e_flux", "e_flux"),
        ("flux error", "error"),
        ("raw_flux raw_flux_err flux flux_unc", "flux_unc"),
        ("flux mag_err", None),
        ("mag mag_err flux_err", "mag_err"),
        ("flux bkg_flux_err", None),
        ("cal_flux raw_flux raw_flux_err", None),
    ],
)
def test_the_error(columns: str, expected: str | None) -> None:
    values = {
        name: FLUX if "err" not in name and name not in ("e_flux", "flux_unc") else NOISE + k
        for k, name in enumerate(columns.split(), 1)
    }
    found = of(time=TIME, **values)
    if expected is None:
        assert found.error is None
    else:
        np.testing.assert_array_equal(found.error, values[expected])


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("flux", "ppm", 1e6),
        ("flux_ppm", "", 1e6),
        ("flux (ppt)", "", 1e3),
        ("flux", "%", 100),
        ("dflux_percent_flux", "", 100),
    ],
)
def test_parts_become_fractions(name: str, unit: str, factor: float) -> None:
    for flux in (FLUX, FLUX - 1):
        found = of(
            **{"time": TIME, name.replace(" ", "__"): (factor * flux, unit), "flux_err": np.full(N, factor * 1e-3)}
        )
        np.testing.assert_allclose(found.flux, FLUX, atol=1e-9)
        np.testing.assert_allclose(found.error, 1e-3)


def test_magnitudes_and_what_may_be() -> None:
    mags = 12.3 - 2.5 * np.log10(FLUX)
    assert of(time=TIME, mag=mags).unit == "magnitudes"
    np.testing.assert_allclose(of(time=TIME, flux=(1e3 * mags, "mmag")).flux, mags)
    assert of(time=TIME, dmag=mags - 12.3).unit == "magnitudes"
    named = of(time=TIME, flux=mags)
    assert named.unit == "flux"
    assert any("--flux-unit magnitudes" in text for text in named.notes)
    with pytest.raises(
        InputError, match=r"may be in magnitudes or counts.*--flux-unit magnitudes or --flux-unit counts"
    ):
        of(named=False, time=TIME, flux=mags)
    assert of(Stated(flux_unit="magnitudes"), named=False, time=TIME, flux=mags).unit == "magnitudes"
    assert of(Stated(flux_unit="counts"), named=False, time=TIME, flux=mags).unit == "flux"


@pytest.mark.parametrize(
    ("name", "unit", "header", "shift", "clock", "days"),
    [
        ("BJD_TDB", "", {}, 2457000, "BJD", 2457000),
        ("TMID_BJD", "", {}, 2457000, "BJD", 2457000),
        ("BTJD", "", {}, 0, "BTJD", 0),
        ("BJD - 2457000", "", {}, 0, "BTJD", 0),
        ("time", "BJD - 2454833, days", {}, 0, "BKJD", 0),
        ("Time (BKJD days)", "", {}, 0, "BKJD", 0),
        ("BJD-2400000", "", {}, 57000, "BJD", 2457000),
        ("HJD", "", {}, 2457000, "HJD", 2457000),
        ("HJD", "", {}, 7000 - 0, "HJD", 2457000),
        ("MJD", "", {}, 56999.5, "MJD", 56999.5),
        ("JD", "", {}, 2457000, "JD", 2457000),
        ("time", "", {"BJDREFI": 2457000, "BJDREFF": 0.0}, 0, "BTJD", 0),
        ("time", "", {"BJDREFI": 2457000, "BJDREFF": 0.25}, 0, "BTJD", 0.25),
        ("time", "", {"BJDREFI": 2450000, "BJDREFF": 0.5}, 6999.5, "BJD", 2457000),
        ("time", "", {"MJDREFI": 56999, "MJDREFF": 0.5}, 0, "MJD", 56999.5),
        ("time", "", {"JDREF": 2457000}, 0, "JD", 2457000),
        ("time", "", {}, 0, "file", 0),
    ],
)
def test_clocks(name: str, unit: str, header: dict, shift: float, clock: str, days: float) -> None:
    found = of(header=header, **{name.replace(" ", "__"): (TIME + shift, unit)}, flux=FLUX)
    assert found.clock == clock
    np.testing.assert_allclose(found.time, TIME + days, atol=1e-6)


def test_nothing_is_a_missions_time_that_cannot_be() -> None:
    found = of(mission="TESS", time=TIME - 1400, flux=FLUX)
    assert found.clock == "file"
    assert any("cannot be BTJD" in text and "--clock" in text for text in found.notes)
    assert of(mission="TESS", time=TIME, flux=FLUX).clock == "BTJD"
    assert of(Stated(clock="BTJD"), time=TIME, flux=FLUX).clock == "BTJD"


@pytest.mark.parametrize(("unit", "per_day"), [("hours", 24), ("minutes", 1440), ("s", 86400), ("seconds", 86400)])
def test_units_of_time(unit: str, per_day: float) -> None:
    found = of(time=((TIME - 1400) * per_day, unit), flux=FLUX)
    np.testing.assert_allclose(found.time, TIME - 1400, atol=1e-9)
    assert any("converted to days" in text for text in found.notes)


def test_days_are_not_guessed() -> None:
    for per_day, words_of in ((24, "hours"), (1440, "minutes"), (86400, "seconds")):
        with pytest.raises(InputError, match=f"{words_of}.*--time-unit"):
            of(time=(TIME - 1400) * per_day, flux=FLUX)
        found = of(Stated(time_unit=words_of), time=(TIME - 1400) * per_day, flux=FLUX)
        np.testing.assert_allclose(found.time, TIME - 1400, atol=1e-9)
    with pytest.raises(InputError, match="days, hours, minutes or seconds"):
        of(time=(TIME, "yr"), flux=FLUX)
    # One night each: no regular step, and nothing else but days.
    nights = np.cumsum(np.random.default_rng(3).uniform(0.6, 4, N))
    np.testing.assert_array_equal(of(time=nights, flux=FLUX).time, nights)


def test_convert() -> None:
    assert clocks.convert(np.array([1354.0]), "BTJD", "BJD")[0] == 2458354
    assert clocks.convert(np.array([2458354.0]), "BJD", "BKJD")[0] == 3521
    with pytest.raises(InputError, match="'file' is unknown"):
        clocks.convert(np.array([1.0]), "file", "BJD")


@pytest.mark.parametrize("sentinel", [-99.0, 99.999, 29.999, -9999.0])
def test_sentinels(sentinel: float) -> None:
    flux = 12 + FLUX
    flux[[3, 50, 51]] = sentinel
    found = of(time=TIME, mag=flux)
    assert np.flatnonzero(~found.good).tolist() == [3, 50, 51]
    assert any("3 values of mag are sentinels" in text for text in found.notes)


def test_zeros_amid_positive_flux_are_no_measurements() -> None:
    flux = 900 * FLUX
    flux[[7, 8]] = 0
    found = of(time=TIME, flux=flux)
    assert np.flatnonzero(~found.good).tolist() == [7, 8]
    about_zero = NOISE.copy()
    about_zero[7] = 0
    assert of(time=TIME, flux=about_zero).good.all()
    # 99 among values around it is one of them.
    assert of(time=TIME, flux=np.round(100 + 5e3 * NOISE)).good.all()


def test_rows_without_a_time_are_dropped() -> None:
    time = TIME.copy()
    time[[4, 9]] = 0
    found = of(time=time, flux=FLUX)
    assert np.flatnonzero(np.isnan(found.time)).tolist() == [4, 9]
    assert "2 rows whose time is 0 or a sentinel were dropped" in found.notes
    assert not np.isnan(of(time=TIME - 1400, flux=FLUX).time).any()


@pytest.mark.parametrize(
    ("name", "header", "time", "bits", "kept"),
    [
        ("QUALITY", "TESS", TIME, 512, True),
        ("QUALITY", "TESS", TIME, 128, False),
        ("SAP_QUALITY", "Kepler", TIME, 128, True),
        ("SAP_QUALITY", "Kepler", TIME, 1 << 20, False),
        # A table without a mission: its date tells it.
        ("quality", "", TIME + 2457000, 512, True),
        ("quality", "", TIME + 2457000, 16, False),
        ("quality", "", TIME + 2454833, 16, True),
        # Neither: what is bad in both.
        ("quality", "", TIME - 1400, 2048, True),
        ("quality", "", TIME - 1400, 8, False),
        # A pipeline's own flag is 0 where all is well.
        ("flag", "TESS", TIME, 512, False),
    ],
)
def test_the_missions_bits_mean_the_same_in_every_file(
    name: str, header: str, time: np.ndarray, bits: int, kept: bool
) -> None:
    flags = np.zeros(N, int)
    flags[100:106] = bits
    found = of(
        mission=header, **{"time" if header else "BJD" if time[0] > 2e6 else "time": time, "flux": FLUX, name: flags}
    )
    assert found.good[100:106].all() == kept
    assert found.good[:100].all()


def test_letters_and_flags_that_are_up_where_all_is_well() -> None:
    letters = np.full(N, "G")
    letters[5] = "B"
    assert np.flatnonzero(~of(time=TIME, flux=FLUX, quality=letters).good).tolist() == [5]
    found = of(time=TIME, flux=FLUX, flag=np.ones(N))
    assert found.good.all()
    assert any("not used as a flag" in text for text in found.notes)
    assert quality.MISSION_BAD["QLP 2"] & (1 << 30)


def test_one_band_at_a_time() -> None:
    bands = np.where(np.arange(N) % 5 == 0, "V", "g")
    found = of(time=TIME, flux=np.where(bands == "V", 80, 40) * FLUX, filter=bands)
    np.testing.assert_array_equal(found.good, bands == "g")
    assert any("filter has 2 bands; only g is used" in text for text in found.notes)


def test_unused_columns_are_never_numbers(tmp_path: Path) -> None:
    rows = [f'{t},V,cam {k},"a, ""b"" #c",{f}' for k, (t, f) in enumerate(zip(TIME, FLUX))]
    (tmp_path / "a.csv").write_text("\n".join(["time,filter,camera,comment,flux", *rows]))
    np.testing.assert_allclose(table.read(tmp_path / "a.csv").flux, FLUX / np.median(FLUX))


def test_a_table_of_several_stars_is_refused(tmp_path: Path) -> None:
    rows = [f"{5 + k % 3},{t},{f}" for k, (t, f) in enumerate(zip(TIME, FLUX))]
    (tmp_path / "a.csv").write_text("\n".join(["tic_id,time,flux", *rows]))
    with pytest.raises(InputError, match="tic_id names 3 stars: give one table per star"):
        table.read(tmp_path / "a.csv")
    rows = [f"5751990597042725632,{t},{f}" for t, f in zip(TIME, FLUX)]
    (tmp_path / "a.csv").write_text("\n".join(["source_id,time,flux", *rows]))
    read = table.read(tmp_path / "a.csv")
    assert (read.id, read.catalogue, read.named) == ("5751990597042725632", "Gaia", True)


def test_depths_of_all_the_light_are_flagged(tmp_path: Path) -> None:
    flux = FLUX.copy()
    flux[50:53] = -0.1
    (tmp_path / "a.csv").write_text("\n".join(["time,flux", *(f"{t},{f}" for t, f in zip(TIME, flux))]))
    assert any("3 measurements have a flux of zero or less" in text for text in table.read(tmp_path / "a.csv").warnings)
