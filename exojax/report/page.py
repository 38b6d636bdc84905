"""One self-contained HTML page: no script, no second file, readable on a phone and in the dark."""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exojax.storage.write_file import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


NAMES = {
    "average_precision": "Average precision",
    "roc_auc": "ROC AUC",
    "recall_at_precision_0.9": "Recall at precision 0.9",
    "precision_at_recall_0.9": "Precision at recall 0.9",
    "brier": "Brier score (lower is better)",
    "recall": "Recall at the threshold",
    "precision": "Precision at the threshold",
}
CSS = """
:root{color-scheme:light dark;--ink:#1c2330;--paper:#fff;--soft:#5b6472;--line:#d9dee6;--warn:#fff4d6;
--edge:#d08700;--focus:#0072b2;--chosen:#e3eefb}
@media(prefers-color-scheme:dark){
:root{--ink:#e6e9ee;--paper:#14181f;--soft:#9aa4b2;--line:#323a46;--warn:#3a2f12;--edge:#e0a030;--focus:#56b4e9;--chosen:#21324a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.2rem 1rem 3rem;max-width:62rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:.4rem 0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
p{margin:.5rem 0}.soft{color:var(--soft)}code{font:.88em/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.warn{background:var(--warn);border-left:4px solid var(--edge);border-radius:0 6px 6px 0;padding:.6rem 1rem}
.warn ul{margin:.3rem 0;padding-left:1.2rem}
.verdict{border-left:4px solid var(--focus);padding:.2rem 1rem;margin:.8rem 0}
.verdict p{margin:.35rem 0;font-size:1.05rem}
.scroll{overflow-x:auto;max-width:100%}h1,p,li,figcaption,summary{overflow-wrap:anywhere}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}td.n{white-space:nowrap}td.t{min-width:15rem}td.o{overflow-wrap:anywhere}
summary{cursor:pointer;font-weight:600;margin:2.2rem 0 .6rem}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1rem}
figure{margin:0;min-width:0}
figure.wide{grid-column:1/-1}
img{width:100%;height:auto;border-radius:6px;background:#fff}
figcaption{color:var(--soft);font-size:.9rem}
@media print{:root{--ink:#000;--paper:#fff;--soft:#444;--line:#bbb;--warn:#fff;--edge:#000}
body{max-width:none;font-size:10.5pt;padding:0}
.plots{grid-template-columns:1fr 1fr;align-items:start}
figure,tr,.warn,.verdict{break-inside:avoid}h2{break-after:avoid}details>*{display:block}.scroll{overflow:visible}}
"""


def write_report(
    path: Path,
    *,
    title: str,
    metrics: Mapping[str, Any],
    figures: Mapping[str, Figure | bytes],
    config: Mapping[str, Any],
    warnings: Sequence[str] = (),
    comparison: Sequence[Mapping[str, Any]] = (),
    controls: Sequence[Mapping[str, Any]] = (),
    summary: str = "",
    data: Mapping[str, Any] | None = None,
    verdict: Sequence[str] = (),
    ranked: Sequence[Mapping[str, Any]] = (),
    ranked_figures: Mapping[str, Figure | bytes] | None = None,
) -> None:
    """Write the report of a run or of a comparison, in one step, so that no half page is ever seen.

    Args:
        path: the HTML file.
        title: heading of the page.
        metrics: as in ``metrics.json``; figures are ``{"value", "low", "high"}`` or None.
        figures: caption to a matplotlib figure or to the bytes of a PNG, in the order shown. Wide ones take
            the whole width.
        config: the run's configuration, nested as in ``config.json``.
        warnings: sentences shown on top, those of ``metrics`` after them; a sentence is shown once.
        comparison: rows of one table that compares models: column name to text, number or figure.
        controls: rows from :func:`exojax.evaluation.controls.score`.
        summary: a paragraph under the title.
        data: what is known of the data (source, stars, fingerprint), name to value.
        verdict: what the figures say, a sentence each; it stands on top.
        ranked: rows of a table of the highest-scored, the best first.
        ranked_figures: as ``figures``, beside that table.
    """
    sentences = list(dict.fromkeys([*warnings, *metrics.get("warnings", ())]))
    facts = dict(data or {}) | {k: metrics[k] for k in ("model", "data_sha256") if k in metrics}
    method = "".join(
        (
            _section("Data", _pairs(facts) if facts else ""),
            _section("Settings that differ from the defaults", _pairs(_flat(config)) if config else ""),
            _section("This page", _pairs(provenance())),
        )
    )
    chosen = "".join(_plot(caption, figure) for caption, figure in (ranked_figures or {}).items())
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<div class="verdict">{"".join(f"<p>{escape(text)}</p>" for text in verdict)}</div>' if verdict else "",
        f"<p>{escape(summary)}</p>" if summary else "",
        _warnings(sentences),
        _section("Models compared", _table(comparison) if comparison else ""),
        _section("Figures", _metrics(metrics)),
        _section("Plots", "".join(_plot(caption, figure) for caption, figure in figures.items()), "plots"),
        _section("Shortcut controls", _controls(controls) if controls else ""),
        _section("Highest-scored", _table(ranked) if ranked else ""),
        f'<div class="plots">{chosen}</div>' if chosen else "",
        _section("Prediction sets", _conformal(metrics["conformal"]) if metrics.get("conformal") else ""),
        f"<details open><summary>Method</summary>{method}</details>",
    ]
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head>\n<body>\n<main>\n"
        + "\n".join(part for part in body if part)
        + "\n</main>\n</body></html>\n"
    )
    write_atomically(path, page.encode())


def provenance() -> dict[str, str]:
    """Return the date, the software and the machine of a page: what the same command again writes the same."""
    import exojax

    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return {
        "written": datetime.now(UTC).strftime("%Y-%m-%d"),
        "exojax": str(exojax.__version__),
        "machine": machine,
    }


def figure_text(figure: Any) -> str:
    """Return ``0.693 [0.612, 0.770]`` of a figure with an interval, ``undefined`` of None, and a short text of the
    rest."""
    if figure is None:
        return "undefined"
    if isinstance(figure, Mapping) and "value" in figure:
        if figure.get("low") is None:
            return number(figure["value"])
        return f"{number(figure['value'])} [{number(figure['low'])}, {number(figure['high'])}]"
    return number(figure)


def number(value: Any) -> str:
    """Write three decimals for a share, four digits for other floats, as it is for the rest."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if 0.001 <= abs(value) <= 1 or value == 0 else f"{value:.4g}"


def _section(heading: str, content: str, css: str = "") -> str:
    if not content:
        return ""
    # What scrolls sideways can be reached with the keyboard.
    focus = "" if css else f' tabindex="0" role="region" aria-label="{heading}"'
    return f'<h2>{heading}</h2>\n<div class="{css or "scroll"}"{focus}>{content}</div>'


def _warnings(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    return f'<div class="warn"><strong>Read this first</strong><ul>{items}</ul></div>'


def _metrics(metrics: Mapping[str, Any]) -> str:
    rows = [(label, metrics[key]) for key, label in NAMES.items() if key in metrics]
    if not rows:
        return ""
    levels = chance_levels(metrics)
    cells = "".join(
        f'<tr><td>{label}</td><td class="n">{figure_text(f)}</td><td class="n">{levels.get(label, "–")}</td></tr>'
        for label, f in rows
    )
    note = (
        f"{metrics['n']:,} rows, {metrics['n_positive']:,} of them planet hosts (base rate "
        f"{metrics['n_positive'] / max(metrics['n'], 1):.3g}). Threshold {number(metrics['threshold'])}. "
        "Intervals are 95 %: star-level bootstrap; exact binomial for recall and precision at the threshold."
    )
    table = f"<table><tr><th>figure</th><th>value [95 % interval]</th><th>chance level</th></tr>{cells}</table>"
    return f'{table}<p class="soft">{escape(note)}</p>'


def chance_levels(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return what a guess reaches, by the label of its figure: the share of hosts, or a ROC AUC of one half.

    Args:
        metrics: as in ``metrics.json``.
    """
    share = number(metrics["n_positive"] / max(metrics["n"], 1))
    levels = {"average_precision": share, "precision_at_recall_0.9": share, "precision": share, "roc_auc": "0.500"}
    return {NAMES[key]: level for key, level in levels.items()}


def _plot(caption: str, figure: Figure | bytes) -> str:
    from exojax.report.style import png

    content = figure if isinstance(figure, bytes) else png(figure)
    # Width and height of a PNG stand at fixed places of its header.
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    wide = ' class="wide"' if width > 1.6 * height or width > 1100 else ""
    source = base64.b64encode(content).decode()
    text = escape(caption)
    return (
        f'<figure{wide}><img alt="{text}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{source}"><figcaption>{text}</figcaption></figure>'
    )


def _controls(rows: Sequence[Mapping[str, Any]]) -> str:
    names = {
        "control": "control",
        "against": "hosts against",
        "roc_auc": "ROC AUC",
        "average_precision": "average precision",
        "chance": "chance level",
        "says": "what it says",
    }
    filled = [{**row, "chance": row["n_positive"] / row["n"] if row.get("n") else None} for row in rows]
    table = _table([{label: row.get(key) for key, label in names.items()} for row in filled])
    note = (
        "The ranking that remains when the planets are taken away: a ROC AUC of 0.5 is chance. Dips "
        "shallower than 3 sigma survive masking; coverage is a separate model that sees no flux at all."
    )
    return f'{table}<p class="soft">{note}</p>'


def _conformal(found: Mapping[str, Any]) -> str:
    """Write sentences first: what a set is and how often it holds; then the numbers, a class a line."""
    share = 1 - float(found["alpha"])
    lines: list[dict[str, Any]] = []
    for name, row in found["classes"].items():
        line = {"class": name, "stars to calibrate on": row["n_calibration"], "stars scored": row["n_test"]}
        if row["refused"]:
            line["right sets"] = f"no sets: {row['refused']}"
        elif "coverage" in row:
            band, again = row["band"], row["resplits"]
            line["right sets"] = f"{row['coverage']:.0%}"
            line["expected"] = f"{band['expected']:.0%}, in 95 of 100 tries {band['low']:.0%} to {band['high']:.0%}"
            line[f"mean of {again['n']} resplits"] = f"{again['mean']:.1%}"
        lines.append(line)
    sets = ", ".join(f"{count:,} stars “{kind}”" for kind, count in found["sets"].items())
    note = (
        f"Instead of a yes or no each star gets the set of classes that it may be of, such that {share:.0%} of each "
        f"class's stars have theirs in the set (split conformal prediction, one score a star). Sets given: "
        f"{sets or 'none'}. A set of both classes says that the score does not decide. Resplits shuffle calibration "
        "and scored stars together, so they test the sets and not the model. "
    )
    return f"<p>{escape(note + found['claim'])}</p>{_table(lines)}"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{escape(str(c))}</th>" for c in columns)
    lines = ("".join(_cell(row.get(c)) for c in columns) for row in rows)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _cell(value: Any) -> str:
    text = "–" if value is None else figure_text(value)
    # A figure and its interval stay on one line; words give way to them, and a path breaks anywhere.
    longest = max(map(len, text.split()), default=0)
    css = "o" if longest > 30 else "t" if len(text) > 40 else "n" if "[" in text or " " not in text else "w"
    return f'<td class="{css}">{escape(text)}</td>'


def _pairs(values: Mapping[str, Any]) -> str:
    lines = (
        f"<tr><td>{escape(str(key).replace('_', ' '))}</td><td><code>{escape(_short(value))}</code></td></tr>"
        for key, value in values.items()
    )
    return f"<table>{''.join(lines)}</table>"


def _short(value: Any) -> str:
    """Write numbers to six digits, yes or no for a truth, a dash for nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
