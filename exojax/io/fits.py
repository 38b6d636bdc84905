"""Mission FITS of Kepler, K2 and TESS, and the like from other pipelines: one file -> one segment of a light curve."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exojax.errors import InputError
from exojax.io import header
from exojax.io.segment import Segment, make
from exojax.storage import open_file

if TYPE_CHECKING:
    from astropy.io.fits import Header

_TIMES = ("TIME", "T", "BTJD", "BKJD", "BJD", "TMID_BJD", "JD")
# The pipelines' corrected flux first: PDC of Kepler, K2 and TESS; the FFI pipelines' (QLP before and since sector 56,
# eleanor); K2SFF's; then whatever is called flux.
_FLUXES = ("PDCSAP_FLUX", "SYS_RM_FLUX", "KSPSAP_FLUX", "DET_FLUX", "CORR_FLUX", "FCOR", "FLUX", "SAP_FLUX")
_QUALITIES = ("SAP_QUALITY", "QUALITY")
_FORMS = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


def read(path: Path) -> Segment:
    """One light curve file, plain or gzipped.

    ``PDCSAP_FLUX`` is read where there is one, else the first flux there is, which a warning names. Cadences with one
    of ``header.bad_flags`` in the quality column are not valid. Centroids are ``MOM_CENTR1/2``. The star is
    ``KEPLERID``, ``TICID`` or ``TARGETID``, else ``OBJECT``, else the file's stem.

    Returns:
        The segment, float64 time in the mission's own system.

    Raises:
        InputError: astropy is not installed; the file is missing, empty, truncated, no FITS, a target pixel file, an
            image, or has no column of times or of flux, or too few measurements.
    """
    fits = _astropy()
    raw, digest = _bytes(path)
    # Only truncation matters; astropy warns about much that pipelines write.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        try:
            with fits.open(io.BytesIO(raw), memmap=False, lazy_load_hdus=True) as parts:
                return _segment(path, digest, parts[0].header, *_table(parts, raw, path))
        except InputError:
            raise
        # A damaged file fails in astropy in a dozen ways.
        except Exception as error:
            reason = str(error).partition("\n")[0][:90]
            raise InputError(f"{path}: is truncated or damaged ({reason}): download it again") from error


def star_of(path: Path) -> tuple[str, str, bool]:
    """Id, catalogue (or empty), and whether the id names the star across files, from a file's primary header alone.

    Raises:
        InputError: as ``read``, for what stands in the file's first bytes.
    """
    fits = _astropy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_file.text(path) as stream:
                told = fits.Header.fromfile(stream)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: is no FITS file, or damaged: download it again") from error
    return header.star(told, path)


def _astropy() -> Any:
    try:
        from astropy.io import fits
    except ImportError as error:
        raise InputError('reading FITS needs astropy: pip install "astropy>=6"') from error
    return fits


def _bytes(path: Path) -> tuple[bytes, str]:
    with open_file.binary(path) as stream:
        raw = stream.read()
    digest = hashlib.sha256(raw).hexdigest()
    if raw[:2] == b"\x1f\x8b":
        with open_file.text(path) as unpacked:
            raw = unpacked.read()
    if not raw:
        raise InputError(f"{path}: is empty: download it again")
    if not raw.startswith(b"SIMPLE  ="):
        raise InputError(f"{path}: is no FITS file, whatever its name: leave it out or download it again")
    return raw, digest


@dataclass(frozen=True)
class _Table:
    """The rows of a table, and its columns' own names and units by their names in capitals."""

    rows: Any
    names: dict[str, str]
    units: dict[str, str]

    def column(self, name: str) -> np.ndarray:
        return np.asarray(self.rows[self.names[name]])


def _table(parts: Any, raw: bytes, path: Path) -> tuple[Header, _Table]:
    """The first table with a time, and its header; what is a table of pixels, or none at all, is refused."""
    seen: list[str] = []
    for part in parts:
        own = part.header
        numbers = range(1, own.get("TFIELDS", 0) + 1)
        called = {n: str(own[f"TTYPE{n}"]) for n in numbers if f"TTYPE{n}" in own}
        names = {name.upper(): name for name in called.values()}
        if part.name.upper() in ("TARGETTABLES", "PIXELS"):
            raise InputError(f"{path}: is a target pixel file: give the light curve file (*_llc.fits, *_lc.fits)")
        if names.keys() & set(_TIMES):
            units = {name.upper(): str(own.get(f"TUNIT{n}", "")) for n, name in called.items()}
            return own, _Table(_rows(part, raw, path), names, units)
        seen += names
    if not seen:
        raise InputError(f"{path}: holds no table: give a light curve file (*_llc.fits, *_lc.fits)")
    raise InputError(f"{path}: has no time column ({', '.join(seen)[:80]}): name one of them TIME")


def _rows(table: Any, raw: bytes, path: Path) -> Any:
    own = table.header
    start, width, n_rows = table.fileinfo()["datLoc"], own["NAXIS1"], own["NAXIS2"]
    if len(raw) < start + n_rows * width:
        raise InputError(f"{path}: is truncated ({len(raw)} bytes of {start + n_rows * width}): download it again")
    if n_rows == 0:
        raise InputError(f"{path}: its table has no rows: download it again")
    fields = []
    for number in range(1, own["TFIELDS"] + 1):
        form = re.fullmatch(r"(\d*)([LABIJKED])", str(own[f"TFORM{number}"]).strip())
        if form is None or own.get(f"TZERO{number}", 0) != 0 or own.get(f"TSCAL{number}", 1) != 1:
            return table.data
        repeat, kind = int(form[1] or 1), form[2]
        shape = (f"S{repeat}",) if kind == "A" else (_FORMS[kind], repeat) if repeat != 1 else (_FORMS[kind],)
        fields.append((str(own.get(f"TTYPE{number}", f"col{number}")), *shape))
    dtype = np.dtype(fields)
    # A view of plain columns: making astropy's record array takes as long as all the rest.
    return np.frombuffer(raw, dtype, n_rows, start) if dtype.itemsize == width else table.data


def _segment(path: Path, digest: str, main: Header, own: Header, table: _Table) -> Segment:
    time_name = next(name for name in _TIMES if name in table.names)
    wanted = (*_FLUXES, *(name for name in table.names if name.endswith("FLUX")))
    flux_name = next((name for name in wanted if name in table.names), None)
    if flux_name is None:
        raise InputError(f"{path}: has no flux column ({', '.join(table.names)[:80]}): name one of them FLUX")
    time, flux = table.column(time_name).astype(np.float64), table.column(flux_name)
    if flux.ndim != 1:
        raise InputError(f"{path}: {flux_name} holds images, it is a target pixel file: give the light curve file")
    told = () if flux_name == "PDCSAP_FLUX" else (f"there is no PDCSAP_FLUX: {flux_name} is read",)
    good = np.ones(len(flux), bool)
    quality = next((name for name in _QUALITIES if name in table.names), None)
    if quality is not None:
        good = (table.column(quality).astype(np.int64) & header.bad_flags(main)) == 0
    centroid = None
    if {"MOM_CENTR1", "MOM_CENTR2"} <= table.names.keys():
        centroid = np.stack([table.column(f"MOM_CENTR{axis}").astype(np.float32) for axis in (1, 2)], axis=1)
    unit = table.units[flux_name].strip().lower()
    magnitudes = unit.startswith("mag")
    return make(
        path,
        time,
        flux,
        good,
        centroid,
        star=header.star(main, path),
        time_system=header.clock(ChainMap(own, main), table.units[time_name], time),
        sha256=digest,
        unit="magnitudes" if magnitudes else "flux" if unit else "",
        name=flux_name,
        told=(*told, "flux is in magnitudes: converted") if magnitudes else told,
        preferred=flux_name == "PDCSAP_FLUX",
        about=header.about(main),
    )
