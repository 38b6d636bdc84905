"""What a mission file's header tells: the star, its properties, the clock, and which quality flags are bad."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from exojax.io import identity

# Bits of the Kepler Archive Manual (KDMC-10008, table 2-3): attitude tweak, safe mode, coarse point, Earth point,
# desaturation, manual exclude, detector anomaly, no data, thruster firing.
KEPLER_BAD = 1 | 2 | 4 | 8 | 32 | 256 | 16384 | 65536 | 1048576
# Bits of the TESS Science Data Products Description (EXP-TESS-ARC-ICD-0014): attitude tweak, safe mode, coarse point,
# Earth point, Argabrightening, desaturation, manual exclude, bad calibration. "Impulsive outlier" (512, Kepler's 2048)
# is left out on purpose: deep, short transits carry it.
TESS_BAD = 1 | 2 | 4 | 8 | 16 | 32 | 128 | 16384
# QLP's own "low precision" (scattered light): bit 13 up to sector 55, bit 31 since.
_QLP_BAD = (1 << 12, 1 << 30)
_LOGG_SUN = 4.438
_CLOCKS = {2454833: "BKJD", 2457000: "BTJD"}


def star(header: Mapping[str, Any], path: Path) -> tuple[str, str, bool]:
    """Id, catalogue (``KIC``, ``EPIC``, ``TIC`` or empty), and whether the id names the star across files.

    It is the catalogue number of the header, else of the file's name, else ``OBJECT``, else the file's stem.
    """
    mission = _mission(header)
    catalogue = "TIC" if "TESS" in mission else "EPIC" if "K2" in mission else "KIC" if "KEPLER" in mission else ""
    for key, own in (("KEPLERID", catalogue), ("TICID", "TIC"), ("EPICID", "EPIC"), ("TARGETID", catalogue)):
        number = header.get(key)
        if isinstance(number, int | np.integer) and number > 0:
            return str(number), own, True
    if told := identity.of_name(path):
        return told[1], told[0], True
    name = header.get("OBJECT")
    if isinstance(name, str) and name.strip():
        spelled = identity.spelling(name)
        return spelled, catalogue if spelled.isdigit() else "", True
    return identity.stem(path), "", False


def about(header: Mapping[str, Any]) -> dict[str, float]:
    """``radius`` and ``mass`` (Sun's), ``teff`` (K) and ``mag``; NaN where not told. logg gives the mass."""
    radius, logg = _number(header, "RADIUS"), _number(header, "LOGG")
    mags = [_number(header, key) for key in ("KEPMAG", "TESSMAG")]
    return {
        "radius": radius,
        "mass": 10 ** (logg - _LOGG_SUN) * radius**2,
        "teff": _number(header, "TEFF"),
        "mag": next((mag for mag in mags if not math.isnan(mag)), math.nan),
    }


def clock(header: Mapping[str, Any], unit: str, time: np.ndarray) -> str:
    """``BKJD``, ``BTJD`` or ``BJD``, from the size of times, the header, their unit or the mission; else ``file``."""
    if np.isfinite(time).any() and np.nanmedian(time) > 2400000:
        return "BJD"
    mission = _mission(header)
    told = [_CLOCKS.get(header.get("BJDREFI", 0), "")]
    told += [name for zero, name in _CLOCKS.items() if name in unit.upper() or str(zero) in unit]
    told += ["BTJD" if "TESS" in mission else "", "BKJD" if "KEPLER" in mission or "K2" in mission else ""]
    return next((name for name in told if name), "file")


def bad_flags(header: Mapping[str, Any]) -> int:
    """The bits of the quality column, each of which makes a cadence bad: Kepler's, TESS's, or TESS's and QLP's own."""
    mission = _mission(header)
    if "KEPLER" in mission or "K2" in mission:
        return KEPLER_BAD
    if "QLP" in str(header.get("ORIGIN", "")).upper():
        return TESS_BAD | _QLP_BAD[int(_number(header, "SECTOR") >= 56)]
    return TESS_BAD


def _mission(header: Mapping[str, Any]) -> str:
    return f"{header.get('TELESCOP', '')} {header.get('MISSION', '')}".upper()


def _number(header: Mapping[str, Any], key: str) -> float:
    value = header.get(key)
    return float(value) if isinstance(value, int | float | np.number) else math.nan
