"""The exploration of a data set before any model: example curves, distributions by class, gaps, balance,
duplicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from exojax.evaluation.leakage import duplicates, row_digest, usable
from exojax.evaluation.metrics import ranking
from exojax.light_curves import LightCurves
from exojax.report.dataset import STATISTICS, balance, distributions, examples, missing
from exojax.report.page import write_report
from exojax.report.style import png
from exojax.storage.plain_text import shared
from exojax.storage.write_file import write_atomically

MAD_TO_SIGMA = 1.4826
CHUNK = 256
NAMED = 20  # duplicates listed by name; the rest is only counted


def explore(curves: LightCurves, out: Path, extra: LightCurves | None = None, *, seed: int = 0) -> dict[str, Any]:
    """Write figures as PNGs, ``summary.json`` and the page ``explore.html`` into ``out``.

    Args:
        curves: the stars to look at, labelled or not.
        out: folder, made where it is missing.
        extra: a second file, such as the official test rows. Only its class balance, its missing data and the
            rows it shares with ``curves`` are looked at, so that nobody chooses a model by it.
        seed: of the example stars and of the bootstrap.

    Returns:
        What ``summary.json`` holds: sizes, balance, missing data, for each statistic the quartiles of both
        classes and the effect size (Cliff's delta, 2 AUC - 1, with a bootstrap interval), duplicates and
        warnings.
    """
    keep = usable(curves.flux, curves.valid)
    digests = row_digest(curves.flux, curves.valid)
    repeats = duplicates(digests, keep)
    measured = curves.take(keep & ~repeats)
    values = statistics(measured.flux, measured.valid)
    unit = "relative flux" if curves.absolute else "flux in the file's units"
    units = {"range": unit, "scatter": unit, "skewness": "no unit", "dip_depth": "scatters below the median"}
    summary: dict[str, Any] = {
        **_balance(curves, keep),
        "cadence_days": curves.cadence,
        "time_system": curves.time_system,
        "n_examined": len(measured),
        "statistics": {
            name: {"unit": units[name], **_by_class(values[name], measured.label, seed)} for name in STATISTICS
        },
        "duplicates_within": _repeats(curves.id, digests, repeats, keep),
    }
    if extra is not None:
        other_keep = usable(extra.flux, extra.valid)
        other = row_digest(extra.flux, extra.valid)
        summary["extra"] = {
            **_balance(extra, other_keep),
            "duplicates_within": _repeats(extra.id, other, duplicates(other, other_keep), other_keep),
        }
        summary["duplicates_across"] = _shared(curves.id, digests, keep, extra.id, other)
    summary["warnings"] = list(curves.warnings) + _warnings(summary)

    pictures = {
        "examples": examples(measured, seed, unit),
        "distributions": distributions(values, measured.label, units, summary["statistics"]),
        "missing": missing(curves),
        "balance": balance({"this file": curves.label} | ({"second file": extra.label} if extra is not None else {})),
    }
    images = {name: png(figure) for name, figure in pictures.items()}
    for name, image in images.items():
        write_atomically(out / f"{name}.png", image)
    passed_on = shared(summary)
    write_atomically(out / "summary.json", (json.dumps(passed_on, indent=1, allow_nan=False) + "\n").encode())
    write_report(
        out / "explore.html",
        title=f"What is in {passed_on['source']}",
        metrics={},
        figures={_CAPTIONS[name]: image for name, image in images.items()},
        config={},
        warnings=passed_on["warnings"],
        verdict=_verdict(passed_on),
        data={key: passed_on[key] for key in ("source", "data_sha256", "n_cadences", "cadence_days", "time_system")},
    )
    return summary


_CAPTIONS = {
    "examples": "Examples, drawn at random",
    "distributions": "What tells hosts from others at first sight",
    "missing": "What was not measured",
    "balance": "How many of each class",
}


def _verdict(summary: dict[str, Any]) -> list[str]:
    """Return what a reader has to know first: the balance, what tells the classes apart, what is missing."""
    n, hosts, gaps = summary["n"], summary["n_positive"], summary["missing_share"]
    sentences = [f"{n:,} stars without labels."]
    if hosts is not None:
        share = summary["base_rate"]
        sentences = [f"{hosts:,} of {n:,} stars are hosts, a share of {share:.3g}: what a guess reaches."]
        deltas = {
            name.replace("_", " "): one["cliffs_delta"]
            for name, one in summary["statistics"].items()
            if one.get("cliffs_delta")
        }
        strong = {name: one for name, one in deltas.items() if one["low"] > 0 or one["high"] < 0}
        words = ", ".join(f"{name} (δ = {one['value']:+.2f})" for name, one in strong.items()).replace("-", "−")
        sentences.append(
            f"Hosts differ already in {words}: a model that sees only that knows no transit."
            if strong
            else "No simple statistic tells hosts from others."
        )
    repeats = summary["duplicates_within"]["n"]
    lost = f"{gaps['mean']:.1%} of the cadences are missing, of one star {gaps['largest']:.0%}"
    sentences.append(f"{lost}; {summary['n_unusable']:,} rows are unusable and {repeats:,} repeat another.")
    return sentences


def statistics(flux: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    """Return four numbers of each star, on its valid cadences.

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool, at least three true in a row.

    Returns:
        name to ``(n,)`` float64: ``range``, highest minus lowest flux; ``scatter``, 1.4826 times the median
        absolute deviation; ``skewness``, third standardised moment, negative for dips; ``dip_depth``, how far
        the third-lowest cadence (two outliers are forgiven) lies below the median, in scatters.
    """
    parts = [_statistics(flux[i : i + CHUNK], valid[i : i + CHUNK]) for i in range(0, len(flux), CHUNK)]
    empty = np.empty((len(STATISTICS), 0))
    return dict(zip(STATISTICS, np.concatenate(parts, axis=1) if parts else empty))


def _statistics(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return ``(4, n)``. NaN sorts last, so the median of a row stands at half its number of valid cadences."""
    n = valid.sum(axis=1)
    ordered = np.sort(np.where(valid, flux.astype(np.float64), np.nan), axis=1)
    centre = _middle(ordered, n)
    spread = MAD_TO_SIGMA * _middle(np.sort(np.abs(ordered - centre[:, None]), axis=1), n)
    high = np.take_along_axis(ordered, n[:, None] - 1, axis=1)[:, 0]
    residual = np.where(valid, flux - np.nanmean(ordered, axis=1, keepdims=True), 0)
    variance = (residual**2).sum(axis=1) / n
    skewness = (residual**3).sum(axis=1) / n / variance**1.5
    # More than half of the cadences equal leaves no median deviation; the standard deviation stands in.
    scale = np.where(spread > 0, spread, np.sqrt(variance))
    return np.stack([high - ordered[:, 0], scale, skewness, (centre - ordered[:, 2]) / scale])


def _middle(ordered: np.ndarray, n: np.ndarray) -> np.ndarray:
    pair = np.take_along_axis(ordered, np.stack([(n - 1) // 2, n // 2], axis=1), axis=1)
    return pair.mean(axis=1)


def _balance(curves: LightCurves, keep: np.ndarray) -> dict[str, Any]:
    gaps = 1 - curves.valid.mean(axis=1)
    n_hosts = None if curves.label is None else int(np.sum(curves.label == 1))
    return {
        "source": curves.source,
        "data_sha256": curves.sha256,
        "n": len(curves),
        "n_cadences": curves.flux.shape[1],
        "n_positive": n_hosts,
        "base_rate": None if n_hosts is None else n_hosts / len(curves),
        "n_unusable": int(np.sum(~keep)),
        "missing_share": {"mean": float(gaps.mean()), "largest": float(gaps.max())},
    }


def _by_class(value: np.ndarray, label: np.ndarray | None, seed: int) -> dict[str, Any]:
    if label is None:
        return {"all": _quartiles(value)}
    auc = ranking(label, value, groups=np.arange(len(value)), seed=seed, n_bootstrap=1000)["roc_auc"]
    return {
        "hosts": _quartiles(value[label == 1]),
        "others": _quartiles(value[label != 1]),
        "cliffs_delta": None if auc is None else {name: 2 * end - 1 for name, end in auc.items()},
    }


def _quartiles(value: np.ndarray) -> dict[str, float] | None:
    if len(value) == 0:
        return None
    return dict(zip(("q25", "median", "q75"), np.percentile(value, [25, 50, 75]).tolist()))


def _repeats(ids: np.ndarray, digests: np.ndarray, repeats: np.ndarray, keep: np.ndarray) -> dict[str, Any]:
    first = {digest: str(ids[i]) for i, digest in reversed(list(enumerate(digests))) if keep[i]}
    rows = np.flatnonzero(repeats)
    return {"n": len(rows), "pairs": [[first[digests[i]], str(ids[i])] for i in rows[:NAMED]]}


def _shared(
    ids: np.ndarray,
    digests: np.ndarray,
    keep: np.ndarray,
    other_ids: np.ndarray,
    other: np.ndarray,
) -> dict[str, Any]:
    where = {digest: str(ids[i]) for i, digest in enumerate(digests) if keep[i]}
    pairs = [[where[d], str(other_ids[i])] for i, d in enumerate(other) if d in where]
    return {"n": len(pairs), "pairs": pairs[:NAMED]}


def _warnings(summary: dict[str, Any]) -> list[str]:
    texts = []
    if summary["n_unusable"]:
        texts.append(f"{summary['n_unusable']} row(s) are empty or constant and were left out of the statistics")
    if summary["duplicates_within"]["n"]:
        texts.append(f"{summary['duplicates_within']['n']} row(s) repeat an earlier row bit by bit")
    if summary.get("duplicates_across", {"n": 0})["n"]:
        texts.append(f"{summary['duplicates_across']['n']} row(s) of the second file repeat a row of the first")
    return texts
