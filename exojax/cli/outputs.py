"""Write the files of an evaluation: metrics.json, predictions.csv, importances.csv, plots, report and model card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import RunConfig
from exojax.evaluation import metrics
from exojax.evaluation.calibration import METHODS
from exojax.folded_events import COVERAGE, VALUE, FoldedEvents
from exojax.models.registry import training
from exojax.report import figures
from exojax.report.card import write_model_card
from exojax.report.importances import importances
from exojax.report.page import write_report
from exojax.report.style import HOST, OTHER, png
from exojax.report.verdict import verdict
from exojax.runs.evaluate import Evaluation
from exojax.runs.model_inputs import inputs_of
from exojax.runs.run import Run
from exojax.storage.json_files import write_json
from exojax.storage.plain_text import shared
from exojax.storage.write_file import write_atomically, write_csv
from exojax.training.log import read_metrics

N_PANELS, N_RANKED = 6, 20
"""number of rows in a figure, and in the table of the highest-scored rows"""

DESCRIPTIONS = {
    "linear": "Logistic regression on the log power spectrum of the flux.",
    "svc": "A support vector classifier with a radial kernel on the power spectrum or the series of the flux.",
    "boosting": "Gradient-boosted trees on numbers of the best candidate and on statistics of the series.",
    "mlp": "A dense network on the log power spectrum of the flux.",
    "mlp-flux": "A dense network on the standardised series.",
    "mlp-views": "A dense network on views of the light curve folded at its best periods.",
    "cnn-original": "The original project's network: four convolutions and a dense head on the standardised series.",
    "cnn": "Convolutions over time and over the lags of the autocorrelation of the flattened series.",
    "transit": "Convolutions over views of the light curve folded at its best periods, and numbers of each candidate.",
}
"""model -> its description in the model card"""


def write(run: Run, found: Evaluation, out: Path, *, comparison: list[dict[str, Any]]) -> Path:
    """Write all files of an evaluation; return the path of the report.

    Args:
        run: the run that was evaluated.
        found: result of :func:`exojax.evaluate`.
        out: folder; it is created if missing.
        comparison: rows of a table of several models; empty for no table.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(out / "predictions.csv", run, found)
    numbers = shared(found.metrics or {})
    scored, warnings = shared(found.curves.source), () if numbers else shared(found.warnings)
    if found.metrics is not None:
        write_json(out / "metrics.json", numbers)
    write_importances(out / "importances.csv", run)
    drawn, stars = plots(run, found), drawn_stars(run, found)
    folder = out / "plots"
    for name, image in (*drawn.values(), *stars.values()):
        write_atomically(folder / f"{name}.png", image)
    source = shared(run.config.data.source)
    facts = {"source": source, **{k: v for k, v in run.data.items() if k != "inputs"}}
    write_report(
        out / "report.html",
        title=f"{run.folder.name}: {run.config.model}",
        metrics=numbers,
        figures={caption: image for caption, (_, image) in drawn.items()},
        verdict=verdict(numbers, found.controls),
        ranked=ranked(found),
        ranked_figures={caption: image for caption, (_, image) in stars.items()},
        config=shared(changed(run.config, bool(run.scorer.steps))),
        warnings=warnings,
        comparison=comparison,
        controls=found.controls,
        summary=f"Scored: {scored}, {len(found.curves):,} rows. Calibration and threshold come from "
        f"{run.calibration.protocol} rows of the training data, by {METHODS[run.calibration.curve.method]}. "
        f"The probabilities assume that a share of {run.calibration.share:.4g} of the stars are hosts"
        f"{', as stated' if run.calibration.rate is not None else ', as among the training rows'}.",
        data={f"training {k}": v for k, v in facts.items()},
    )
    write_model_card(
        out / "MODEL_CARD.md",
        name=run.folder.name,
        model=run.config.model,
        description=DESCRIPTIONS.get(run.config.model, "See its file in exojax/models/."),
        data={
            "Trained on": source,
            "SHA-256 of it": run.data["sha256"],
            "Scored on": scored,
        },
        metrics=numbers,
        reproduce=[
            f"exojax train --config {shared(str(run.folder / 'config.json'))} --run {run.folder.name}-again",
            f"exojax evaluate --run {run.folder.name}-again --data {source}",
        ],
        warnings=warnings,
    )
    return out / "report.html"


def changed(config: RunConfig, stepwise: bool) -> dict[str, Any]:
    """Return the settings that differ from the defaults; without those of training if not ``stepwise``.

    Args:
        config: settings of the run.
        stepwise: true for a network, which is trained step by step.
    """
    plain = RunConfig(model=config.model)
    # How a model is trained by default stands in its own file.
    mine, usual = asdict(config), asdict(replace(plain, train=training(plain)))
    found: dict[str, Any] = {"model": config.model}
    if not stepwise:
        mine.pop("train")
    for name, value in mine.items():
        if isinstance(value, dict):
            if differing := {key: x for key, x in value.items() if x != (usual.get(name) or {}).get(key)}:
                found[name] = differing
        elif value != usual.get(name):
            found[name] = value
    return found


def write_predictions(path: Path, run: Run, found: Evaluation) -> None:
    """Write ``id,probability,prediction[,label][,disagreement]``, one row for each row of the input, in its order.

    Only a run with several members has the column ``disagreement``; it is empty for a row that cannot be scored.
    """
    label, differ = found.curves.label, found.disagreement
    columns = ["id", "probability", "prediction"] + ["label"] * (label is not None)
    columns += ["disagreement"] * (differ is not None)
    called = (found.probability >= run.calibration.threshold).astype(int)

    def rows() -> Iterator[list[str]]:
        for i, (name, p, c) in enumerate(zip(found.curves.id, found.probability, called)):
            row = [str(name), f"{p:.9g}", str(c)]
            row += [] if label is None else [str(int(label[i]))]
            row += [] if differ is None else [f"{differ[i]:.4g}" if np.isfinite(differ[i]) else ""]
            yield row

    write_csv(path, columns, rows())


def write_importances(path: Path, run: Run) -> None:
    """Write ``feature,importance,error``, the most important first; no file for a model without importances."""
    arrays = run.scorer.arrays
    if not len(arrays.get("importance", ())):
        return
    order = np.argsort(-arrays["importance"], kind="stable")
    rows = (
        [str(arrays["importance_name"][i]), f"{arrays['importance'][i]:.6g}", f"{arrays['importance_error'][i]:.6g}"]
        for i in order
    )
    write_csv(path, ["feature", "importance", "error"], rows)


def plots(run: Run, found: Evaluation) -> dict[str, tuple[str, bytes]]:
    """Draw the figures of an evaluation; return caption -> (file stem, PNG)."""
    drawn: dict[str, tuple[str, bytes]] = {}
    probability, label = found.probability, found.curves.label
    numbers = found.metrics
    if numbers is not None and label is not None:
        truth, score = label[found.counted], probability[found.counted]
        pr, roc = metrics.curves(truth, score, groups=found.group[found.counted], seed=run.config.seed)
        drawn["Precision against recall, with the 95 % band"] = (
            "pr",
            png(figures.precision_recall(pr, float(truth.mean()), numbers["average_precision"])),
        )
        drawn["True against false positive rate, with the 95 % band"] = (
            "roc",
            png(figures.roc(roc, numbers["roc_auc"])),
        )
        drawn["Share of hosts against the probability given"] = (
            "calibration",
            png(figures.calibration(metrics.reliability(truth, score))),
        )
        drawn["Rows of each class against the probability given"] = (
            "scores",
            png(figures.score_distributions(truth, score, numbers["threshold"])),
        )
        drawn["Confusion matrix at the stored threshold"] = (
            "confusion",
            png(figures.confusion(numbers["confusion"], numbers["threshold"])),
        )
    records = read_metrics(run.folder / "metrics.jsonl")
    if records:
        drawn["Training: loss and average precision on the validation rows, and the step of the stored weights"] = (
            "loss",
            png(figures.loss_curve(records, run.scorer.steps)),
        )
    arrays = run.scorer.arrays
    if len(arrays.get("importance", ())):
        drawn["Importance of each feature: loss of average precision on held-out folds of the training rows"] = (
            "importances",
            png(importances(arrays["importance_name"], arrays["importance"], arrays["importance_error"])),
        )
    return drawn


def drawn_stars(run: Run, found: Evaluation) -> dict[str, tuple[str, bytes]]:
    """Draw the highest-scored and the most wrong rows, as the model sees them; return caption -> (file stem, PNG)."""
    view = _view_of(run, found)
    what = "light curves" if view is None else "folds"
    top = np.argsort(-found.probability, kind="stable")[:N_PANELS]
    drawn = {f"The highest-scored {what}": ("highest", _panel(found, view, top, "Highest-scored"))}
    if found.curves.label is not None:
        wrong = figures.most_wrong(found.curves.label, found.probability, N_PANELS)
        drawn[f"The {what} farthest from their label"] = ("most_wrong", _panel(found, view, wrong, "Most wrong"))
    return drawn


def ranked(found: Evaluation) -> list[dict[str, Any]]:
    """Return the highest-scored rows, as rows of a table."""
    label = found.curves.label
    rows = []
    for place, r in enumerate(np.argsort(-found.probability, kind="stable")[:N_RANKED].tolist(), 1):
        row: dict[str, Any] = {
            "place": place,
            "star": str(found.curves.id[r]),
            "probability": float(found.probability[r]),
        }
        if label is not None:
            row["label"] = "host" if label[r] == 1 else "no known planet"
        rows.append(row)
    return rows


def _view_of(run: Run, found: Evaluation) -> np.ndarray | None:
    """Return ``(n, bins, 3)``, the view of each row's best candidate; None for a model without folded inputs."""
    name = next((name for name in ("local_view", "global_view") if name in run.inputs), None)
    if name is None:
        return None
    made = inputs_of([name], found.curves, run.config)[name]
    return np.asarray(made[:, 0])


def _panel(found: Evaluation, view: np.ndarray | None, rows: np.ndarray, title: str) -> bytes:
    curves = found.curves
    label = curves.label
    titles = [
        figures.star_title(str(curves.id[r]), float(found.probability[r]), None if label is None else int(label[r]))
        for r in rows
    ]
    colours = None if label is None else [HOST if label[r] == 1 else OTHER for r in rows]
    if view is not None:
        value, measured = view[rows, :, VALUE], view[rows, :, COVERAGE] > 0
        width = "phase within the view; the best candidate of each star"
        return png(figures.folds(value, measured, titles, title=title, width=width, colours=colours))
    if isinstance(curves, FoldedEvents):
        whole = curves.views["global_view"][rows, 0]
        phase = np.broadcast_to((np.arange(whole.shape[1]) + 0.5) / whole.shape[1] - 0.5, whole.shape[:2])
        series = (phase, whole[..., VALUE], whole[..., COVERAGE] > 0)
        units = ("flux (depth = 1)", "phase")
    else:
        series = (curves.time[rows], curves.flux[rows], curves.valid[rows])
        units = ("relative flux" if curves.absolute else "flux (file's units)", f"days, {curves.time_system}")
    figure = figures.light_curves(*series, titles, title=title, flux_unit=units[0], time_unit=units[1], colours=colours)
    return png(figure)
