"""Read the header of a mission file: the star, its properties, the part of the mission, and the mission."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from exojax.io import identity

_LOGG_SUN = 4.438
"""surface gravity of the Sun, log10 of cm/s^2"""
_STAR_KEYS = (
    ("KEPLERID", "KIC"),
    ("TICID", "TIC"),
    ("TIC_ID", "TIC"),
    ("TIC", "TIC"),
    ("EPICID", "EPIC"),
    ("EPIC", "EPIC"),
    ("KIC", "KIC"),
    ("TARGETID", ""),
)
"""keywords with the number of a star, and the catalogue; an empty catalogue is that of the mission"""
_GAIA_KEYS = (("GAIADR3", "Gaia"), ("GAIA_ID", "Gaia"), ("GAIAID", "Gaia"), ("GAIA-ID", "Gaia"))


def star(header: Mapping[str, Any], path: Path) -> tuple[str, str, bool]:
    """Return the star of a file.

    The id is the catalogue number in the header, else in the file's name, else ``OBJECT``, else the file's stem.

    Args:
        header: keywords in capitals.
        path: the file.

    Returns:
        The id; the catalogue (``KIC``, ``EPIC``, ``TIC``, ``Gaia`` or empty); and whether the id identifies the star
        across files, which a stem does not.
    """
    mission = _mission(header)
    catalogue = "TIC" if "TESS" in mission else "EPIC" if "K2" in mission else "KIC" if "KEPLER" in mission else ""
    for key, own in _STAR_KEYS:
        if number := identity.number_in(header.get(key)):
            return number, identity.of_number(number, own or catalogue), True
    if named := identity.of_name(path):
        return named[1], named[0], True
    for key, own in _GAIA_KEYS:
        if number := identity.number_in(header.get(key)):
            return number, own, True
    name = header.get("OBJECT")
    if isinstance(name, str) and name.strip():
        spelled = identity.spelling(name)
        prefix = next((key for key in identity.TIME_SYSTEM if name.strip().upper().startswith(key)), catalogue)
        return spelled, identity.of_number(spelled, prefix) if identity.number_in(spelled) else "", True
    return identity.stem(path), "", False


def stellar_properties(header: Mapping[str, Any]) -> dict[str, float]:
    """Return ``radius`` and ``mass`` (solar units; the mass from log g), ``teff`` (K) and ``mag``; NaN where
    unknown."""
    radius, logg = _number(header, "RADIUS"), _number(header, "LOGG")
    mags = [_number(header, key) for key in ("KEPMAG", "TESSMAG")]
    return {
        "radius": radius,
        "mass": 10 ** (logg - _LOGG_SUN) * radius**2,
        "teff": _number(header, "TEFF"),
        "mag": next((mag for mag in mags if not math.isnan(mag)), math.nan),
    }


def part(header: Mapping[str, Any]) -> tuple[str, int]:
    """Return the part of the mission: ``sector``, ``quarter`` or ``campaign`` and its number; empty and -1 if
    unknown."""
    for kind in ("sector", "quarter", "campaign"):
        number = header.get(kind.upper())
        if isinstance(number, int | np.integer) and not isinstance(number, bool) and number >= 0:
            return kind, int(number)
    return "", -1


def coordinates(header: Mapping[str, Any]) -> tuple[float, float]:
    """Return right ascension and declination, degrees; NaN where unknown."""
    return _number(header, "RA_OBJ"), _number(header, "DEC_OBJ")


def mission(header: Mapping[str, Any]) -> str:
    """Return the mission or pipeline that defines the quality bits, a key of ``quality.MISSION_BAD``; may be empty."""
    named = _mission(header)
    if "KEPLER" in named or "K2" in named:
        return "Kepler"
    if "QLP" in str(header.get("ORIGIN", "")).upper():
        return "QLP 2" if _number(header, "SECTOR") >= 56 else "QLP"
    return "TESS" if "TESS" in named else ""


def _mission(header: Mapping[str, Any]) -> str:
    return f"{header.get('TELESCOP', '')} {header.get('MISSION', '')}".upper()


def _number(header: Mapping[str, Any], key: str) -> float:
    value = header.get(key)
    return float(value) if isinstance(value, int | float | np.number) else math.nan
