"""MODEL_CARD.md: what a trained model is, how well it works, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from exojax.report.page import NAMES, chance_levels, figure_text
from exojax.storage.plain_text import markdown, plain
from exojax.storage.write_file import write_atomically

LIMITS = (
    "It ranks stars for people to look at; it confirms no planet. A candidate needs vetting and follow-up.",
    "The probability holds for stars drawn like the data above, with the same share of hosts. Elsewhere it "
    "must be calibrated anew.",
    "Stars labelled as having no planet may have a planet as yet unknown.",
    "The intervals tell the luck of the stars drawn, not that of training with another seed.",
)


def write_model_card(
    path: Path,
    *,
    name: str,
    model: str,
    description: str,
    data: Mapping[str, Any],
    metrics: Mapping[str, Any],
    reproduce: Sequence[str],
    warnings: Sequence[str] = (),
    limits: Sequence[str] = (),
) -> None:
    """Write a card after Mitchell et al. (2019), in one step.

    Args:
        path: the Markdown file.
        name: of the run.
        model: name in the registry.
        description: a sentence or two on the architecture and how it was trained.
        data: what is known of the training data, name to value, with its fingerprint.
        metrics: as in ``metrics.json``.
        reproduce: the commands that make this run again.
        warnings: of the data and of the run; those of ``metrics`` are added.
        limits: sentences beyond the general ones.
    """
    sentences = dict.fromkeys(_line(text) for text in [*warnings, *metrics.get("warnings", ())])
    lines = [
        f"# {_line(name)}",
        "",
        _line(description),
        "",
        f"- Model: `{_code(model)}`",
        *(f"- {_line(key)}: `{_code(value)}`" for key, value in data.items()),
        "",
        "## Intended use",
        "",
        "To rank light curves by how likely their star hosts a transiting planet, as a first look.",
        "",
        "## Figures",
        "",
        *_figures(metrics),
        "",
        "## Limits and warnings",
        "",
        *(f"- {_line(text)}" for text in [*LIMITS, *limits, *sentences]),
        "",
        "## To reproduce",
        "",
        "```",
        *(_code(command) for command in reproduce),
        "```",
        "",
    ]
    write_atomically(path, "\n".join(lines).encode())


def _figures(metrics: Mapping[str, Any]) -> list[str]:
    if "n" not in metrics:
        return ["Not evaluated."]
    (tn, fp), (fn, tp) = metrics["confusion"]
    levels = chance_levels(metrics)
    return [
        f"On {metrics['n']} rows, {metrics['n_positive']} of them planet hosts; intervals are 95 %.",
        "",
        "| figure | value [95 % interval] | chance level |",
        "|---|---|---|",
        *(
            f"| {label} | {figure_text(metrics[key])} | {levels.get(label, '–')} |"
            for key, label in NAMES.items()
            if key in metrics
        ),
        "",
        f"At the stored threshold {figure_text(metrics['threshold'])}: {tp} hosts found, {fn} missed, {fp} "
        f"other stars called hosts, {tn} rightly passed over.",
    ]


def _line(text: Any) -> str:
    """Return a text that is no markup: a newline in a file's name would otherwise start a heading of its own."""
    return markdown(" ".join(str(text).split()))


def _code(text: Any) -> str:
    return plain(" ".join(str(text).split())).replace("`", "'")
