"""Rank hosts and false positives with a forest on the numbers of each vetter: ours, LEO-Vetter's, exovetter's.

``python -m benchmarks.vetting_forest --curves kepler_hosts_vs_fp.npz --koi kepler_koi.csv --tces
kepler_dr25_tces.csv.gz --out DIR`` takes real stars that are not set aside, at the catalogue's ephemerides and at those
of the search, in the same folds by star; other software's numbers are kept in DIR and not made again.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from benchmarks.vetting import Row, measured_at, numbers_of, real_rows, real_stars
from exojax.cli import command
from exojax.cli.options import value
from exojax.cli.table import text_table
from exojax.config import FoldConfig, SearchConfig
from exojax.errors import InputError
from exojax.evaluation import split
from exojax.light_curves import LightCurves
from exojax.runs.fold_stars import search_each
from exojax.simulate.random_streams import generator
from exojax.storage.cores import cores
from exojax.storage.json_files import write_json

FOLDS, REPEATS, TREES = 5, 2, 300
RESAMPLES = 2000
LIMB_DARKENING = (0.4, 0.26)


def search_rows(curves: LightCurves) -> Iterator[Row]:
    """Yield the best candidate that the search finds in each star, measured by all tests."""
    for star in range(len(curves)):
        one = curves.take(np.array([star]))
        (searched, trace), *_ = search_each([one], SearchConfig(), FoldConfig(), masks=[None])
        found = searched.found
        if len(found):
            best = int(np.argmax(np.nan_to_num(found.snr_red, nan=-1.0)))
            yield measured_at(one, found, trace, best)


def leo_numbers(job: tuple[Any, ...]) -> dict[str, Any]:
    """Return LEO-Vetter's metrics of one candidate: (id, label, time, flux, weight, period, t0, duration, star)."""
    warnings.simplefilter("ignore")
    from leo_vetter.main import TCELightCurve

    name, label, time, flux, weight, period, t0, duration, star = job
    out: dict[str, Any] = {"id": name, "label": label}
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        curve = TCELightCurve(1, time, 1 + flux, 1 + flux, weight**-0.5, period, t0, duration)
        about = {"rad": star[0], "mass": star[1], "rho": star[2], "Teff": 5700.0, "e_Teff": 100.0}
        about |= {"e_rad": 0.1 * star[0], "e_mass": 0.1 * star[1], "u1": LIMB_DARKENING[0], "u2": LIMB_DARKENING[1]}
        # A fit that fails leaves what came before it.
        with contextlib.suppress(Exception):
            curve.compute_flux_metrics(about, verbose=False)
    return out | {key: float(x) for key, x in curve.metrics.items() if isinstance(x, float | int | np.number)}


def exovetter_numbers(job: tuple[Any, ...]) -> dict[str, Any]:
    """Return exovetter's metrics of one candidate with depth and SNR; the job as for :func:`leo_numbers`."""
    warnings.simplefilter("ignore")
    from exovetter import leo, odd_even, sweet, transit_coverage
    from exovetter.modshift import modshift

    name, label, time, flux, weight, period, t0, duration, _ = job
    out: dict[str, Any] = {"id": name, "label": label, "log_period": np.log10(period), "duration": duration}
    error = weight**-0.5
    inside = np.abs(np.mod(time - t0 + 0.5 * period, period) - 0.5 * period) < 0.5 * duration
    model = np.where(inside, -1e-3, 0.0)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        with contextlib.suppress(Exception):
            found, _ = modshift.compute_modshift_metrics(
                time, flux - np.median(flux), model, period, t0, 24 * duration, show_plot=False
            )
            out |= {f"shift_{key}": float(x) for key, x in found.items() if key not in ("pri", "sec", "ter", "pos")}
        with contextlib.suppress(Exception):
            sigma, odd, even = odd_even.calc_odd_even(time, flux, period, t0, duration, dur_frac=0.3)
            out |= {"oe": float(sigma), "odd": float(odd[0]), "even": float(even[0])}
        with contextlib.suppress(Exception):
            table = sweet.sweet(time.copy(), flux.copy(), period, t0, duration)
            out |= {f"sweet_{k}": float(x) for k, x in enumerate(table.ravel())}
        with contextlib.suppress(Exception):
            out["coverage"] = float(transit_coverage.calc_coverage(time, period, t0, 24 * duration)[0])
        with contextlib.suppress(Exception):
            events = leo.ses_mes(time, period, t0, duration, 1 + flux, error)
            more = leo.chases_rubble(time, period, t0, duration, 1 + flux, error, events, 0.7, 0.1)
            out |= {key: float(x) for key, x in (events | more).items() if isinstance(x, float | int | np.number)}
    out["depth"] = float(-flux[inside].mean()) if inside.any() else np.nan
    out["snr"] = out["depth"] * np.sqrt(inside.sum()) / float(np.std(flux[~inside])) if inside.any() else np.nan
    return out


def numbers_by(function: Callable[[tuple[Any, ...]], dict[str, Any]], rows: Sequence[Row], path: Path) -> pd.DataFrame:
    """Return other software's numbers of all rows, on all cores; those in ``path`` are not made again."""
    if path.exists():
        return pd.read_csv(path, dtype={"id": str})
    jobs = []
    for row in rows:
        s, star = row.series, (row.star.radius, row.star.mass, row.star.density)
        jobs.append((row.id, row.label, s.time, s.flux, s.weight, s.period, s.t0, s.duration, star))
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        table = pd.DataFrame(pool.map(function, jobs, chunksize=8))
    table.to_csv(path, index=False)
    return table


def with_basics(rows: Sequence[Row]) -> pd.DataFrame:
    """Return our numbers of all rows, with period, duration and depth, as any vetter has them."""
    table = numbers_of(rows)
    table["log_period"] = [np.log10(row.series.period) if not row.series.single else np.nan for row in rows]
    table["duration"] = [row.series.duration for row in rows]
    table["depth"] = [row.series.depth for row in rows]
    table["star_radius"] = [row.star.radius for row in rows]
    table["star_density"] = [row.star.density for row in rows]
    return table


def forest_scores(table: pd.DataFrame, fold: np.ndarray, seed: int) -> np.ndarray:
    """Return out-of-fold probabilities of a forest on all numbers of a table; unknown ones become the training median.

    Args:
        table: columns ``id``, ``label`` and numbers.
        fold: ``(n,)`` int.
        seed: of the trees.
    """
    from sklearn.ensemble import RandomForestClassifier

    x = table.drop(columns=["id", "label"]).to_numpy(np.float64)
    x = np.where(np.isfinite(x), np.sign(x) * np.log1p(np.abs(x) * 1e3), np.nan)
    label, out = table["label"].to_numpy(), np.zeros(len(table))
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        known = np.isfinite(x[train]).any(axis=0)
        middle = np.nanmedian(x[train][:, known], axis=0)
        filled = np.where(np.isfinite(x[:, known]), x[:, known], middle)
        forest = RandomForestClassifier(TREES, min_samples_leaf=3, random_state=seed, n_jobs=cores())
        out[test] = forest.fit(filled[train], label[train]).predict_proba(filled[test])[:, 1]
    return out


def compared(scores: Mapping[str, np.ndarray], label: np.ndarray, first: str, seed: int) -> list[dict[str, Any]]:
    """Return average precisions with star-level bootstrap intervals, and paired differences from ``first``."""
    from sklearn.metrics import average_precision_score

    rng = generator(seed, "bootstrap", 0)
    draws = [rng.integers(0, len(label), len(label)) for _ in range(RESAMPLES)]
    resampled = {
        name: np.array([average_precision_score(label[d], score[d]) for d in draws]) for name, score in scores.items()
    }
    lines = []
    for name, score in scores.items():
        low, high = np.quantile(resampled[name], [0.025, 0.975])
        line = {"numbers": name, "average precision": float(average_precision_score(label, score))}
        line |= {"interval": f"{low:.3f} to {high:.3f}", f"less {first}": "", "stars": len(label)}
        if name != first:
            difference = resampled[name] - resampled[first]
            low, high = np.quantile(difference, [0.025, 0.975])
            line[f"less {first}"] = f"{difference.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        lines.append(line)
    return lines


@dataclass(frozen=True)
class Options:
    """Compare forests on the numbers of several vetters, at the catalogue's ephemerides and at the search's."""

    curves: Annotated[Path, value("FILE")]
    """an .npz of labelled Kepler light curves"""
    koi: Annotated[Path, value("FILE")]
    """the archive's table of Kepler objects of interest"""
    tces: Annotated[Path, value("FILE")]
    """the DR25 table of threshold-crossing events, for the stars"""
    out: Annotated[Path, value("DIR")]
    """folder for vetting_forest.json and for other software's numbers"""
    seed: int = 0
    """seed of folds and trees"""


def measure(options: Options) -> None:
    """Measure, print and write."""
    for name in ("leo_vetter", "exovetter"):
        if find_spec(name) is None:
            raise InputError(f'{name} is not installed: pip install -e ".[test]"')
    options.out.mkdir(parents=True, exist_ok=True)
    curves = real_stars(options.curves, options.tces)
    at_catalogue = real_rows(curves, options.koi)
    at_search = {row.id: row for row in search_rows(curves)}
    # All tables hold the same stars: those with a known size, a transit in the data, and a candidate.
    rows = [row for row in at_catalogue if np.isfinite(row.star.density) and row.id in at_search]
    tables = {
        "ours": with_basics(rows),
        "LEO-Vetter": numbers_by(leo_numbers, rows, options.out / "leo.csv"),
        "exovetter": numbers_by(exovetter_numbers, rows, options.out / "exovetter.csv"),
        "ours, the search's ephemerides": with_basics([at_search[row.id] for row in rows]),
    }
    tables["ours and LEO-Vetter"] = pd.concat(
        [tables["ours"], tables["LEO-Vetter"].drop(columns=["id", "label"]).add_prefix("leo_")], axis=1
    )
    label, names = np.array([row.label for row in rows]), np.array([row.id for row in rows])
    scores = {name: np.zeros(len(rows)) for name in tables}
    for repeat in range(REPEATS):
        fold = split.folds(names, label, k=FOLDS, seed=options.seed, repeat=repeat)
        for name, table in tables.items():
            scores[name] += forest_scores(table, fold, options.seed + repeat) / REPEATS
    lines = compared(scores, label, "LEO-Vetter", options.seed)
    print(text_table(lines))
    pd.DataFrame({"id": names, "label": label, **scores}).to_csv(options.out / "scores.csv", index=False)
    write_json(options.out / "vetting_forest.json", {"rows": lines})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    return command.run("vetting_forest.py", Options, measure, argv)


if __name__ == "__main__":
    raise SystemExit(main())
