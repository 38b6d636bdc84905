"""The verdict of a report: three sentences that stand on its top, made of its figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CHANCE = 0.5
"""ROC AUC of a guess"""


def verdict(metrics: Mapping[str, Any], controls: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Return what the figures say: against chance, what the controls leave, what the threshold does.

    Args:
        metrics: as in ``metrics.json``.
        controls: rows from :func:`exojax.evaluation.controls.score`.
    """
    if not metrics.get("n"):
        return []
    return [_against_chance(metrics), _controls(controls), _threshold(metrics)]


def _against_chance(metrics: Mapping[str, Any]) -> str:
    found, share = metrics.get("average_precision"), metrics["n_positive"] / metrics["n"]
    rows = f"{metrics['n']:,} rows with {metrics['n_positive']:,} hosts"
    if found is None:
        return f"Whether it is better than chance cannot be known: {rows}."
    value = f"average precision {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
    if found["low"] > share:
        times = found["value"] / share
        return f"Better than chance: {value} on {rows}, where a guess reaches {share:.3f}, a factor of {times:.3g}."
    if found["high"] < share:
        return f"Worse than chance: {value} on {rows}, where a guess reaches {share:.3f}."
    return f"Not distinguished from chance: {value} on {rows}, and a guess reaches {share:.3f}."


def _controls(controls: Sequence[Mapping[str, Any]]) -> str:
    measured = [row for row in controls if isinstance(row.get("roc_auc"), Mapping)]
    if not measured:
        return "No control says whether planets or something else is ranked: none could be measured."
    high = [row for row in measured if row["roc_auc"]["low"] > CHANCE]
    if not high:
        names = ", ".join(dict.fromkeys(str(row["control"]) for row in measured))
        return f"Without the planets the ranking is at chance, as it should be (controls: {names})."
    worst = max(high, key=_auc)
    against = f" against {worst['against']}" if worst.get("against") else ""
    others = f", and {len(high) - 1} more of {len(measured)} controls" if len(high) > 1 else ""
    auc = worst["roc_auc"]
    return (
        f"Hosts are ranked above the others without their planets too: control “{worst['control']}”{against} has a ROC "
        f"AUC of {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]{others}; part of the score is something else."
    )


def _auc(row: Mapping[str, Any]) -> float:
    return float(row["roc_auc"]["value"])


def _threshold(metrics: Mapping[str, Any]) -> str:
    (_, false), (missed, found) = metrics["confusion"]
    called, hosts = found + false, found + missed
    at = f"At the threshold {metrics['threshold']:.3g},"
    if not called:
        return f"{at} nothing is called a host: all {hosts:,} are missed."
    return f"{at} {found:,} of {hosts:,} hosts are found, and {false:,} of the {called:,} rows called hosts are none."
