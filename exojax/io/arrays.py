"""Make light curves of what people hold in a notebook: arrays, tables of pandas and Astropy, Lightkurve's objects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import DataConfig
from exojax.errors import InputError
from exojax.folded_events import FoldedEvents
from exojax.io import header, scale
from exojax.io.columns import Column, Stated, Table, checked, measured
from exojax.light_curves import LightCurves, nominal_cadence

_IDS = ("id", "kepid", "tic_id", "epic_id", "ticid")


def read(
    source: Any,
    *,
    labels: str | Path | None = None,
    cadence_minutes: float | None = None,
    flux_unit: str | None = None,
    time_unit: str | None = None,
    clock: str | None = None,
) -> LightCurves | FoldedEvents:
    """Return the light curves (or ready-made folded events) that a source names or holds.

    >>> curves = exojax.read("my_fits_folder")                                     # doctest: +SKIP
    >>> curves = exojax.read(pandas.DataFrame({"time": time, "flux": flux}))       # doctest: +SKIP

    Args:
        source: a file, folder or glob, ``auto``, ``synthetic`` or ``synthetic-kaggle``, as of ``train.py --data``; a
            table of pandas or Astropy with columns of time and flux (:mod:`exojax.io.columns` says which) and, where it
            holds several stars, ``id``; a light curve or a collection of Lightkurve.
        labels: a CSV with columns ``id`` and ``label``, for a file or folder.
        cadence_minutes: minutes between samples of rows without a time axis.
        flux_unit: ``relative``, ``ppm``, ``ppt``, ``percent``, ``counts``, ``magnitudes`` or ``mmag``, where files do
            not tell.
        time_unit: ``days``, ``hours``, ``minutes`` or ``seconds``, where files do not tell.
        clock: ``BJD``, ``BTJD``, ``BKJD``, ``HJD``, ``JD`` or ``MJD``, where files do not tell.

    Raises:
        InputError: the source cannot be read; the message says what is missing.
    """
    if isinstance(source, str | Path):
        from exojax.io.source import open_source

        config = DataConfig(
            str(source),
            cadence_minutes,
            None if labels is None else str(labels),
            flux_unit=flux_unit,
            time_unit=time_unit,
            clock=clock,
        )
        return open_source(config, labelled=False).rows()
    stated = checked(flux_unit, time_unit, clock)
    several = source if isinstance(source, Sequence) or type(source).__name__.endswith("Collection") else [source]
    stars = [star for one in several for star in _stars(one, stated)]
    if not stars:
        raise InputError("read: the source holds no star")
    ids = [star.id or str(k) for k, star in enumerate(stars)]
    known = [star.label for star in stars if star.label is not None]
    errors = [np.full(len(star.flux), np.nan) if star.error is None else star.error for star in stars]
    made = light_curves_of(
        [star.time for star in stars],
        [star.flux for star in stars],
        None if all(star.error is None for star in stars) else errors,
        id=ids,
        label=known if len(known) == len(stars) else None,
    )
    clocks = {star.clock for star in stars}
    named = clocks.pop() if len(clocks) == 1 else "file"
    notes = tuple(dict.fromkeys(text for star in stars for text in star.notes))
    return replace(made, time_system="own clock" if named == "file" else named, warnings=(*made.warnings, *notes))


def light_curves_of(time: Any, flux: Any, flux_err: Any = None, *, id: Any = None, label: Any = None) -> LightCurves:
    """Return light curves of arrays or lists; see :meth:`exojax.LightCurves.of`."""
    fluxes = _rows(flux, "flux")
    times = _rows(time, "time")
    if len(times) == 1 and len(fluxes) > 1:
        times = times * len(fluxes)
    errors = [None] * len(fluxes) if flux_err is None else list(_rows(flux_err, "flux_err"))
    if not len(times) == len(fluxes) == len(errors):
        raise InputError(f"time has {len(times)} rows, flux {len(fluxes)}: give one time axis, or one of each star")
    n, width = len(fluxes), max((len(row) for row in fluxes), default=0)
    if not width:
        raise InputError("flux is empty")
    when, what = np.full((n, width), np.nan), np.full((n, width), np.nan)
    sigma = None if flux_err is None else np.full((n, width), np.nan)
    for star, (moments, values, error) in enumerate(zip(times, fluxes, errors)):
        if len(moments) != len(values) or (error is not None and len(error) != len(values)):
            raise InputError(f"row {star}: time has {len(moments)} values and flux {len(values)}: give as many of each")
        kept = np.isfinite(moments)
        order = np.flatnonzero(kept)[np.argsort(moments[kept], kind="stable")]
        when[star, : len(order)], what[star, : len(order)] = moments[order], values[order]
        if error is not None and sigma is not None:
            sigma[star, : len(order)] = error[order]
    valid = np.isfinite(what)
    if not valid.any():
        raise InputError("no flux has both a time and a value")
    scaled = scale.relative(what, valid, unit="flux")
    names = np.arange(n).astype(np.str_) if id is None else np.atleast_1d(np.asarray(id)).astype(np.str_)
    classes = None if label is None else np.atleast_1d(np.asarray(label))
    for name, column in (("id", names), ("label", classes)):
        if column is not None and column.shape != (n,):
            raise InputError(f"{name} has shape {column.shape}: give {n}, one of each star")
    if classes is not None and not np.isin(classes, (0, 1)).all():
        raise InputError("label must be 1 (planet host) or 0 (the rest)")
    each = np.array([nominal_cadence(row) for row in when])
    if np.isnan(each).all():
        raise InputError("time: no star has two different times")
    content = hashlib.sha256(when.tobytes() + what.tobytes())
    return LightCurves(
        id=names,
        time=when,
        flux=np.where(scaled.valid, scaled.flux, 0).astype(np.float32),
        valid=scaled.valid,
        label=None if classes is None else classes.astype(np.int8),
        kind=None,
        catalogued=False,
        absolute=scaled.absolute,
        cadence=float(np.nanmedian(each)),
        time_system="own clock",
        source="arrays",
        sha256=content.hexdigest(),
        warnings=scale.remarks(scaled),
        flux_err=None if sigma is None else scale.errors(sigma, what, scaled),
    )


def to_lightkurve(curves: LightCurves) -> list[Any]:
    """Return one ``lightkurve.LightCurve`` a star, measured cadences only; time is a plain number of days.

    Raises:
        InputError: lightkurve is not installed.
    """
    try:
        import lightkurve
    except ImportError as error:
        raise InputError('lightkurve is not installed: pip install "lightkurve>=2.5"') from error
    made = []
    for star in range(len(curves)):
        seen = curves.valid[star]
        about = {"LABEL": str(curves.id[star]), "TIME_SYSTEM": curves.time_system}
        made.append(lightkurve.LightCurve(time=curves.time[star][seen], flux=curves.flux[star][seen], meta=about))
    return made


def _rows(values: Any, name: str) -> list[np.ndarray]:
    """Return ``(c,)`` float64 of each star: of one or two dimensions, or a list of rows that differ in length."""
    if isinstance(values, Sequence) and len(values) and np.ndim(values[0]) == 1:
        return [_plain(row, name) for row in values]
    whole = _plain(values, name)
    if whole.ndim not in (1, 2):
        raise InputError(f"{name} has {whole.ndim} dimensions: give one or two")
    return list(np.atleast_2d(whole))


def _plain(values: Any, name: str) -> np.ndarray:
    """Return float64, NaN where masked; the unit of a quantity and the format of a ``Time`` are taken off."""
    bare = getattr(values, "value", values)
    try:
        if np.ma.isMaskedArray(bare):
            return np.ma.filled(np.ma.asarray(bare).astype(np.float64), np.nan)
        return np.asarray(bare, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} holds what is no number") from None


@dataclass(frozen=True, eq=False)
class _Star:
    """One star of a table: id, days on ``clock``, relative or any flux, its error, label and remarks."""

    id: str
    time: np.ndarray
    flux: np.ndarray
    error: np.ndarray | None
    label: Any
    clock: str
    notes: tuple[str, ...]


def _stars(table: Any, stated: Stated) -> Iterator[_Star]:
    """Yield every star of a table."""
    names = next((list(getattr(table, one)) for one in ("colnames", "columns") if hasattr(table, one)), None)
    if names is None:
        names = list(table) if isinstance(table, Mapping) else []
    meta = getattr(table, "meta", None)
    about = {str(key).upper(): value for key, value in meta.items()} if isinstance(meta, Mapping) else {}
    key_of = {str(name).lower(): name for name in names}
    id_name = next((key_of[one] for one in _IDS if one in key_of), None)
    label_name = key_of.get("label")
    # Lightkurve's own flux is its user's choice.
    lightkurve = hasattr(table, "flux") and hasattr(table, "time") and {"time", "flux"} <= key_of.keys()
    used = [name for name in names if not lightkurve or str(name) in ("time", "flux", "flux_err", "quality")]
    ids = None if id_name is None else np.asarray(table[id_name]).astype(np.str_)
    fallback = str(about.get("TARGETID") or about.get("LABEL") or "")
    for one in [fallback] if ids is None else dict.fromkeys(ids.tolist()):
        mine = slice(None) if ids is None else ids == one
        columns = [_column(table, name, mine) for name in used if name not in (id_name, label_name)]
        try:
            found = measured(Table(Path("read"), columns, about), header.mission(about), "", stated)
        except InputError as error:
            if columns:
                raise
            raise InputError(f"read: a table needs columns time and flux; it has {type(table).__name__}") from error
        flux = np.where(found.good, found.flux, np.nan).astype(np.float64)
        sigma = found.error
        if found.unit == "magnitudes":
            flux = 10 ** (-0.4 * (flux - np.nanmedian(flux)))
            sigma = None if sigma is None else sigma * (0.4 * np.log(10))
        label = None if label_name is None else np.asarray(table[label_name])[mine][0]
        yield _Star(one, found.time, flux, sigma, label, found.clock, found.notes)


def _column(table: Any, name: Any, rows: Any) -> Column:
    values = table[name]
    unit = getattr(values, "unit", None)
    form = getattr(values, "format", None) if hasattr(values, "jd1") else None
    if form == "jd" and getattr(values, "scale", "") == "tdb":
        form = "BJD"
    title = f"{name} [{form}]" if isinstance(form, str) else str(name)

    def read_values() -> np.ndarray:
        bare = getattr(values, "value", values)
        found = bare if np.ma.isMaskedArray(bare) else np.asarray(bare)
        if found.dtype.kind == "O":
            try:
                found = _plain(bare, str(name))
            except InputError:
                found = np.asarray([str(one) for one in found.tolist()])
        return found[rows]

    return Column(title, "" if unit is None else str(unit), read_values)
