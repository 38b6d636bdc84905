"""Download the light curves of a star with lightkurve, and convert light curves to and from lightkurve's objects."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exojax.errors import InputError
from exojax.io import header
from exojax.io.columns import Column, Table, measured
from exojax.io.segment import make
from exojax.io.stitch import stitch
from exojax.light_curves import LightCurves

if TYPE_CHECKING:
    import lightkurve

_log = logging.getLogger(__name__)
_INSTALL = 'lightkurve is not installed: pip install "lightkurve>=2.5"'
_AUTHORS = ("Kepler", "K2", "SPOC", "TESS-SPOC", "QLP")
"""pipelines in the order of preference; the first with the star is used"""
_A_MINUTE = 61.0
"""seconds: shorter cadences are not downloaded if there are longer ones, which contain the same photons"""
_COMPLETE = "complete.txt"
"""file with the names of the downloaded files of a star"""


def fetch(target: str, folder: Path, *, mission: str | None = None) -> list[Path]:
    """Return the light curve files of a star; download those that are not in ``folder`` from the archive (MAST).

    All quarters or sectors of one pipeline are downloaded: the first of Kepler, K2, SPOC, TESS-SPOC and QLP with the
    star. Files are written in one step, each with its SHA-256 in a second file; a file that no longer matches it is
    downloaded again. If the download fails, files that the user put into the folder are returned.

    Args:
        target: ``Kepler-90``, ``TIC 100100827``, ``KIC ...``, ``EPIC ...``, or coordinates.
        folder: folder of all targets; the star gets a folder in it.
        mission: ``Kepler``, ``K2`` or ``TESS``; None for any.

    Raises:
        InputError: lightkurve is not installed or the download fails, and the folder has no files; the message says
            where to put them. Or the folder cannot be written.
    """
    name = target.strip() if mission is None else f"{target.strip()} {mission}"
    home = folder / re.sub(r"[^\w.+-]+", "_", name.lower())
    listed = home / _COMPLETE
    names = listed.read_text().split("\n") if listed.is_file() else []
    damaged = [file for file in names if not _intact(home / file)]
    if names and not damaged:
        return [home / file for file in names]
    for file in damaged:
        _log.warning("%s: is missing, or has changed since its download; it is downloaded again", home / file)
    try:
        home.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=home).close()
    except OSError as error:
        raise InputError(
            f"{home}: cannot be written ({error.strerror}): set EXOJAX_CACHE to a folder of yours"
        ) from error
    try:
        names = _download(target, mission, home)
        _write(listed, "\n".join(names).encode())
    # Without a network or the star, lightkurve and astroquery raise exceptions of many kinds.
    except Exception as error:
        text = str(error).strip().partition("\n")[0][:90] or type(error).__name__
        reason = _INSTALL if isinstance(error, ImportError) else text
        names = _own_files(home, reason)
        if not names:
            broken = f"{', '.join(damaged)[:80]} damaged, and " if damaged else ""
            raise InputError(
                f"{home}: {broken}not downloaded ({reason}): get the light curves (*_llc.fits, *_lc.fits) of {target} "
                f"from https://mast.stsci.edu and put them into {home.resolve()}"
            ) from error
    return [home / file for file in names]


def from_lightkurve(curves: lightkurve.LightCurve | Iterable[lightkurve.LightCurve]) -> LightCurves:
    """Convert one or more of lightkurve's light curves of one star.

    The columns ``quality``, ``centroid_col`` and ``centroid_row`` are used as in files.

    Returns:
        One light curve; its parts are scaled by their medians and stitched, as files are.

    Raises:
        InputError: there are too few measurements, or the light curves belong to several stars.
    """
    parts: list[Any] = [curves] if hasattr(curves, "flux") else list(curves)
    segments = []
    for number, part in enumerate(parts):
        meta = {str(key).upper(): value for key, value in part.meta.items()}
        path = Path(str(meta.get("FILENAME") or meta.get("LABEL") or f"light curve {number}"))
        star = header.star({**meta, "OBJECT": meta.get("OBJECT") or meta.get("LABEL")}, path)
        mission = header.mission(meta)
        # The time and flux of the object, not its further columns of flux.
        time = Column(f"time [{part.time.format}]", "d", partial(_plain, getattr(part.time, "value", part.time)))
        columns = [time, Column("flux", str(part["flux"].unit or ""), partial(_plain, part["flux"]))]
        others = {"flux_err", "quality", "centroid_col", "centroid_row"} & set(part.columns)
        columns += [Column(name, "", partial(_plain, part[name])) for name in sorted(others)]
        found = measured(Table(path, columns, meta), mission, star[1])
        preferred = str(meta.get("FLUX_ORIGIN", "pdcsap_flux")).lower() == "pdcsap_flux"
        digest = hashlib.sha256(found.time.tobytes() + found.flux.tobytes()).hexdigest()
        properties = header.stellar_properties(meta)
        segments.append(make(path, found, star=star, sha256=digest, preferred=preferred, properties=properties))
    return stitch(segments)


def to_lightkurve(curves: LightCurves, row: int = 0) -> lightkurve.LightCurve:
    """Convert one star to a ``lightkurve.LightCurve`` of its valid cadences, with a time format of the known clock.

    Args:
        curves: light curves.
        row: number of the star.

    Raises:
        InputError: lightkurve is not installed.
    """
    lk = _lightkurve()
    from astropy.time import Time

    ok = curves.valid[row]
    time = curves.time[row, ok]
    formats = {"BKJD": "bkjd", "BTJD": "btjd", "BJD": "jd"}
    star = str(curves.id[row])
    meta: dict[str, object] = {"LABEL": star, "OBJECT": star}
    if star.isdigit() and curves.catalogued:
        meta["TARGETID"] = int(star)
    made = lk.LightCurve(
        time=Time(time, format=formats.get(curves.time_system, "jd"), scale="tdb"),
        flux=curves.flux[row, ok].astype(np.float64),
        meta=meta,
    )
    if curves.centroid is not None:
        made["centroid_col"], made["centroid_row"] = curves.centroid[row, ok].T.astype(np.float64)
    return made


def _lightkurve() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lightkurve
    except ImportError as error:
        raise InputError(_INSTALL) from error
    return lightkurve


def _plain(column: Any) -> np.ndarray:
    """Return the values of a column as float64, NaN where masked."""
    values = np.asarray(getattr(column, "unmasked", column), np.float64)
    mask = getattr(column, "mask", None)
    return values if mask is None else np.where(mask, np.nan, values)


def _download(target: str, mission: str | None, home: Path) -> list[str]:
    """Download the files of a star into ``home`` unless they are there; return their names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightkurve as lk

        found = lk.search_lightcurve(target) if mission is None else lk.search_lightcurve(target, mission=mission)
        chosen = _choice([str(name) for name in found.table["author"]], [float(t) for t in found.table["exptime"]])
        if not chosen:
            raise LookupError("the archive has no light curve of this star")
        names = []
        for index in chosen:
            name = Path(str(found.table["productFilename"][index])).name
            if not _intact(home / name):
                with tempfile.TemporaryDirectory(dir=home) as scratch:
                    downloaded = found[index].download(quality_bitmask="none", download_dir=scratch)
                    content = Path(str(downloaded.meta["FILENAME"])).read_bytes()
                # First the digest, because a file without a digest counts as put there by the user.
                _write(_digest_file(home / name), hashlib.sha256(content).hexdigest().encode())
                _write(home / name, content)
            names.append(name)
    return names


def _choice(authors: list[str], seconds: list[float]) -> list[int]:
    """Return the rows of the preferred pipeline, without short cadences if it has longer ones."""
    best = next((author for author in _AUTHORS if author in authors), None)
    rows = [index for index, author in enumerate(authors) if author == best]
    return [index for index in rows if seconds[index] >= _A_MINUTE] or rows


def _own_files(home: Path, reason: str) -> list[str]:
    """Return the names of the usable files in ``home`` if the user put at least one of them there, else none."""
    files = sorted([*home.glob("*.fits"), *home.glob("*.fits.gz")])
    if all(_digest_file(path).exists() for path in files):
        return []
    names = [path.name for path in files if _intact(path) or not _digest_file(path).exists()]
    _log.warning("nothing was downloaded (%s); the %d files in %s are used", reason, len(names), home)
    return names


def _intact(path: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == _digest_file(path).read_text()
    except OSError:
        return False


def _digest_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _write(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
