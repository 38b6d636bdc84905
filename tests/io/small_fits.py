"""Small files as the missions and their pipelines write them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

fits = pytest.importorskip("astropy.io.fits", reason="FITS files need astropy")

KEPLER = {"TELESCOP": "Kepler", "MISSION": "Kepler", "KEPLERID": 11442793, "OBJECT": "KIC 11442793", "QUARTER": 3}
TESS = {"TELESCOP": "TESS", "TICID": 100100827, "OBJECT": "TIC 100100827", "SECTOR": 2, "TESSMAG": 8.8}
LONG = 29.4244 / 1440


def curve(n: int = 400, *, start: float = 260.0, cadence: float = LONG, level: float = 5000.0, seed: int = 0) -> dict:
    """Make columns of a mission's light curve: no transit, NaN at the third cadence in flux, at the fifth in time."""
    rng = np.random.default_rng(seed)
    flux = (level * (1 + 1e-4 * rng.normal(size=n))).astype(np.float32)
    time = start + cadence * np.arange(n)
    flux[2], time[4] = np.nan, np.nan
    return {
        "TIME": time,
        "CADENCENO": np.arange(n, dtype=np.int32),
        "SAP_FLUX": (flux * 2).astype(np.float32),
        "PDCSAP_FLUX": flux,
        "SAP_QUALITY": np.zeros(n, np.int32),
        "MOM_CENTR1": 470 + 0.01 * rng.normal(size=n),
        "MOM_CENTR2": 480 + 0.01 * rng.normal(size=n),
    }


def write(
    path: Path,
    columns: dict,
    header: dict = KEPLER,
    *,
    units: dict | None = None,
    name: str = "LIGHTCURVE",
    **own: Any,
) -> Path:
    """Write a FITS file: a primary header, then a table ``name`` of ``columns`` in order; gzipped if named so."""
    forms = {"f4": "E", "f8": "D", "i2": "I", "i4": "J", "i8": "K"}
    made = []
    for key, values in columns.items():
        size = int(np.prod(values.shape[1:], dtype=int))
        dim = {"dim": f"({','.join(map(str, values.shape[:0:-1]))})"} if values.ndim > 1 else {}
        form = f"{size if size > 1 else ''}{forms[values.dtype.str[1:]]}"
        made.append(fits.Column(key, form, array=values, unit=(units or {}).get(key), **dim))
    primary = fits.PrimaryHDU()
    primary.header.update(header)
    table = fits.BinTableHDU.from_columns(made, name=name)
    table.header.update(own)
    fits.HDUList([primary, table]).writeto(path)
    return path
