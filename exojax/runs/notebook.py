"""Define the public functions for notebooks: search, vet, fold, fit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exojax.config import FoldConfig, RunConfig, SearchConfig
from exojax.errors import InputError
from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS, Data, FoldedEvents
from exojax.io.catalogue import Known, check_ephemerides
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves
from exojax.runs import survey
from exojax.runs.candidate_table import FIRST_COLUMNS, lines
from exojax.runs.fold_stars import joined, vet_each
from exojax.runs.ranked_candidates import RankedCandidates
from exojax.storage.cores import workers
from exojax.storage.write_file import write_csv
from exojax.vetting.all_tests import NUMBERS, Vetting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from exojax.models.base import Network
    from exojax.runs.run import Run

BLOCK = 512
"""rows that the search receives at once"""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The ranked candidates of light curves.

    Attributes:
        curves: the light curves that were searched.
        config: settings of the search.
        skipped: stars that could not be searched, with the reason.
    """

    curves: LightCurves
    config: SearchConfig
    skipped: tuple[Skipped, ...]
    _found: RankedCandidates
    _given: Known | None
    _run: str | None

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self._found)

    def __repr__(self) -> str:
        """Return the size of the result."""
        n = self._found.n_stars
        return f"SearchResult({len(self)} candidates of {n} stars, {len(self.skipped)} skipped)"

    def _repr_html_(self) -> str:
        return str(self.table.to_html(max_rows=20))

    @property
    def table(self) -> pd.DataFrame:
        """One row per candidate, best first, with the columns of ``candidates.csv``; NaN or None where unknown."""
        import pandas as pd

        return pd.DataFrame(list(lines(self._found, None)))

    def to_csv(self, path: str | Path) -> None:
        """Write :attr:`table` as CSV, without row numbers."""
        rows = list(lines(self._found, None))
        columns = rows[0] if rows else FIRST_COLUMNS
        write_csv(Path(path), columns, (line.values() for line in rows))

    def plot(self, candidate: int = 0) -> Figure:
        """Return the vetting sheet of a candidate as a Matplotlib figure.

        Args:
            candidate: row number in :attr:`table`, from 0.

        Raises:
            IndexError: the table has no such row.
        """
        from exojax.candidates import Candidates
        from exojax.report.folding import sheet_of
        from exojax.report.sheet import draw

        if not 0 <= candidate < len(self):
            raise IndexError(f"candidate {candidate}: the table has {len(self)} rows")
        row = self._found.row(candidate)
        scorer = _scorer_of(self._run, None)
        star = self.curves.take(np.flatnonzero(self.curves.id == row["id"])[:1])
        how = FoldConfig() if scorer is None else scorer.fold
        searched, trace = next(survey.again([star], self.config, None, how, self._given))
        of_star = Candidates.of_rows([line | {"star": 0} for line in self._found.of_star(row["star"])])
        rank = int(row["rank"])
        is_chosen = of_star.rank == rank
        sheet = sheet_of(
            searched.curves,
            of_star.take(is_chosen),
            of_star.take(~is_chosen),
            trace,
            trace.periodograms[rank - 1],
            tuple(row["warnings"]),
            Vetting(row["vetting"], row["verdicts"]),
        )
        reasons = None
        if scorer is not None and scorer.explain is not None:
            reasons = scorer.explain(searched)[rank - 1]
        return draw(replace(sheet, flags=tuple(filter(None, row["flags"].split(";"))), reasons=reasons))


def search(
    curves: LightCurves,
    config: SearchConfig | None = None,
    *,
    run: str | None = "pretrained",
    prior: float | None = None,
    known: Known | None = None,
) -> SearchResult:
    """Search light curves for transits.

    >>> result = exojax.search(curves)                              # doctest: +SKIP
    >>> result.table[["id", "period_days", "depth_ppm", "snr"]]     # doctest: +SKIP

    Args:
        curves: n stars with different ids.
        config: ranges in days, and thresholds; None for the defaults.
        run: trained run that gives each candidate a probability: ``pretrained``, a name under ``checkpoints/`` or a
            path; None for no probabilities.
        prior: expected share of hosts among the stars; None for the share among the run's training rows.
        known: known planets; the column ``matches`` names them.

    Returns:
        The candidates of all stars, ranked by the signal-to-noise ratio against red noise.

    Raises:
        InputError: two stars share an id, or the run cannot be read.
    """
    return _survey(curves, config or SearchConfig(), run, prior, known, None)


def vet(
    curves: LightCurves,
    period: Any,
    t0: Any,
    duration: Any,
    *,
    id: Any = None,
    config: SearchConfig | None = None,
    run: str | None = "pretrained",
    prior: float | None = None,
) -> SearchResult:
    """Measure and vet candidates at given ephemerides, without a search.

    >>> result = exojax.vet(curves, period=9.7, t0=1327.3, duration=0.17)    # doctest: +SKIP

    Args:
        curves: n stars with different ids.
        period: days, one number or ``(k,)`` for k candidates; NaN for a single transit.
        t0: days, any mid-transit in the time system of the light curves; one number or ``(k,)``.
        duration: days, first to last contact; one number or ``(k,)``.
        id: ``(k,)``, the star of each candidate; by default one candidate per star, in the order of the stars.
        config: settings, of which the detrending window is used.
        run: as in :func:`search`.
        prior: as in :func:`search`.

    Returns:
        As :func:`search`.

    Raises:
        InputError: an ephemeris has an impossible value or names no star, two stars share an id, or the run cannot be
            read.
    """
    given = _ephemerides(curves, period, t0, duration, id)
    return _survey(curves, config or SearchConfig(), run, prior, None, given)


def fold(
    curves: LightCurves, period: Any, t0: Any, duration: Any, *, config: SearchConfig | None = None
) -> FoldedEvents:
    """Fold each star at one ephemeris into views, for plots and for networks.

    >>> events = exojax.fold(curves, 9.7, 1327.3, 0.17)    # doctest: +SKIP
    >>> events.views["local_view"].shape                    # doctest: +SKIP
    (1, 1, 61, 3)

    Args:
        curves: n stars with different ids.
        period: days, one number or ``(n,)``; NaN for a single transit.
        t0: days, any mid-transit in the time system of the light curves; one number or ``(n,)``.
        duration: days, first to last contact; one number or ``(n,)``.
        config: settings, of which the detrending window is used.

    Returns:
        n rows of one candidate each, for :func:`exojax.predict`; the coverage of a star without measured flux is 0.

    Raises:
        InputError: an ephemeris has an impossible value.
    """
    given, settings, how = _ephemerides(curves, period, t0, duration, None), config or SearchConfig(), FoldConfig()
    n = len(curves)
    views = {
        name: np.zeros((n, 1, how.global_bins if name in WIDE_VIEWS else how.local_bins, 3), np.float32)
        for name in VIEWS
    }
    scalars = np.full((n, 1, len(SCALARS)), np.nan, np.float32)
    vetting = np.full((n, 1, len(NUMBERS)), np.nan, np.float32)
    for star in range(n):
        (searched, _), *_ = vet_each([curves.take(np.array([star]))], settings, how, given=given)
        _, made = joined([searched])
        for name in VIEWS if made else ():
            views[name][star, 0] = made[name][0]
            scalars[star, 0], vetting[star, 0] = made["scalars"][0], made["vetting"][0]
    return FoldedEvents(
        id=curves.id,
        views=views,
        scalars=scalars,
        vetting=vetting,
        label=curves.label,
        kind=curves.kind,
        source=curves.source,
        sha256=f"{curves.sha256} folded",
        warnings=curves.warnings,
        catalogued=curves.catalogued,
    )


def fit(model: str | RunConfig | Network, data: Data, folder: str | Path | None = None, **settings: Any) -> Run:
    """Train, calibrate and store a model. After an interruption, the same call continues.

    >>> run = exojax.fit("transit", curves)    # doctest: +SKIP

    Args:
        model: a name, a configuration, or your own network, which is registered as ``mine``.
        data: labelled light curves or folded events.
        folder: a name under ``checkpoints/`` or a path; by default ``checkpoints/<source>-<model>``.
        settings: ``test_fraction``, ``report`` and ``recipe``, as in :func:`exojax.runs.fit.fit`.

    Raises:
        InputError: the data or the configuration cannot be used, or the folder holds another run.
    """
    from exojax.models import registry
    from exojax.runs import fit as runs_fit

    if isinstance(model, RunConfig):
        config = model
    elif isinstance(model, str):
        config = RunConfig(model=model)
    else:
        registry.register("mine", model)
        config = RunConfig(model="mine")
    return runs_fit.fit(config, data, folder, **settings)


def _survey(
    curves: LightCurves,
    config: SearchConfig,
    run: str | None,
    prior: float | None,
    known: Known | None,
    given: Known | None,
) -> SearchResult:
    if len(set(curves.id.tolist())) < len(curves):
        names, counts = np.unique(curves.id, return_counts=True)
        raise InputError(f"id {names[counts > 1][0]}: several stars have this id; give every star a different one")
    scorer = _scorer_of(run, prior)

    def stars(done: set[str]) -> Any:
        for first in range(0, len(curves), BLOCK):
            yield replace(curves.take(np.arange(first, min(first + BLOCK, len(curves)))), warnings=())

    # The rows of the result are in an open file without a name, which exists as long as the result.
    with tempfile.TemporaryDirectory(prefix="exojax-") as out:
        found = survey.search(
            stars,
            config,
            Path(out),
            settings={},
            known=known,
            given=given,
            score_candidates=None if scorer is None else scorer.score_candidates,
            how=FoldConfig() if scorer is None else scorer.fold,
            workers=workers(),
        )
    return SearchResult(curves, config, found.skipped, found, given, run)


def _scorer_of(run: str | None, prior: float | None) -> Any:
    if run is None:
        return None
    from exojax.runs.candidate_scores import candidate_scorer

    return candidate_scorer(str(run), prior)


def _ephemerides(curves: LightCurves, period: Any, t0: Any, duration: Any, id: Any) -> Known:
    names = curves.id if id is None else np.atleast_1d(np.asarray(id)).astype(np.str_)
    try:
        columns: Mapping[str, np.ndarray] = {
            name: np.broadcast_to(np.asarray(value, np.float64), names.shape).copy()
            for name, value in (("period", period), ("t0", t0), ("duration", duration))
        }
    except ValueError:
        raise InputError(
            f"period, t0 and duration: give one number, or {len(names)} numbers, one for each candidate"
        ) from None
    unknown = set(names.tolist()) - set(curves.id.tolist())
    if unknown:
        raise InputError(f"id {min(unknown)}: there is no such star among the {len(curves)} light curves")
    found = Known(names, np.full(len(names), ""), **columns)
    check_ephemerides(found, "vet")
    return found
