"""A star's name -> its light curve files, through lightkurve; and lightkurve's own objects to and from ours."""

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
# The first of these pipelines that has the star; a longer cadence of the same photons is enough.
_AUTHORS = ("Kepler", "K2", "SPOC", "TESS-SPOC", "QLP")
_A_MINUTE = 61.0
_COMPLETE = "complete.txt"


def fetch(target: str, folder: Path, *, mission: str | None = None) -> list[Path]:
    """The light curve files of a star, from the archive (MAST) where they are not in ``folder`` yet.

    All quarters or sectors of the first of Kepler's, K2's, SPOC's, TESS-SPOC's and QLP's products that there are. Each
    file appears whole or not at all, with its SHA-256 beside it; one that has changed since is named in the log and
    fetched again. Files that were put there by hand are taken where nothing can be downloaded.

    Args:
        target: ``Kepler-90``, ``TIC 100100827``, ``KIC ...``, ``EPIC ...``, or coordinates.
        folder: of the cache; the star's own folder is made in it.
        mission: ``Kepler``, ``K2`` or ``TESS``; None is any.

    Raises:
        InputError: without lightkurve, a network, or such a star, and nothing there yet; it says what to put where. Or
            the folder cannot be written.
    """
    name = target.strip() if mission is None else f"{target.strip()} {mission}"
    home = folder / re.sub(r"[^\w.+-]+", "_", name.lower())
    listed = home / _COMPLETE
    names = listed.read_text().split("\n") if listed.is_file() else []
    damaged = [one for one in names if not _intact(home / one)]
    if names and not damaged:
        return [home / one for one in names]
    for one in damaged:
        _log.warning("%s is missing or damaged (not the bytes that were downloaded): fetched again", home / one)
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
    # Without a network or such a star, lightkurve and astroquery raise as they please.
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
    return [home / one for one in names]


def from_lightkurve(curves: lightkurve.LightCurve | Iterable[lightkurve.LightCurve]) -> LightCurves:
    """One star's light curve, or collection of them, as lightkurve holds it.

    Flags of a ``quality`` column are honoured as for files, ``centroid_col`` and ``centroid_row`` are taken along.

    Returns:
        Light curves of one star, each part on a scale of its own median and stitched, as files are.

    Raises:
        InputError: too few measurements, or several stars in one collection.
    """
    parts: list[Any] = [curves] if hasattr(curves, "flux") else list(curves)
    segments = []
    for number, part in enumerate(parts):
        meta = {str(key).upper(): value for key, value in part.meta.items()}
        path = Path(str(meta.get("FILENAME") or meta.get("LABEL") or f"light curve {number}"))
        star = header.star({**meta, "OBJECT": meta.get("OBJECT") or meta.get("LABEL")}, path)
        mission = header.mission(meta)
        # The light curve's own time and flux, whatever other fluxes came along.
        time = Column(f"time [{part.time.format}]", "d", partial(_plain, getattr(part.time, "value", part.time)))
        columns = [time, Column("flux", str(part["flux"].unit or ""), partial(_plain, part["flux"]))]
        wanted = {"flux_err", "quality", "centroid_col", "centroid_row"} & set(part.columns)
        columns += [Column(name, "", partial(_plain, part[name])) for name in sorted(wanted)]
        found = measured(Table(path, columns, meta), mission, star[1])
        preferred = str(meta.get("FLUX_ORIGIN", "pdcsap_flux")).lower() == "pdcsap_flux"
        digest = hashlib.sha256(found.time.tobytes() + found.flux.tobytes()).hexdigest()
        segments.append(make(path, found, star=star, sha256=digest, preferred=preferred, about=header.about(meta)))
    return stitch(segments)


def to_lightkurve(curves: LightCurves, row: int = 0) -> lightkurve.LightCurve:
    """One star as ``lightkurve.LightCurve``: its valid cadences, time in the mission's format where the clock is known.

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
    """Values as float64, NaN where masked."""
    values = np.asarray(getattr(column, "unmasked", column), np.float64)
    mask = getattr(column, "mask", None)
    return values if mask is None else np.where(mask, np.nan, values)


def _download(target: str, mission: str | None, home: Path) -> list[str]:
    """Names of the star's files, each in ``home`` and intact."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightkurve as lk

        found = lk.search_lightcurve(target) if mission is None else lk.search_lightcurve(target, mission=mission)
        chosen = _choice([str(one) for one in found.table["author"]], [float(one) for one in found.table["exptime"]])
        if not chosen:
            raise LookupError("the archive has no light curve of it")
        names = []
        for index in chosen:
            name = Path(str(found.table["productFilename"][index])).name
            if not _intact(home / name):
                with tempfile.TemporaryDirectory(dir=home) as scratch:
                    one = found[index].download(quality_bitmask="none", download_dir=scratch)
                    content = Path(str(one.meta["FILENAME"])).read_bytes()
                # The digest first: a file without one is taken for one that was put there by hand.
                _write(_digest_file(home / name), hashlib.sha256(content).hexdigest().encode())
                _write(home / name, content)
            names.append(name)
    return names


def _choice(authors: list[str], seconds: list[float]) -> list[int]:
    best = next((author for author in _AUTHORS if author in authors), None)
    mine = [index for index, author in enumerate(authors) if author == best]
    return [index for index in mine if seconds[index] >= _A_MINUTE] or mine


def _own_files(home: Path, reason: str) -> list[str]:
    """Names of the files in ``home`` that can be used without a download, if some were put there by hand."""
    files = sorted([*home.glob("*.fits"), *home.glob("*.fits.gz")])
    if all(_digest_file(path).exists() for path in files):
        return []
    names = [path.name for path in files if _intact(path) or not _digest_file(path).exists()]
    _log.warning("nothing was downloaded (%s): the %d files in %s are taken", reason, len(names), home)
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
