"""Write the files of a tuning (config.json, tune.json, trials.csv, plots), and its summary for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from exojax.report import tuning as figures
from exojax.report.page import figure_text, write_report
from exojax.report.style import png
from exojax.runs.tune import TuningResult
from exojax.storage.json_files import write_json
from exojax.storage.plain_text import shared
from exojax.storage.write_file import write_atomically, write_csv

_CAPTIONS = {
    "history": "Trials in the order in which they ended",
    "importances": "Importance of each setting",
    "slices": "Average precision of the inner folds against each setting",
}


def write(found: TuningResult, out: Path, config: dict[str, Any], source: str) -> str:
    """Write all files of a tuning.

    Args:
        found: result of :func:`exojax.runs.tune.tune`.
        out: folder.
        config: the best configuration, as a dictionary for JSON.
        source: description of the source.

    Returns:
        The summary for the terminal.
    """
    params = sorted({name for trial in found.trials for name in trial.params})

    def rows() -> Iterator[list[Any]]:
        for trial in found.trials:
            score = "" if trial.score is None else f"{trial.score:.6g}"
            chosen = [trial.params.get(name, "") for name in params]
            yield [trial.number, trial.state, score, f"{trial.seconds:.2f}", *chosen, trial.reason]

    head = ["number", "state", "average_precision", "seconds", *params, "reason"]
    write_csv(out / "trials.csv", head, rows())
    write_json(out / "config.json", config)
    took = np.array([(trial.seconds, trial.fit_seconds) for trial in found.trials])
    overhead = float(took[:, 0].sum() / max(took[:, 1].sum(), 1e-9) - 1)
    write_json(
        out / "tune.json",
        {
            "source": shared(source),
            "study": found.study,
            "inner": found.inner,
            "outer": found.outer,
            "optimism": found.optimism,
            "default_outer": found.default,
            "gain_over_default": found.gain,
            "n_outer": found.n_outer,
            "hosts_outer": found.hosts_outer,
            "chance_level": found.hosts_outer / max(found.n_outer, 1),
            "finished": len(found.trials),
            "pruned": sum(trial.state == "pruned" for trial in found.trials),
            "importances": found.importances,
            "overhead": overhead,
            "warnings": shared(found.warnings),
        },
    )
    scores = [np.nan if trial.score is None else trial.score for trial in found.trials]
    complete = np.array([trial.state == "complete" for trial in found.trials])
    columns = {name: [trial.params.get(name) for trial in found.trials] for name in params}
    plots = {
        "history": figures.history(np.array(scores), complete),
        "importances": figures.importances(found.importances),
        "slices": figures.slices(columns, np.array(scores), complete),
    }
    images = {name: png(figure) for name, figure in plots.items()}
    for name, image in images.items():
        write_atomically(out / f"{name}.png", image)
    write_report(
        out / "tune.html",
        title=f"Tuning of {config['model']}",
        metrics={},
        figures={_CAPTIONS[name]: image for name, image in images.items()},
        config=shared(config),
        warnings=shared(found.warnings),
        verdict=_verdict(found),
        summary=f"{shared(source)}: {len(found.trials)} finished trials; Optuna took {overhead:.1%} of their time.",
    )
    return _summary(found, overhead, out)


def _verdict(found: TuningResult) -> list[str]:
    """Return sentences on the best settings: their score on the outer rows, and the comparison with the defaults."""
    chance, value = found.hosts_outer / max(found.n_outer, 1), figure_text(found.outer)
    rows = f"{found.n_outer:,} outer rows with {found.hosts_outer:,} hosts"
    lines = [f"The best settings reach an average precision of {value} on {rows}; random scores reach {chance:.3f}."]
    gain = found.gain
    if gain is None or gain.get("low") is None:
        lines.append("The data do not show whether they are better than the model's own settings.")
    else:
        better = "better than" if gain["low"] > 0 else "worse than" if gain["high"] < 0 else "compatible with"
        lines.append(f"They are {better} the model's own settings: the difference is {figure_text(gain)}.")
    lines.append(
        f"They were chosen by their score in the inner folds, {found.inner:.3f}. Such a score is too high on average; "
        f"do not quote it. It exceeds the outer one by {figure_text(found.optimism)}."
    )
    return lines


def _summary(found: TuningResult, overhead: float, out: Path) -> str:
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    best = next(trial for trial in found.trials if (trial.state, trial.score) == ("complete", found.inner))
    chosen = [f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in sorted(best.params.items())]
    lines = [
        *(f"note: {text}" for text in found.warnings),
        f"{len(found.trials)} finished trials, {pruned} of them pruned; Optuna took {overhead:.1%} of their time",
        f"best: {', '.join(chosen)}",
        f"average precision, inner folds: {found.inner:.3f} (the settings were chosen by it: do not quote it)",
        f"average precision, {found.n_outer} outer rows with {found.hosts_outer} hosts: {figure_text(found.outer)} "
        f"(chance level {found.hosts_outer / max(found.n_outer, 1):.3f})",
        f"optimism, inner minus outer: {figure_text(found.optimism)}",
        f"the model's own settings on the same outer rows: {figure_text(found.default)}; "
        f"difference {figure_text(found.gain)}",
        f"train it: exojax train --config {out / 'config.json'}",
    ]
    return "\n".join(lines)
