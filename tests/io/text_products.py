"""Text tables of many origins, made from their documentation, of the light curve of ``products``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from products import BTJD, FLUX, KTIME, MAG, NOISE, RAW, SKY, STEP, TIME, Expected, N

ERROR = 2e-4 + 1e-6 * np.abs(NOISE)
JD = TIME + BTJD


def lines(*columns: Sequence[object], mark: str = ",", form: str = "{!r}") -> list[str]:
    return [
        mark.join(one if isinstance(one, str) else form.format(one) for one in row)
        for row in zip(*map(_plain, columns))
    ]


def _plain(column: Sequence[object]) -> list[object]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def put(home: Path, name: str, rows: list[str], end: str = "\n", encoding: str = "utf-8") -> Path:
    path = home / name
    path.write_bytes((end.join(rows) + end).encode(encoding))
    return path


def unit_row(home: Path) -> Path:
    return put(home, "TIC 100100827.csv", ["time,flux,flux_err", "d,e-/s,e-/s", *lines(TIME, 900 * FLUX, 900 * ERROR)])


def background_first(home: Path) -> Path:
    return put(home, "a.csv", ["time,bkg_flux,raw_flux,detrended_flux", *lines(TIME, SKY, RAW, FLUX)])


def errors_first(home: Path) -> Path:
    return put(
        home, "a.csv", ["time,flux_unc,e_flux,flux_corr,camera", *lines(TIME, ERROR, ERROR, FLUX, ["cam 1"] * N)]
    )


def vizier(home: Path) -> Path:
    head = [
        "#",
        "#   VizieR Astronomical Server",
        "#Name: J/A+A/1/2",
        "#Title: a star",
        "",
        "BJD\tFlux\te_Flux\tq_Flux",
        "d\tct/s\tct/s\t ",
    ]
    return put(
        home,
        "a.tsv",
        [*head, "-------------\t-------\t----\t-", *lines(JD, 900 * FLUX, 900 * ERROR, ["A"] * N, mark="\t")],
    )


def ecsv(home: Path) -> Path:
    head = ["# %ECSV 1.0", "# ---", "# datatype:", "# - {name: time, unit: d, datatype: float64}"]
    head += [
        "# - {name: sap_bkg, datatype: float64}",
        "# - {name: flux, unit: ppt, datatype: float64}",
        "# meta: !!omap",
    ]
    head += ["# - {TICID: 100100827}", "# - {TELESCOP: TESS}", "# schema: astropy-2.0", "time sap_bkg flux"]
    return put(home, "a.ecsv", [*head, *lines(TIME, SKY, 1e3 * (FLUX - 1), mark=" ")])


def ecsv_time(home: Path) -> Path:
    head = [
        "# %ECSV 1.0",
        "# ---",
        "# delimiter: ','",
        "# datatype:",
        "# - {name: time.jd1, unit: d, datatype: float64}",
    ]
    head += [
        "# - {name: time.jd2, unit: d, datatype: float64}",
        "# - {name: flux, datatype: float64}",
        "time.jd1,time.jd2,flux",
    ]
    return put(home, "a.ecsv", [*head, *lines(np.floor(JD), JD - np.floor(JD), FLUX)])


def ipac(home: Path) -> Path:
    names, kinds = "|        BJD_TDB|    rel_flux| rel_flux_err|", "|         double|      double|       double|"
    rows = [f" {t:15.7f} {f:12.8f} {e:13.9f} " for t, f, e in zip(JD, FLUX, ERROR)]
    rows[5] = f" {JD[5]:15.7f} {'null':>12} {'null':>13} "
    return put(
        home,
        "a.tbl",
        [
            "\\fixlen = T",
            "\\STAR = 'x'",
            names,
            kinds,
            "|              d|            |             |",
            "|           null|        null|         null|",
            *rows,
        ],
    )


def astroimagej(home: Path) -> Path:
    names = [" ", "Label", "J.D.-2400000", "JD_UTC", "HJD_UTC", "BJD_TDB", "AIRMASS", "Sky/Pixel_T1", "Source-Sky_T1"]
    names += ["rel_flux_T1", "rel_flux_err_T1", "rel_flux_SNR_T1", "rel_flux_C2", "Saturated"]
    columns = [
        np.arange(1, N + 1),
        [f"img_{k}.fits" for k in range(N)],
        JD - 2400000,
        JD - 8e-4,
        JD - 1e-5,
        JD,
        SKY / 99,
    ]
    columns += [SKY, RAW, 0.3 * FLUX, 0.3 * ERROR, SKY, 1 + NOISE, np.zeros(N)]
    return put(home, "Measurements.xls", ["\t".join(names), *lines(*columns, mark="\t")])


def exotic(home: Path) -> Path:
    head = ["# FINAL TIMESERIES OF WASP-18", "# BJD_TDB,Orbital Phase,Flux,Uncertainty,Model,Airmass"]
    return put(
        home,
        "FinalLightCurve_WASP-18b.csv",
        [*head, *lines(JD, NOISE, FLUX, ERROR, 1 + 0 * NOISE, SKY / 99, form="{:.9f}")],
    )


def aavso_exoplanet(home: Path) -> Path:
    head = [
        "#TYPE=EXOPLANET",
        "#OBSCODE=XYZ",
        "#DELIM=,",
        "#DATE_TYPE=BJD_TDB",
        "#STAR_NAME=WASP-18",
        "#MEASUREMENT_TYPE=Rnflux",
    ]
    return put(
        home, "AAVSO_WASP-18b.txt", [*head, "#DATE,DIFF,ERR,DETREND_1,DETREND_2", *lines(JD, FLUX, ERROR, SKY, SKY)]
    )


def aavso_extended(home: Path) -> Path:
    head = ["#TYPE=Extended", "#OBSCODE=XYZ", "#DELIM=,", "#DATE=HJD", "#OBSTYPE=CCD"]
    names = "#NAME,DATE,MAG,MERR,FILT,TRANS,MTYPE,CNAME,CMAG,KNAME,KMAG,AMASS,GROUP,CHART,NOTES"
    text = [[one] * N for one in ("WASP-18", "V", "NO", "STD", "ENSEMBLE", "na", "C2", "13.1", "1.2", "na", "x", "a|b")]
    mags = [f"{one:.5f}" for one in MAG]
    mags[7] = "<14.5"
    return put(home, "aavso.txt", [*head, names, *lines(text[0], JD, mags, ERROR, *text[1:])])


def asas_sn(home: Path) -> Path:
    names = "HJD,UT Date,Camera,FWHM,Limit,mag,mag_err,flux(mJy),flux_err,Filter"
    filters = np.where(np.arange(N) % 20 == 0, "V", "g")
    flux = np.where(filters == "V", 80, 40) * FLUX
    mag, error = [f"{one:.3f}" for one in MAG], [f"{one:.3f}" for one in 0.02 + NOISE]
    mag[9], error[9] = ">16.5", "99.99"
    columns = [JD, ["2019-01-01.123"] * N, ["bb"] * N, SKY, SKY, mag, error, flux, 40 * ERROR, filters]
    return put(home, "light_curve.csv", [names, *lines(*columns)])


def asas_sn_2(home: Path) -> Path:
    quality = ["B" if k == 4 else "G" for k in range(N)]
    columns = [JD, 40 * FLUX, 40 * ERROR, MAG, ERROR, SKY, SKY, ["g"] * N, quality, ["bc"] * N]
    head = [
        "# ASAS-SN Sky Patrol",
        "# asas_sn_id: 661430888183",
        "JD,Flux,Flux Error,Mag,Mag Error,Limit,FWHM,Filter,Quality,Camera",
    ]
    return put(home, "661430888183.csv", [*head, *lines(*columns)])


def decimal_comma(home: Path) -> Path:
    rows = [f"{t:.7f};{f:.8f}".replace(".", ",") for t, f in zip(TIME, FLUX)]
    return put(home, "TIC 100100827.csv", ["time;flux", *rows])


def quoted(home: Path) -> Path:
    rows = [f'"{t!r}","{f!r}","a, ""b"""' for t, f in zip(TIME.tolist(), FLUX.tolist())]
    return put(home, "TIC 100100827.csv", ['"time","flux","comment"', *rows])


def masked(home: Path) -> Path:
    rows = lines(TIME, FLUX)
    rows[3] = f"{TIME[3]},--"
    return put(home, "TIC 100100827.csv", ["time,flux", *rows])


def carriage_returns(home: Path) -> Path:
    return put(home, "TIC 100100827.csv", ["time,flux", *lines(TIME, FLUX)], end="\r")


def byte_order_mark(home: Path) -> Path:
    return put(home, "TIC 100100827.csv", ["time,flux", *lines(TIME, FLUX)], encoding="utf-8-sig")


def utf_16(home: Path) -> Path:
    return put(home, "TIC 100100827.csv", ["time,flux", *lines(TIME, FLUX)], end="\r\n", encoding="utf-16")


def fortran(home: Path) -> Path:
    rows = [f" {t:.10E}  {f:.8E}".replace("E", "D") for t, f in zip(TIME, FLUX)]
    return put(home, "TIC 100100827.dat", ["# time flux", *rows])


def asas_3(home: Path) -> Path:
    head = ["#ndata= 400", "#dataset= 1 ; 1 F1", "#     HJD      MAG_0 MAG_1 MER_0 MER_1 GRADE FRAME"]
    grade = ["D" if k == 4 else "A" for k in range(N)]
    mags = [f"{one:.3f}" for one in MAG]
    mags[8] = "99.999"
    hjd = [f"{one:.5f}" for one in JD - 2450000]
    return put(
        home, "000006+2553.2.asc", [*head, *lines(hjd, mags, MAG + SKY, ERROR, ERROR, grade, np.arange(N), mark="  ")]
    )


def kelt(home: Path) -> Path:
    return put(home, "KELT_N02.lc", ["# BJD_TDB mag mag_err", *lines(JD, MAG, ERROR, mark=" ")])


def lightkurve_csv(home: Path) -> Path:
    names = "time,flux,flux_err,timecorr,centroid_col,centroid_row,cadenceno,sap_flux,sap_bkg,quality"
    columns = [TIME, 900 * FLUX, 900 * ERROR, NOISE, NOISE, NOISE, np.arange(N), RAW, SKY, np.zeros(N, int)]
    return put(home, "TIC 100100827.csv", [names, *lines(*columns)])


def bjd_minus(home: Path) -> Path:
    return put(home, "TIC 100100827.txt", ["BJD - 2457000  flux".replace("  ", ","), *lines(TIME, FLUX)])


def bkjd_days(home: Path) -> Path:
    return put(home, "star.csv", ["Time (BKJD days),Flux (ppm)", *lines(KTIME, 1e6 * (FLUX - 1))])


def hours(home: Path) -> Path:
    return put(home, "star.csv", ["time [hours],flux", *lines(24 * STEP * np.arange(N), FLUX)])


def percent(home: Path) -> Path:
    return put(home, "star.csv", ["mjd,flux (%)", *lines(JD - 2400000.5, 100 * FLUX)])


def differential(home: Path) -> Path:
    return put(home, "star.csv", ["HJD,dmag,err", *lines(JD, MAG - 12.5, ERROR)])


def iso_dates(home: Path) -> Path:
    moments = np.datetime64("2019-09-09T00:00:00", "ms") + (STEP * 86400e3 * np.arange(N)).astype("timedelta64[ms]")
    return put(home, "star.csv", ["date,flux", *lines([str(one) for one in moments], FLUX)])


TIC = ("100100827", "TIC", "BTJD")
TEXT: dict[str, tuple[Callable[[Path], Path], Expected]] = {
    "CSV with a row of units": (unit_row, Expected(*TIC, "flux", True)),
    "background, raw, detrended": (background_first, Expected("a", "", "file", "detrended_flux")),
    "errors before the flux": (errors_first, Expected("a", "", "file", "flux_corr", True)),
    "VizieR": (vizier, Expected("a", "", "BJD", "Flux", True)),
    "ECSV": (ecsv, Expected(*TIC, "flux")),
    "ECSV with a Time": (ecsv_time, Expected("a", "", "JD", "flux")),
    "IPAC": (ipac, Expected("a", "", "BJD", "rel_flux", True)),
    "AstroImageJ": (astroimagej, Expected("Measurements", "", "BJD", "rel_flux_T1", True)),
    "EXOTIC": (exotic, Expected("FinalLightCurve_WASP-18b", "", "BJD", "Flux", True)),
    "AAVSO exoplanet": (aavso_exoplanet, Expected("AAVSO_WASP-18b", "", "BJD", "DIFF", True)),
    "AAVSO extended": (aavso_extended, Expected("WASP-18", "", "HJD", "MAG", True)),
    "ASAS-SN": (asas_sn, Expected("light_curve", "", "HJD", "flux(mJy)", True)),
    "ASAS-SN 2": (asas_sn_2, Expected("661430888183", "", "JD", "Flux", True)),
    "decimal comma": (decimal_comma, Expected(*TIC, "flux")),
    "quoted cells": (quoted, Expected(*TIC, "flux")),
    "masked cells": (masked, Expected(*TIC, "flux")),
    "CR line ends": (carriage_returns, Expected(*TIC, "flux")),
    "byte order mark": (byte_order_mark, Expected(*TIC, "flux")),
    "UTF-16": (utf_16, Expected(*TIC, "flux")),
    "Fortran exponents": (fortran, Expected(*TIC, "flux")),
    "ASAS-3": (asas_3, Expected("000006+2553.2", "", "HJD", "MAG_0", True)),
    "KELT": (kelt, Expected("KELT_N02", "", "BJD", "mag", True)),
    "lightkurve": (lightkurve_csv, Expected(*TIC, "flux", True)),
    "BJD - 2457000": (bjd_minus, Expected(*TIC, "flux")),
    "BKJD days, ppm": (bkjd_days, Expected("star", "", "BKJD", "Flux (ppm)")),
    "hours": (hours, Expected("star", "", "file", "flux")),
    "percent": (percent, Expected("star", "", "MJD", "flux (%)")),
    "differential magnitudes": (differential, Expected("star", "", "HJD", "dmag", True)),
    "ISO dates": (iso_dates, Expected("star", "", "JD", "flux")),
}
