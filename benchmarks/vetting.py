"""Measure how often each test of a candidate fails hosts and false positives, and how well its numbers rank them.

``python -m benchmarks.vetting --curves kepler_hosts_vs_fp.npz --koi kepler_koi.csv --tces kepler_dr25_tces.csv.gz --out
DIR`` measures real stars that are not set aside at catalogue ephemerides, and simulated ones at true ephemerides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from exojax.candidates import Candidates
from exojax.cli import command
from exojax.cli.options import value
from exojax.cli.table import text_table
from exojax.config import FoldConfig, SearchConfig, TeachConfig
from exojax.detection.search_star import Trace
from exojax.io import catalogue, npz, set_aside
from exojax.light_curves import LightCurves
from exojax.runs.fold_stars import vet_each
from exojax.simulate.teaching import teach
from exojax.storage.json_files import write_json
from exojax.vetting.all_tests import OWN_LIGHT, StarSize, Vetting, all_tests
from exojax.vetting.transit_series import TransitSeries, of_even

MISSIONS = ("kepler", "k2", "tess")
DETECTED = 7.1
"""least significance of the transits of candidates from which limits are chosen"""
DOUBTFUL, FAILED = 0.05, 0.01
"""share of hosts that a limit puts in doubt, and that it fails"""
LEAST_SNR, LONGEST = 10.0, 0.2
"""white-noise SNR of simulated signals at least; share of the period that they last at most"""
NUMBERS = {
    "duration_ratio": ("duration, longer", 1),
    "duration_ratio ": ("duration, shorter", -1),
    "planet_radius": ("planet_radius", 1),
    "sweet": ("sweet", 1),
    "unique": ("unique", -1),
    "secondary_margin": ("secondary", 1),
    "odd_even_uneven": ("odd_even", 1),
    "events_chi": ("alike", 1),
    "events_dominance": ("dominance", 1),
    "mean_median": ("mean_median", 1),
    "chases": ("chases", -1),
    "filled": ("coverage, empty bins", -1),
    "at_gaps": ("coverage, gaps", 1),
    "at_dumps": ("dumps", 1),
    "shape_gain": ("shape", -1),
    "shape_v": ("v_shape", 1),
    "asymmetry": ("asymmetry", 1),
    "ellipsoidal": ("orbital_light, tides", 1),
    "reflected": ("orbital_light, day side", 1),
}
"""number -> test, and 1 where large values speak against a planet, -1 where small ones do"""


@dataclass(frozen=True)
class Row:
    """One candidate of one star: its series, what the tests gave, and the star's label (1 for a host)."""

    id: str
    label: int
    series: TransitSeries
    star: StarSize
    vetting: Vetting


def real_stars(curves: Path, tces: Path) -> LightCurves:
    """Return the Kepler stars that are not set aside, with radius and mass where the DR25 table has them."""
    read = npz.read(curves)
    read = read.take(set_aside.chosen(read.id, "rest"))
    table = pd.read_csv(tces).drop_duplicates("target_id").set_index("target_id")
    known = {
        str(number): {"radius": float(row.tce_sradius), "mass": float(row.tce_smass), "teff": float(row.tce_steff)}
        for number, row in table.iterrows()
        if str(number) in set(read.id.tolist())
    }
    return catalogue.with_stars(read, known)


def measured(curves: LightCurves, given: catalogue.Known, best: Sequence[np.ndarray]) -> Iterator[Row]:
    """Yield the best of each star's given candidates that has a transit in the data, measured by all tests.

    Args:
        curves: n stars, labelled.
        given: their candidates.
        best: for each star the places of its candidates among its own, the best first.
    """
    for star, order in enumerate(best):
        one = curves.take(np.array([star]))
        if not len(given.of(str(one.id[0]))):
            continue
        (searched, trace), *_ = vet_each([one], SearchConfig(), FoldConfig(), given=given)
        for k in order.tolist():
            row = measured_at(one, searched.found, trace, k)
            if np.isfinite(row.series.depth):
                yield row
                break


def measured_at(star: LightCurves, found: Candidates, trace: Trace, k: int) -> Row:
    """Return candidate ``k`` of one star measured by all tests; ``found`` and ``trace`` are of its search."""
    size = StarSize()
    if star.stars is not None:
        size = StarSize(float(star.stars.radius[0]), float(star.stars.mass[0]), float(star.stars.density[0]))
    where = float(found.period[k]), float(found.t0[k]), float(found.duration[k])
    series = of_even(trace.flat, trace.weights[k], *where)
    vetting = all_tests(
        series,
        size,
        absolute=star.absolute,
        cadence=trace.flat.cadence,
        time_system=star.time_system,
        centroid_sigma=float(found.centroid_sigma[k]),
    )
    return Row(str(star.id[0]), 0 if star.label is None else int(star.label[0]), series, size, vetting)


def real_rows(curves: LightCurves, koi: Path) -> list[Row]:
    """Return the real stars at the catalogue's ephemerides: of a star's objects of its label the strongest."""
    table = pd.read_csv(koi, dtype={"kepid": str})
    given = catalogue.known(koi)
    best = []
    for star, name in enumerate(curves.id.tolist()):
        mine = table[table["kepid"] == name].reset_index(drop=True)
        planet = mine["koi_disposition"] != "FALSE POSITIVE"
        right = planet if curves.label is not None and curves.label[star] else ~planet
        strength = mine["koi_model_snr"].fillna(0.0).to_numpy()
        order = np.argsort(-strength, kind="stable")
        best.append(order[right.to_numpy()[order]])
    return list(measured(curves, given, best))


def simulated_rows(mission: str, n_stars: int, seed: int) -> list[Row]:
    """Return simulated stars with one visible signal at its true ephemeris: planets (1), binaries and blends (0)."""
    curves, truth = teach(TeachConfig(mission=mission, n_stars=n_stars, seed=seed))
    signals = truth.signals
    eclipses = np.flatnonzero(np.isin(signals.kind, ["planet", "binary", "blend"]))
    alone = np.bincount(signals.star[eclipses], minlength=n_stars)[signals.star[eclipses]] == 1
    seen = (signals.snr[eclipses] > LEAST_SNR) & (signals.n_transits[eclipses] > 1)
    chosen = signals.take(eclipses[alone & seen])
    stars = curves.take(chosen.star)
    period = chosen.found_period
    duration = np.minimum(chosen.duration, LONGEST * period)
    given = catalogue.Known(stars.id, np.full(len(stars), ""), period, chosen.t0, duration)
    labelled = replace(stars, label=(chosen.kind == "planet").astype(np.int8))
    return list(measured(labelled, given, [np.zeros(1, int)] * len(stars)))


def failures(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a line a test: shares of false positives and of hosts that fail, and of either that are not known."""
    label = np.array([row.label for row in rows])
    lines = []
    for name in rows[0].vetting.verdicts:
        verdict = np.array([row.vetting.verdicts[name] for row in rows])
        known = verdict != "not known"
        line: dict[str, Any] = {"test": name}
        for title, kind in (("false positives", 0), ("hosts", 1)):
            mine = known & (label == kind)
            for words, word in (("that fail", "fail"), ("in doubt", "inconclusive")):
                line[f"{title} {words}"] = float(np.mean(verdict[mine] == word)) if mine.any() else None
        line["known"] = int(known.sum())
        lines.append(line)
    return lines


def numbers_of(rows: Sequence[Row]) -> pd.DataFrame:
    """Return the numbers of all rows with columns ``id`` and ``label``."""
    return pd.DataFrame([{"id": row.id, "label": row.label, **row.vetting.numbers} for row in rows])


def limits(populations: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return for each number the limits that put 5 % of hosts in doubt and fail 1 %, and what false positives do.

    Populations weigh the same, whatever their size; only detected candidates count, and of secondaries those that are
    no light of a planet.

    Args:
        populations: of :func:`numbers_of`.
    """
    detected = {}
    for title, rows in populations.items():
        rows = rows[rows["mes"] >= DETECTED].copy()
        rows["sweet"] = rows[["sweet_half", "sweet_one", "sweet_two"]].max(axis=1)
        rows["mean_median"] = np.maximum(rows["mean_over_median"], 1.0 / rows["mean_over_median"])
        rows.loc[(rows["albedo"] < 1.0) & (rows["secondary_over_depth"] < OWN_LIGHT), "secondary_margin"] = np.nan
        detected[title] = rows
    lines = []
    for number, (test, sign) in NUMBERS.items():
        name = number.strip()
        hosts, others = (
            {title: sign * rows.loc[rows["label"] == kind, name].dropna() for title, rows in detected.items()}
            for kind in (1, 0)
        )
        doubtful, failed = (_quantile(list(hosts.values()), 1.0 - share) for share in (DOUBTFUL, FAILED))
        line: dict[str, Any] = {"test": test, "in doubt from": sign * doubtful, "fails from": sign * failed}
        for title in detected:
            line[f"{title}: hosts"] = float(np.mean(hosts[title] >= failed))
            line[f"{title}: false positives"] = float(np.mean(others[title] >= failed))
        lines.append(line)
    return lines


def _quantile(groups: Sequence[pd.Series], share: float) -> float:
    """Return a quantile of several groups that weigh the same."""
    values = np.concatenate([group.to_numpy() for group in groups])
    weight = np.concatenate([np.full(len(group), 1.0 / len(group)) for group in groups])
    order = np.argsort(values)
    place = np.searchsorted(np.cumsum(weight[order]) / weight.sum(), share)
    return float(values[order][min(int(place), len(values) - 1)])


@dataclass(frozen=True)
class Options:
    """Print the limits that populations of hosts give each test, and what share of hosts and false positives fails."""

    out: Annotated[Path, value("DIR")]
    """folder for vetting.json"""
    curves: Annotated[Path | None, value("FILE")] = None
    """an .npz of labelled Kepler light curves; simulated stars alone where it is missing"""
    koi: Annotated[Path | None, value("FILE")] = None
    """the archive's table of Kepler objects of interest"""
    tces: Annotated[Path | None, value("FILE")] = None
    """the DR25 table of threshold-crossing events, for the stars"""
    n_stars: int = 3000
    """simulated stars of each mission, of which those with one visible signal count"""
    seed: int = 5
    """seed of the simulated stars"""


def measure(options: Options) -> None:
    """Measure, print and write."""
    groups = {mission: simulated_rows(mission, options.n_stars, options.seed) for mission in MISSIONS}
    if options.curves and options.koi and options.tces:
        groups["real Kepler"] = real_rows(real_stars(options.curves, options.tces), options.koi)
    report: dict[str, Any] = {"limits": limits({title: numbers_of(rows) for title, rows in groups.items()})}
    print(text_table(report["limits"]))
    for title, rows in groups.items():
        hosts = sum(row.label for row in rows)
        print(f"\n{title}: {hosts} hosts, {len(rows) - hosts} false positives")
        lines = failures(rows)
        print(text_table(lines))
        report[title] = {"hosts": hosts, "false positives": len(rows) - hosts, "failures": lines}
    write_json(options.out / "vetting.json", report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    return command.run("vetting.py", Options, measure, argv)


if __name__ == "__main__":
    raise SystemExit(main())
