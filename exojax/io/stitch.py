"""Join the segments of one star into a light curve, and pack light curves of several stars into one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from exojax.errors import InputError
from exojax.io import clocks, identity
from exojax.io.segment import MIN_POINTS, Segment, binned
from exojax.light_curves import LightCurves, Stars
from exojax.storage import checksum

_LEAST_PART = 0.1
"""share of a segment outside the other segments below which the whole segment is left out"""
_SAME_CADENCE = 1.5
"""ratio of two cadences below which they count as equal"""
_A_MINUTE = 61 / 86400
"""days: cadences below this are short cadences"""
_STAR = tuple(field.name for field in fields(Stars))


def stitch(segments: Sequence[Segment], name: str | None = None) -> LightCurves:
    """Join the segments of one star in order of time; the flux of each segment is already scaled by its median.

    Where two segments overlap, only one is used there: first the pipeline's corrected flux; then a cadence above one
    minute, because short cadences are the same photons; then the shorter cadence. Segments of different cadences are
    binned to the longest, so that all points have the same weight.

    Args:
        segments: one or more segments, in any order.
        name: id of the star; None takes that of the first segment.

    Returns:
        The light curve of one star: ``time``, ``flux`` and ``valid`` are ``(1, n)`` without padding.

    Raises:
        InputError: the segments belong to different stars, a clock is unknown while another is known, or too few
            measurements remain.
    """
    first = segments[0]
    for other in segments[1:]:
        if first.named and other.named and other.id != first.id:
            raise InputError(
                f"{other.path}: belongs to star {other.id}, not {first.id}: rename the file after its star"
            )
    several = len(segments) > 1
    notes = [f"{part.path.name}: {text}" if several else text for part in segments for text in part.warnings]
    if name is not None and first.named and identity.spelling(name) != first.id:
        notes.append(f"{first.path.name}: the header names star {first.id}, the file's name {name}; the latter is used")
    if not any(part.valid.any() for part in segments):
        raise InputError(f"{first.path}: has no valid measurement: leave the file out")
    parts, remarks = _on_one_scale(_without_overlaps(_on_one_clock(segments, notes), notes))
    parts = sorted(parts, key=lambda part: part.time[0])
    time = np.concatenate([part.time for part in parts])
    order = np.argsort(time, kind="stable")
    time = time[order]
    centroids = None
    if any(part.centroid is not None for part in parts):
        columns = [
            np.full((len(part.time), 2), np.nan, np.float32) if part.centroid is None else part.centroid
            for part in parts
        ]
        centroids = np.concatenate(columns)[order][None]
    valid = np.concatenate([part.valid for part in parts])[order]
    if valid.sum() < MIN_POINTS:
        raise InputError(
            f"has {valid.sum()} measurements where its files do not overlap, and a search needs {MIN_POINTS}: give "
            "more files"
        )
    gap, baseline = np.diff(time[valid]).max(), np.ptp(time[valid])
    if gap > baseline / 2:
        notes.append(f"a gap of {gap:.4g} days is longer than half of the {baseline:.4g} days from first to last")
    errors = None
    if any(part.error is not None for part in parts):
        unknown = [np.full(len(part.time), np.nan, np.float32) if part.error is None else part.error for part in parts]
        errors = np.concatenate(unknown)[order][None]
    digests = {identity.printable(str(part.path)): part.sha256 for part in segments}
    return LightCurves(
        id=np.array([name if name is not None else first.id]),
        time=time[None],
        flux=np.concatenate([part.flux for part in parts])[order][None].astype(np.float32),
        valid=valid[None],
        label=None,
        kind=None,
        catalogued=any(part.named for part in segments),
        absolute=parts[0].absolute,
        cadence=float(np.median([part.cadence for part in parts])),
        time_system=parts[0].time_system,
        source=identity.printable(", ".join(str(part.path) for part in segments)),
        sha256=checksum.of_folder(digests) if several else first.sha256,
        warnings=tuple(identity.printable(text) for text in (*notes, *remarks)),
        centroid=centroids,
        stars=Stars(**{key: np.array([_property(segments, key)]) for key in _STAR}),
        flux_err=errors,
        pieces=tuple(part.piece for part in parts if part.piece is not None),
    )


def pack(curves: Sequence[LightCurves]) -> LightCurves:
    """Return several light curves as one, padded to the longest: NaN in ``time`` and ``centroid``, ``valid`` false.

    Args:
        curves: one or more light curves, each of one or more stars, of the same :func:`kind_of` apart from the cadence.

    Raises:
        ValueError: there are none, or their flux scale, clock, labels or kinds differ.
    """
    if len({kind_of(star)[1:] for star in curves}) != 1:
        raise ValueError("light curves to pack must share flux scale, clock, and whether they have labels and kinds")
    first = curves[0]
    width = max(star.flux.shape[1] for star in curves)

    def padded(arrays: Sequence[np.ndarray], fill: float) -> np.ndarray:
        pads = [((0, 0), (0, width - x.shape[1]), *[(0, 0)] * (x.ndim - 2)) for x in arrays]
        return np.concatenate([np.pad(x, pad, constant_values=fill) for x, pad in zip(arrays, pads, strict=True)])

    def errors(star: LightCurves) -> np.ndarray:
        return np.full(star.flux.shape, np.nan, np.float32) if star.flux_err is None else star.flux_err

    def centroids(star: LightCurves) -> np.ndarray:
        return np.full((*star.flux.shape, 2), np.nan, np.float32) if star.centroid is None else star.centroid

    known = [star.stars for star in curves if star.stars is not None]
    digests = {f"{row:09d}": star.sha256 for row, star in enumerate(curves)}
    return replace(
        first,
        id=np.concatenate([star.id for star in curves]),
        time=padded([star.time for star in curves], np.nan),
        flux=padded([star.flux for star in curves], 0),
        valid=padded([star.valid for star in curves], False),
        label=None if first.label is None else np.concatenate([x.label for x in curves if x.label is not None]),
        kind=None if first.kind is None else np.concatenate([x.kind for x in curves if x.kind is not None]),
        catalogued=all(star.catalogued for star in curves),
        cadence=float(np.median([star.cadence for star in curves])),
        source=first.source if len(curves) == 1 else f"{len(curves)} light curves from {first.source} on",
        sha256=first.sha256 if len(curves) == 1 else checksum.of_folder(digests),
        warnings=tuple(f"{star.id[0]}: {text}" for star in curves for text in star.warnings),
        centroid=padded([centroids(star) for star in curves], np.nan)
        if any(star.centroid is not None for star in curves)
        else None,
        stars=Stars(**{key: np.concatenate([getattr(stars, key) for stars in known]) for key in _STAR})
        if len(known) == len(curves)
        else None,
        flux_err=padded([errors(star) for star in curves], np.nan)
        if any(star.flux_err is not None for star in curves)
        else None,
        pieces=first.pieces if len(curves) == 1 else (),
    )


def kind_of(curves: LightCurves) -> tuple[float, bool, str, bool, bool]:
    """Return the properties that light curves in one batch share.

    Returns:
        Cadence in days, rounded to 2 %; whether flux is absolute; the clock; whether there are no labels, and no kinds.
    """
    nominal = float(np.round(2 ** (np.round(np.log2(curves.cadence) * 32) / 32), 7))
    return nominal, curves.absolute, curves.time_system, curves.label is None, curves.kind is None


def _without_overlaps(segments: Sequence[Segment], notes: list[str]) -> list[Segment]:
    """Return the segments without the times at which a better segment exists; the order is that of :func:`stitch`."""
    kept: list[Segment] = []
    for part in sorted(segments, key=lambda x: (not x.preferred, x.cadence < _A_MINUTE, x.cadence, x.path.name)):
        free = np.ones(len(part.time), bool)
        for other in kept:
            first, last = other.time[0] - other.cadence / 2, other.time[-1] + other.cadence / 2
            inside = (part.time >= first) & (part.time <= last)
            if (free & inside).any():
                notes.append(f"{part.path.name} overlaps {other.path.name} in time; the latter is used there")
            free &= ~inside
        if free.mean() < _LEAST_PART:
            continue
        if not free.all():
            part = replace(
                part,
                time=part.time[free],
                flux=part.flux[free],
                valid=part.valid[free],
                error=None if part.error is None else part.error[free],
                centroid=None if part.centroid is None else part.centroid[free],
            )
        # All valid measurements may lie in the overlap.
        if part.valid.any():
            kept.append(part)
    return kept


def _on_one_clock(segments: Sequence[Segment], notes: list[str]) -> list[Segment]:
    """Return the segments with times on the clock of the first segment.

    Raises:
        InputError: two clocks differ and one of them is unknown.
    """
    first = segments[0]
    made = []
    for part in segments:
        if part.time_system == first.time_system:
            made.append(part)
            continue
        if not {part.time_system, first.time_system} <= clocks.ZERO.keys():
            both = f"{first.time_system} and {part.time_system}"
            raise InputError(
                f"{part.path}: its clock differs from that of {first.path.name} ({both}): state it with --clock, or "
                "search the files separately"
            )
        notes.append(f"{part.path.name}: times were converted from {part.time_system} to {first.time_system}")
        if not {part.time_system, first.time_system} <= set(clocks.BARYCENTRIC):
            notes.append(
                f"{part.path.name}: its clock or that of {first.path.name} is not barycentric; times may be wrong by "
                "up to 8 minutes"
            )
        time = clocks.convert(part.time, part.time_system, first.time_system)
        made.append(replace(part, time=time, time_system=first.time_system))
    return made


def _on_one_scale(parts: list[Segment]) -> tuple[list[Segment], list[str]]:
    """Return the parts with one kind of flux scale and one cadence, and notes on the changes."""
    notes = []
    if any(part.absolute for part in parts) and not all(part.absolute for part in parts):
        dropped = ", ".join(part.path.name for part in parts if not part.absolute)
        notes.append(f"files without an absolute flux scale were left out: {dropped}")
        parts = [part for part in parts if part.absolute]
    longest, shortest = max(part.cadence for part in parts), min(part.cadence for part in parts)
    if longest > _SAME_CADENCE * shortest:
        text = f"mixed cadences: from {shortest * 1440:.3g} to {longest * 1440:.3g} minutes, binned to the longest"
        notes.append(text)
        parts = [binned(part, longest) if longest > _SAME_CADENCE * part.cadence else part for part in parts]
    return parts, notes


def _property(segments: Sequence[Segment], key: str) -> float:
    """Return a property of the star from the first segment that has it; NaN if none has."""
    return next((value for part in segments if np.isfinite(value := part.properties.get(key, np.nan))), np.nan)
