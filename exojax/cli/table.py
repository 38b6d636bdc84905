"""Format tables of figures with intervals, one row per model, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from exojax.report.page import figure_text
from exojax.storage.plain_text import markdown

if TYPE_CHECKING:
    from exojax.runs.evaluate import Evaluation
    from exojax.runs.run import Run

FIGURES = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "recall_at_precision_0.9": "recall at precision 0.9",
    "recall": "recall",
    "precision": "precision",
}
"""key in metrics.json -> title of the column"""

CHANCE = "chance level"
"""title of the column with the average precision of random scores, which is the share of hosts among the scored rows"""


def comparison_rows(runs: Sequence[Run], found: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Return one row per run for :func:`text_table` and for the report; unlabelled data give the name only."""
    rows = []
    for run, evaluation in zip(runs, found):
        row: dict[str, Any] = {"model": run.config.model}
        if evaluation.metrics is not None:
            figures = {title: evaluation.metrics[key] for key, title in FIGURES.items()}
            hosts, stars = evaluation.metrics["n_positive"], evaluation.metrics["n"]
            # Next to the average precision, which means nothing without it.
            row |= {"average precision": figures.pop("average precision"), CHANCE: hosts / stars, **figures}
            row["hosts / stars"] = f"{hosts} / {stars}"
        rows.append(row)
    return rows


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows in aligned columns."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns] + [["" if c not in row else figure_text(row[c]) for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in cells)


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [[markdown(column) for column in columns], ["---"] * len(columns)]
    lines += [["" if c not in row else _markdown_cell(row[c]) for c in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _markdown_cell(value: Any) -> str:
    return markdown(value) if isinstance(value, str) else figure_text(value)
