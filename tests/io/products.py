"""Small files of many pipelines and observers, made from their public documentation: one star, one dip of one per cent.

Every maker writes a file of the same light curve: 400 cadences of 30 minutes from ``START`` on (BTJD or the file's own
clock), white noise of 200 ppm, and a dip of ``DEPTH`` for ten cadences from number 200 on. Where the product has a
column that must not be read (background, raw flux, errors), that column holds something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from small_fits import fits

N, DEPTH, STEP = 400, 0.01, 30 / 1440
BTJD, BKJD = 2457000.0, 2454833.0
DIP = slice(200, 210)
_RNG = np.random.default_rng(7)
NOISE = 2e-4 * _RNG.normal(size=N)
FLUX = 1 + NOISE
FLUX[DIP] -= DEPTH
TIME = 1400.0 + STEP * np.arange(N)
"""BTJD"""
KTIME = 500.0 + STEP * np.arange(N)
"""BKJD"""
RAW = 3000 * (1 + 0.05 * np.sin(np.arange(N) / 30))
SKY = 150 + 10 * np.cos(np.arange(N) / 15)
MAG = 12.5 - 2.5 * np.log10(FLUX)
GAIA = 5751990597042725632
"""a number of 19 digits, which is no TIC"""


@dataclass(frozen=True)
class Expected:
    """Star, clock and column that a product must be read as."""

    star: str
    catalogue: str
    clock: str
    flux: str
    """name of the column"""
    error: bool = False


def bintable(columns: dict[str, Any], units: dict[str, str] | None = None, name: str = "LIGHTCURVE", **own: Any) -> Any:
    forms = {"f4": "E", "f8": "D", "i2": "I", "i4": "J", "i8": "K"}
    made = []
    for key, values in columns.items():
        array = np.asarray(values)
        if array.dtype.kind in "US":
            form = f"{array.dtype.itemsize // (4 if array.dtype.kind == 'U' else 1)}A"
        else:
            form = f"{array.shape[1] if array.ndim > 1 else ''}{forms[array.dtype.str[1:]]}"
        made.append(fits.Column(key, form, array=array, unit=(units or {}).get(key)))
    table = fits.BinTableHDU.from_columns(made, name=name)
    table.header.update(own)
    return table


def save(path: Path, main: dict[str, Any], *parts: Any) -> Path:
    primary = fits.PrimaryHDU()
    primary.header.update(main)
    fits.HDUList([primary, *parts]).writeto(path, overwrite=True)
    return path


def f4(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)


def i4(value: int = 0) -> np.ndarray:
    return np.full(N, value, np.int32)


def kepler(home: Path) -> Path:
    columns = {
        "TIME": KTIME,
        "TIMECORR": f4(NOISE),
        "CADENCENO": i4(),
        "SAP_FLUX": f4(RAW),
        "SAP_FLUX_ERR": f4(RAW / 99),
    }
    columns |= {"SAP_BKG": f4(SKY), "SAP_BKG_ERR": f4(SKY), "PDCSAP_FLUX": f4(5e3 * FLUX), "PDCSAP_FLUX_ERR": f4(FLUX)}
    columns |= {"SAP_QUALITY": i4(), "PSF_CENTR1": KTIME, "MOM_CENTR1": KTIME, "MOM_CENTR2": KTIME}
    units = {"TIME": "BJD - 2454833", "PDCSAP_FLUX": "e-/s", "SAP_FLUX": "e-/s"}
    own = {"BJDREFI": 2454833, "BJDREFF": 0.0, "TIMEUNIT": "d"}
    main = {"TELESCOP": "Kepler", "KEPLERID": 11442793, "OBJECT": "KIC 11442793", "MISSION": "Kepler"}
    return save(home / "kplr011442793-2009350155506_llc.fits", main, bintable(columns, units, **own))


def k2(home: Path) -> Path:
    path = kepler(home)
    with fits.open(path, mode="update") as parts:
        parts[0].header.update({"MISSION": "K2", "KEPLERID": 201367065, "OBJECT": "EPIC 201367065", "CAMPAIGN": 1})
    return path.rename(home / "ktwo201367065-c01_llc.fits")


def _spoc(home: Path, name: str, seconds: float) -> Path:
    time = 1400.0 + seconds / 86400 * np.arange(N)
    columns = {"TIME": time, "TIMECORR": f4(NOISE), "CADENCENO": i4(), "SAP_FLUX": f4(RAW), "SAP_FLUX_ERR": f4(RAW)}
    columns |= {"SAP_BKG": f4(SKY), "PDCSAP_FLUX": f4(900 * FLUX), "PDCSAP_FLUX_ERR": f4(FLUX), "QUALITY": i4()}
    columns |= {"POS_CORR1": f4(NOISE), "MOM_CENTR1": time, "MOM_CENTR2": time}
    units = {"TIME": "BJD - 2457000, days", "PDCSAP_FLUX": "e-/s"}
    main = {"TELESCOP": "TESS", "TICID": 100100827, "OBJECT": "TIC 100100827", "SECTOR": 2}
    own = {"BJDREFI": 2457000, "BJDREFF": 0.0, "TIMEUNIT": "d", "TIMESYS": "TDB"}
    return save(home / name, main, bintable(columns, units, **own))


def spoc(home: Path) -> Path:
    return _spoc(home, "tess2018234235059-s0002-0000000100100827-0121-s_lc.fits", 120)


def spoc_fast(home: Path) -> Path:
    return _spoc(home, "tess2020186164531-s0027-0000000100100827-0189-a_fast-lc.fits", 20)


def spoc_ffi(home: Path) -> Path:
    return _spoc(home, "hlsp_tess-spoc_tess_phot_0000000100100827-s0002_tess_v1_lc.fits", 1800)


def tess_dv(home: Path) -> Path:
    columns = {"TIME": TIME, "TIMECORR": f4(NOISE), "CADENCENO": i4(), "PHASE": f4(NOISE), "LC_INIT": f4(FLUX - 1)}
    columns |= {
        "LC_INIT_ERR": f4(0 * NOISE + 2e-4),
        "LC_WHITE": f4(NOISE),
        "LC_DETREND": f4(NOISE),
        "MODEL_INIT": f4(NOISE),
    }
    main = {"TELESCOP": "TESS", "TICID": 100100827, "OBJECT": "TIC 100100827"}
    table = bintable(
        columns, {"TIME": "BTJD, days", "LC_INIT": "dimensionless"}, "TCE_1", BJDREFI=2457000, TPERIOD=0.94
    )
    return save(home / "tess2018206190142-s0001-s0003-0000000100100827-00129_dvt.fits", main, table)


def qlp_old(home: Path) -> Path:
    columns = {"TIME": TIME, "CADENCENO": i4(), "SAP_FLUX": f4(RAW / 3000), "KSPSAP_FLUX": f4(FLUX), "QUALITY": i4()}
    columns |= {"ORBITID": i4(9), "SAP_X": f4(NOISE), "SAP_Y": f4(NOISE), "SAP_BKG": f4(SKY), "SAP_BKG_ERR": f4(SKY)}
    columns |= {"KSPSAP_FLUX_ERR": f4(0 * NOISE + 2e-4), "KSPSAP_FLUX_SML": f4(NOISE), "KSPSAP_FLUX_LAG": f4(NOISE)}
    main = {"TELESCOP": "TESS", "ORIGIN": "MIT/QLP", "TICID": 100100827, "SECTOR": 2, "OBJECT": "TIC 100100827"}
    table = bintable(columns, {"TIME": "BJD - 2457000, days"}, BJDREFI=2457000)
    return save(home / "hlsp_qlp_tess_ffi_s0002-0000000100100827_tess_v01_llc.fits", main, table)


def qlp_new(home: Path) -> Path:
    columns = {
        "TIME": TIME,
        "CADENCENO": i4(),
        "SAP_FLUX": f4(RAW / 3000),
        "DET_FLUX": f4(1 + NOISE),
        "DET_FLUX_ERR": f4(NOISE),
    }
    columns |= {
        "QUALITY": i4(),
        "ORBITID": i4(9),
        "SAP_BKG": f4(SKY),
        "SYS_RM_FLUX": f4(FLUX),
        "DET_FLUX_SML": f4(NOISE),
    }
    main = {"TELESCOP": "TESS", "ORIGIN": "MIT/QLP", "TICID": 100100827, "SECTOR": 60, "OBJECT": "TIC 100100827"}
    table = bintable(columns, {"TIME": "BJD - 2457000, days"}, BJDREFI=2457000)
    return save(home / "hlsp_qlp_tess_ffi_s0060-0000000100100827_tess_v01_llc.fits", main, table)


def tglc(home: Path) -> Path:
    columns = {
        "time": TIME,
        "psf_flux": f4(RAW),
        "aperture_flux": f4(RAW),
        "cal_psf_flux": f4(FLUX),
        "cal_aper_flux": f4(NOISE + 1),
    }
    columns |= {"background": f4(SKY), "cadence_num": i4(), "TESS_flags": i4(), "TGLC_flags": i4()}
    main = {
        "TELESCOP": "TESS",
        "ORIGIN": "UCSB/TGLC",
        "GAIADR3": str(GAIA),
        "TICID": "100100827",
        "OBJECT": "Gaia DR3 5",
    }
    return save(
        home / f"hlsp_tglc_tess_ffi_gaiaid-{GAIA}-s0008-cam1-ccd2_tess_v1_llc.fits", main, bintable(columns, None)
    )


def eleanor(home: Path) -> Path:
    columns = {
        "TIME": TIME,
        "BARYCORR": NOISE,
        "QUALITY": i4(),
        "RAW_FLUX": f4(RAW),
        "CORR_FLUX": f4(900 * FLUX),
        "PCA_FLUX": f4(RAW),
    }
    columns |= {"FLUX_ERR": f4(0.2 + NOISE), "X_CENTROID": f4(NOISE), "Y_CENTROID": f4(NOISE), "FLUX_BKG": f4(SKY)}
    main = {"TIC_ID": 100100827, "SECTOR": 2, "TELESCOP": "TESS", "PCORIGIN": 1}
    return save(home / "hlsp_eleanor_tess_ffi_tic100100827_s02_tess_v2.0.5_lc.fits", main, bintable(columns))


def eleanor_lite(home: Path) -> Path:
    path = eleanor(home)
    with fits.open(path, mode="update") as parts:
        parts[0].header.update({"LITE": True, "TVERSION": "2"})
    return path.rename(home / "hlsp_gsfc-eleanor-lite_tess_ffi_s0002-0000000100100827_tess_v1.0_lc.fits")


def cdips(home: Path) -> Path:
    quality = np.full(N, "G")
    quality[3] = "X"
    columns = {
        "TMID_UTC": TIME + BTJD - 0.0008,
        "TMID_BJD": TIME + BTJD,
        "BGV": f4(SKY),
        "BGE": f4(SKY),
        "FDV": f4(NOISE),
    }
    columns |= {
        "IFL1": f4(RAW),
        "IFE1": f4(SKY),
        "IRM1": f4(12 + RAW / 3e4),
        "IRE1": f4(0 * NOISE + 2e-4),
        "IRQ1": quality,
    }
    columns |= {"TFA1": MAG, "PCA1": MAG + NOISE, "CCDTEMP": f4(NOISE)}
    main = {"TELESCOP": "TESS", "ORIGIN": "CDIPS", "GAIA-ID": str(GAIA), "TICID": "100100827", "SECTOR": 6}
    name = f"hlsp_cdips_tess_ffi_gaiatwo{GAIA:022d}-0006-cam1-ccd2_tess_v01_llc.fits"
    return save(home / name, main, bintable(columns, {"TFA1": "mag", "IRM1": "mag"}))


def tasoc(home: Path) -> Path:
    columns = {"TIME": TIME, "TIMECORR": f4(NOISE), "CADENCENO": i4(), "FLUX_RAW": f4(RAW), "FLUX_RAW_ERR": f4(SKY)}
    columns |= {"FLUX_BKG": f4(SKY), "FLUX_CORR": 1e6 * (FLUX - 1), "FLUX_CORR_ERR": 1e6 * (2e-4 + 0 * NOISE)}
    columns |= {"QUALITY": i4(), "PIXEL_QUALITY": i4(4), "MOM_CENTR1": TIME, "MOM_CENTR2": TIME}
    main = {"TELESCOP": "TESS", "ORIGIN": "TASOC/Aarhus", "TICID": 100100827, "SECTOR": 1}
    table = bintable(columns, {"TIME": "BJD - 2457000, days", "FLUX_CORR": "ppm", "FLUX_RAW": "e-/s"}, BJDREFI=2457000)
    return save(home / "hlsp_tasoc_tess_ffi_tic00100100827-s01-cam4-ccd4-c1800_tess_v05_cbv-lc.fits", main, table)


def pathos(home: Path) -> Path:
    columns: dict[str, Any] = {"TIME": TIME, "PSF_FLUX_RAW": f4(RAW), "PSF_FLUX_COR": f4(900 * FLUX)}
    for k in range(1, 5):
        columns |= {f"AP{k}_FLUX_RAW": f4(RAW), f"AP{k}_FLUX_COR": f4(900 * (1 + NOISE))}
    columns |= {"SKY_LOCAL": f4(SKY), "FLAG": i4(), "DQUALITY": i4()}
    main = {"TELESCOP": "TESS", "TICID": "TIC 100100827", "SECTOR": 6}
    return save(home / "hlsp_pathos_tess_lightcurve_tic-0100100827-s0006_tess_v1_llc.fits", main, bintable(columns))


def k2sff(home: Path) -> Path:
    best = {
        "T": KTIME + 1600,
        "FRAW": f4(RAW),
        "FCOR": f4(FLUX),
        "ARCLENGTH": f4(NOISE),
        "MOVING": i4(),
        "CADENCENO": i4(),
    }
    best["MOVING"][4] = 1
    other = {**best, "FCOR": f4(1 + NOISE)}
    main = {"TELESCOP": "Kepler", "MISSION": "K2", "KEPLERID": 201367065, "OBJECT": "EPIC 201367065"}
    parts = [bintable(best, {"T": "BJD - 2454833"}, "BESTAPER"), bintable(other, {"T": "BJD - 2454833"}, "CIRC_APER0")]
    return save(home / "hlsp_k2sff_k2_lightcurve_201367065-c01_kepler_v1_llc.fits", main, *parts)


def everest(home: Path) -> Path:
    columns = {
        "CADN": i4(),
        "FLUX": f4(900 * FLUX),
        "FRAW": f4(RAW),
        "FRAW_ERR": f4(FLUX),
        "QUALITY": i4(),
        "TIME": KTIME + 1600,
    }
    columns |= {"BKG": f4(SKY), "CBV01": f4(NOISE)}
    main = {"TELESCOP": "Kepler", "MISSION": "K2", "KEPLERID": 201367065, "COMMENT": "EVEREST"}
    table = bintable(columns, {"TIME": "BJD - 2454833", "FLUX": "e-/s"}, BJDREFI=2454833)
    return save(home / "hlsp_everest_k2_llc_201367065-c01_kepler_v2.0_lc.fits", main, table)


def k2sc(home: Path) -> Path:
    columns = {
        "time": KTIME + 1600,
        "cadence": i4(),
        "quality": i4(),
        "x": NOISE,
        "y": NOISE,
        "flux": 900 * FLUX,
        "error": 0.2 + NOISE,
    }
    columns |= {"mflags": i4(), "trtime": SKY, "trposi": SKY}
    main = {"TELESCOP": "Kepler", "MISSION": "K2", "KEPLERID": 201367065, "CREATOR": "k2sc"}
    return save(home / "hlsp_k2sc_k2_llc_201367065-c01_kepler_v2_lc.fits", main, bintable(columns, name="PDCMAP"))


def kepseismic(home: Path) -> Path:
    columns = {"TIME": KTIME, "FLUX": 1e6 * (FLUX - 1)}
    main = {"TELESCOP": "Kepler", "ORIGIN": "CEA & SSI", "KEPLERID": 1027110, "OBJECT": "KIC 1027110"}
    return save(
        home / "hlsp_kepseismic_kepler_phot_kplr001027110-80d_kepler_v1_cor-filt-inp.fits", main, bintable(columns)
    )


def superwasp(home: Path) -> Path:
    since = (TIME + BTJD - 2453005.5) * 86400
    columns = {
        "TMID": since.astype(np.int32),
        "FLUX2": f4(RAW),
        "FLUX2_ERR": f4(SKY),
        "TAMFLUX2": f4(90 * FLUX),
        "TAMFLUX2_ERR": f4(0.02 * FLUX),
    }
    columns |= {"IMAGEID": np.arange(N), "CCDX": f4(NOISE), "FLAG": i4()}
    main = {"OBJNAME": "1SWASP J1", "JD_REF": 2453005.5}
    return save(home / "1SWASPJ1.fits", main, bintable(columns, {"TMID": "s", "TAMFLUX2": "micro-vega"}, "PHOTOMETRY"))


def cheops(home: Path) -> Path:
    columns = {
        "UTC_TIME": np.full(N, "2020-01-01T00:00:00"),
        "MJD_TIME": TIME + BTJD - 2400000.5,
        "BJD_TIME": TIME + BTJD,
    }
    columns |= {
        "FLUX": 1e6 * FLUX,
        "FLUXERR": 200 + 0 * NOISE,
        "STATUS": i4(),
        "EVENT": i4(),
        "DARK": SKY,
        "BACKGROUND": SKY,
    }
    columns |= {"CONTA_LC": SKY, "CENTROID_X": NOISE}
    units = {"FLUX": "electrons", "BJD_TIME": "day", "MJD_TIME": "day"}
    main = {"TELESCOP": "CHEOPS", "TARGNAME": "WASP-18"}
    return save(
        home / "CH_PR110047_TG000401_SCI_COR_Lightcurve-DEFAULT_V0300.fits",
        main,
        bintable(columns, units, "SCI_COR_Lightcurve"),
    )


def diamante(home: Path) -> Path:
    columns = {
        "BTJD": TIME,
        "LC0_AP1": f4(RAW),
        "ELC0_AP1": f4(SKY),
        "LC1_AP1": f4(900 * FLUX),
        "ELC1_AP1": f4(FLUX),
        "FLAG_AP1": i4(),
    }
    main = {"TELESCOP": "TESS", "TICID": 100100827}
    return save(home / "hlsp_diamante_tess_lightcurve_tic-0000000100100827_tess_v1_llc.fits", main, bintable(columns))


def astropy_time(home: Path) -> Path:
    """Write Astropy's own table: a ``Time`` is a column of two doubles."""
    from astropy.table import Table
    from astropy.time import Time

    table = Table({"time": Time(TIME + BTJD, format="jd", scale="tdb"), "flux": FLUX, "flux_err": 2e-4 + 0 * NOISE})
    table.meta["TICID"] = 100100827
    table.write(home / "table.fits")
    return home / "table.fits"


def lightkurve_fits(home: Path) -> Path:
    columns = {"TIME": TIME, "FLUX": 900 * FLUX, "FLUX_ERR": 0.2 + NOISE, "QUALITY": i4(), "CENTROID_COL": NOISE}
    main = {
        "TELESCOP": "TESS",
        "TARGETID": 100100827,
        "OBJECT": "TIC 100100827",
        "CREATOR": "lightkurve.LightCurve.to_fits()",
    }
    return save(home / "mine.fits", main, bintable(columns, {"TIME": "BTJD", "FLUX": "electron / s"}))


FITS: dict[str, tuple[Callable[[Path], Path], Expected]] = {
    "Kepler": (kepler, Expected("11442793", "KIC", "BKJD", "PDCSAP_FLUX", True)),
    "K2": (k2, Expected("201367065", "EPIC", "BKJD", "PDCSAP_FLUX", True)),
    "TESS 120 s": (spoc, Expected("100100827", "TIC", "BTJD", "PDCSAP_FLUX", True)),
    "TESS 20 s": (spoc_fast, Expected("100100827", "TIC", "BTJD", "PDCSAP_FLUX", True)),
    "TESS-SPOC": (spoc_ffi, Expected("100100827", "TIC", "BTJD", "PDCSAP_FLUX", True)),
    "TESS DV": (tess_dv, Expected("100100827", "TIC", "BTJD", "LC_INIT", True)),
    "QLP old": (qlp_old, Expected("100100827", "TIC", "BTJD", "KSPSAP_FLUX", True)),
    "QLP new": (qlp_new, Expected("100100827", "TIC", "BTJD", "SYS_RM_FLUX")),
    "TGLC": (tglc, Expected("100100827", "TIC", "BTJD", "cal_psf_flux")),
    "eleanor": (eleanor, Expected("100100827", "TIC", "BTJD", "CORR_FLUX", True)),
    "eleanor-lite": (eleanor_lite, Expected("100100827", "TIC", "BTJD", "CORR_FLUX", True)),
    "CDIPS": (cdips, Expected("100100827", "TIC", "BJD", "TFA1")),
    "TASOC": (tasoc, Expected("100100827", "TIC", "BTJD", "FLUX_CORR", True)),
    "PATHOS": (pathos, Expected("100100827", "TIC", "BTJD", "PSF_FLUX_COR")),
    "K2SFF": (k2sff, Expected("201367065", "EPIC", "BKJD", "FCOR")),
    "EVEREST": (everest, Expected("201367065", "EPIC", "BKJD", "FLUX")),
    "K2SC": (k2sc, Expected("201367065", "EPIC", "BKJD", "flux", True)),
    "KEPSEISMIC": (kepseismic, Expected("1027110", "KIC", "BKJD", "FLUX")),
    "SuperWASP": (superwasp, Expected("1SWASPJ1", "", "JD", "TAMFLUX2", True)),
    "CHEOPS": (cheops, Expected("CH_PR110047_TG000401_SCI_COR_Lightcurve-DEFAULT_V0300", "", "BJD", "FLUX", True)),
    "DIAMANTE": (diamante, Expected("100100827", "TIC", "BTJD", "LC1_AP1")),
    "astropy": (astropy_time, Expected("100100827", "TIC", "BJD", "flux", True)),
    "lightkurve": (lightkurve_fits, Expected("100100827", "TIC", "BTJD", "FLUX", True)),
}
