"""Read FITS light curves of Kepler, K2, TESS and other pipelines: one file gives one segment of a light curve."""

from __future__ import annotations

import hashlib
import io
import math
import re
import warnings
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exojax.errors import InputError
from exojax.io import header, quality
from exojax.io.columns import NOTHING_STATED, Column, Measured, Stated, Table, flux_rank, measured, time_rank
from exojax.io.segment import Segment, make
from exojax.light_curves import Piece
from exojax.storage import open_file

if TYPE_CHECKING:
    from astropy.io.fits import Header

LARGEST = 256 * 2**20
"""bytes, unpacked: largest file that is read; light curves of one star are smaller"""
_BACKGROUND = 200
"""number of medians of the background per file, for plots"""
_MOST_AXES = 999
"""largest number of axes and of fields in the FITS standard; astropy does not check it"""
_FORMS = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
"""FITS format -> NumPy dtype"""
_BLOCK, _CARD, _MOST_BLOCKS = 2880, 80, 200
"""bytes of a block, bytes of a card, and largest number of blocks of a header"""


def read(path: Path, stated: Stated = NOTHING_STATED) -> Segment:
    """Read one light curve file, plain or gzipped.

    The first table with columns of time and flux is read. :mod:`exojax.io.columns` recognises the columns and the bad
    cadences. The id of the star is the catalogue number in the header or in the file's name, else ``OBJECT``, else the
    file's stem.

    Args:
        path: the file.
        stated: units and clock stated by the user.

    Returns:
        The segment, with float64 time in the mission's own system.

    Raises:
        InputError: astropy is not installed; the file is missing, empty, truncated, no FITS file, a target pixel file
            or an image; it has no column of times or of flux; or it has too few measurements.
    """
    fits = _astropy()
    raw, digest = _bytes(path)
    # Of astropy's many warnings about the headers of pipelines, only truncation matters.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        try:
            with fits.open(io.BytesIO(raw), memmap=False, lazy_load_hdus=True) as parts:
                return _segment(path, digest, parts, raw, stated)
        except InputError:
            raise
        # For a damaged file, astropy raises exceptions of many kinds.
        except Exception as error:
            reason = str(error).partition("\n")[0][:90]
            raise InputError(f"{path}: is truncated or damaged ({reason}): download it again") from error


def star_of(path: Path) -> tuple[str, str, bool]:
    """Return the star of a file from its primary header; see :func:`exojax.io.header.star`.

    Returns:
        The id; the catalogue, which may be empty; and whether the id identifies the star across files.

    Raises:
        InputError: astropy is not installed, or the file is missing or has no FITS header.
    """
    fits = _astropy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_file.text(path) as stream:
                start = stream.read(_MOST_BLOCKS * _BLOCK)
            end = _end(start, 0)
            notes = fits.Header.fromstring(start[:end].decode("latin-1"))
            return header.star(notes, path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: is no FITS file, or is damaged: download it again") from error


def _astropy() -> Any:
    try:
        from astropy.io import fits
    except ImportError as error:
        raise InputError('reading FITS needs astropy: pip install "astropy>=6"') from error
    return fits


def _bytes(path: Path) -> tuple[bytes, str]:
    with open_file.binary(path) as stream:
        raw = stream.read(LARGEST + 1)
    digest = hashlib.sha256(raw).hexdigest()
    if raw[:2] == b"\x1f\x8b" or len(raw) > LARGEST:
        raw = open_file.content(path, LARGEST)
    if not raw:
        raise InputError(f"{path}: is empty: download it again")
    if not raw.startswith(b"SIMPLE  ="):
        raise InputError(
            f"{path}: is no FITS file, although its name is that of one: leave it out or download it again"
        )
    _check_headers(raw, path)
    return raw, digest


def _end(raw: bytes, start: int) -> int:
    """Return the offset of the first byte after the header that begins at ``start``.

    Raises:
        ValueError: the header has no END card.
    """
    for at in range(start, min(len(raw), start + _MOST_BLOCKS * _BLOCK), _BLOCK):
        block = raw[at : at + _BLOCK]
        if any(block[k : k + 8] == b"END     " for k in range(0, len(block), _CARD)):
            return at + _BLOCK
    raise ValueError("a FITS header does not end")


def _check_headers(raw: bytes, path: Path) -> None:
    """Check the sizes in all headers, because astropy would loop over impossible ones or allocate memory for them.

    Raises:
        InputError: a header has no END card, or a size in it is no number or exceeds the file.
    """
    start = 0
    while start < len(raw):
        # Data after the last extension are not read.
        if start and raw[start : start + 9] != b"XTENSION=":
            return
        try:
            end = _end(raw, start)
            sizes = _sizes(raw[start:end])
        except ValueError as error:
            raise InputError(f"{path}: is truncated or damaged ({error}): download it again") from None
        n_axes, n_fields = sizes.get("NAXIS", 0), sizes.get("TFIELDS", 0)
        axes = [sizes.get(f"NAXIS{k + 1}", 0) for k in range(min(n_axes, _MOST_AXES))]
        size = abs(sizes.get("BITPIX", 8)) // 8 * (math.prod(axes) if axes else 0) + sizes.get("PCOUNT", 0)
        bad = [key for key, value in sizes.items() if value < 0 and key != "BITPIX"]
        if bad or n_axes > _MOST_AXES or n_fields > _MOST_AXES:
            name = bad[0] if bad else "NAXIS" if n_axes > _MOST_AXES else "TFIELDS"
            raise InputError(f"{path}: is damaged ({name} is {sizes[name]} in a header): download it again")
        if end + size > len(raw):
            raise InputError(f"{path}: is truncated ({len(raw)} bytes of {end + size}): download it again")
        start = end + -(-size // _BLOCK) * _BLOCK


def _sizes(cards: bytes) -> dict[str, int]:
    """Return the keywords of a header that hold sizes, with their values.

    Raises:
        ValueError: a size is no whole number of at most 18 digits.
    """
    found = {}
    for at in range(0, len(cards), _CARD):
        card = cards[at : at + _CARD].decode("latin-1")
        if re.match(r"(NAXIS\d{0,3}|TFIELDS|PCOUNT|GCOUNT|BITPIX) *=", card):
            name, value = card[:8].strip(), card[10:].partition("/")[0].strip()
            if not re.fullmatch(r"[+-]?\d{1,18}", value):
                raise ValueError(f"{name} is {value[:20]!r}")
            found[name] = int(value)
    return found


def _own_sum(raw: bytes, start: int, size: int) -> int:
    """Return the FITS checksum of ``size`` bytes from ``start``: the ones' complement sum of 32-bit words."""
    words = np.frombuffer(raw, ">u4", size // 4, start)
    total = int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _tables(parts: Any, path: Path) -> Iterator[tuple[Any, dict[int, str]]]:
    """Yield each table of a file, and the names of its columns by number."""
    for part in parts:
        own = part.header
        if part.name.upper() in ("TARGETTABLES", "PIXELS"):
            raise InputError(f"{path}: is a target pixel file: give the light curve file (*_llc.fits, *_lc.fits)")
        numbers = range(1, int(own.get("TFIELDS", 0)) + 1)
        names = {n: str(own[f"TTYPE{n}"]) for n in numbers if f"TTYPE{n}" in own}
        if names:
            yield part, names


def _chosen(parts: Any, path: Path) -> tuple[Any, dict[int, str]]:
    """Return the first table with a time and a flux, else the first table with a time.

    Raises:
        InputError: no table has a column of times.
    """
    seen: list[str] = []
    dated: tuple[Any, dict[int, str]] | None = None
    for part, names in _tables(parts, path):
        if any(time_rank(name) is not None for name in names.values()):
            if any(flux_rank(name) is not None for name in names.values()):
                return part, names
            dated = dated or (part, names)
        seen += names.values()
    if dated is not None:
        return dated
    if not seen:
        raise InputError(f"{path}: holds no table: give a light curve file (*_llc.fits, *_lc.fits)")
    raise InputError(f"{path}: has no time column ({', '.join(seen)[:80]}): name one of them TIME")


def _rows(table: Any, raw: bytes, path: Path) -> Any:
    own = table.header
    start, width, n_rows = table.fileinfo()["datLoc"], own["NAXIS1"], own["NAXIS2"]
    if len(raw) < start + n_rows * width:
        raise InputError(f"{path}: is truncated ({len(raw)} bytes of {start + n_rows * width}): download it again")
    if n_rows == 0:
        raise InputError(f"{path}: the table has no rows: download the file again")
    fields = []
    for number in range(1, own["TFIELDS"] + 1):
        form = re.fullmatch(r"(\d{0,6})([LABIJKED])", str(own[f"TFORM{number}"]).strip())
        if form is None or own.get(f"TZERO{number}", 0) != 0 or own.get(f"TSCAL{number}", 1) != 1:
            return table.data
        repeat, kind = int(form[1] or 1), form[2]
        shape = (f"S{repeat}",) if kind == "A" else (_FORMS[kind], repeat) if repeat != 1 else (_FORMS[kind],)
        fields.append((str(own.get(f"TTYPE{number}", f"col{number}")), *shape))
    # A NumPy dtype cannot have two fields of one name.
    if len({name for name, *_ in fields}) < len(fields):
        return table.data
    dtype = np.dtype(fields)
    # A view of the bytes, because astropy's record array would double the time of reading.
    return np.frombuffer(raw, dtype, n_rows, start) if dtype.itemsize == width else table.data


def _segment(path: Path, digest: str, parts: Any, raw: bytes, stated: Stated) -> Segment:
    main: Header = parts[0].header
    part, names = _chosen(parts, path)
    own: Header = part.header
    rows = _rows(part, raw, path)
    keywords = ChainMap(own, main)
    star = header.star(keywords, path)
    mission = header.mission(keywords)
    columns = [
        Column(name, str(own.get(f"TUNIT{n}", "")).strip(), partial(_values, rows, name, own.get(f"TNULL{n}")))
        for n, name in names.items()
    ]
    found = measured(Table(path, columns, keywords), mission, star[1], stated)
    notes = list(found.notes)
    place = part.fileinfo()
    if (stored_sum := str(own.get("DATASUM", "")).strip()).isdigit():
        size = min(place["datSpan"], len(raw) - place["datLoc"])
        if int(stored_sum[:12]) != _own_sum(raw, place["datLoc"], size):
            notes.append("the data do not match DATASUM in the header; the file may be damaged: download it again")
    made = make(
        path,
        replace(found, notes=tuple(notes)),
        star=star,
        sha256=digest,
        preferred=found.name.upper() == "PDCSAP_FLUX",
        properties=header.stellar_properties(keywords),
    )
    return replace(made, piece=_piece(keywords, found, rows, {name.upper(): name for name in names.values()}))


def _piece(keywords: Mapping[str, Any], found: Measured, rows: Any, names: Mapping[str, str]) -> Piece:
    """Return the file's quarter or sector, momentum dumps and background; empty arrays where it has none."""
    dated = np.isfinite(found.time)
    bits = next((rows[names[name]] for name in ("SAP_QUALITY", "QUALITY") if name in names), None)
    dumped = np.zeros(len(found.time), bool)
    if bits is not None and np.asarray(bits).dtype.kind in "iu":
        dumped = (np.asarray(bits).astype(np.int64) & quality.DUMPS) != 0
    background = np.empty((2, 0))
    if "SAP_BKG" in names:
        values = np.asarray(rows[names["SAP_BKG"]]).astype(np.float64)
        use = np.flatnonzero(dated & np.isfinite(values))
        width = max(len(use) // _BACKGROUND, 1)
        blocks = use[: len(use) // width * width].reshape(-1, width)
        background = np.stack([found.time[blocks].mean(axis=1), np.median(values[blocks], axis=1)])
    start, stop = float(found.time[dated].min()), float(found.time[dated].max())
    return Piece(
        *header.part(keywords),
        start,
        stop,
        *header.coordinates(keywords),
        found.time[dated & dumped],
        found.time[dated & ~found.good],
        background,
    )


def _values(rows: Any, name: str, null: Any) -> np.ndarray:
    values = np.asarray(rows[name])
    # TNULL, the whole number that marks a missing value.
    if isinstance(null, int) and not isinstance(null, bool) and values.dtype.kind in "iu":
        return np.where(values == null, np.nan, values.astype(np.float64))
    return values
