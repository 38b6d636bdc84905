"""State which differences between models are significant, and which a number of hosts can reveal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from exojax.evaluation.metrics import Figure

Z_LEVEL, Z_POWER = 1.960, 0.842
"""quantiles of the normal distribution: of a two-sided 95 % interval, and of a power of 80 %"""


def statements(differences: Mapping[str, Figure], first: str, hosts: int) -> list[str]:
    """Return a sentence for each model: its difference, whether it is significant, and how many hosts it would need.

    The bootstrap interval is treated as normal; its half width is 1.96 standard errors. The standard error falls with
    the root of the number of hosts, for the same models and the same share of hosts.

    Args:
        differences: model to its paired difference to ``first``; None is left out.
        first: the model that the others are compared with.
        hosts: number of scored stars with a planet.
    """
    lines = []
    for name, found in differences.items():
        if found is None:
            continue
        value, low, high = found["value"], found["low"], found["high"]
        error = (high - low) / (2 * Z_LEVEL)
        if error < 1e-9:
            lines.append(f"{name} and {first} rank these stars in the same order; they cannot be compared on them")
            continue
        difference = f"{name} against {first}: {value:+.3f} [{low:+.3f}, {high:+.3f}]"
        power = f"a difference of {(Z_LEVEL + Z_POWER) * error:.2f} is significant in four of five such comparisons"
        if low > 0 or high < 0:
            lines.append(f"{difference}: significant. With {hosts} hosts, {power}")
            continue
        lines.append(
            f"{difference}: not significant. With {hosts} hosts, a difference below {Z_LEVEL * error:.2f} is "
            f"compatible with chance, and {power}. {_needed(abs(value), error, hosts)}"
        )
    return lines


def _needed(value: float, error: float, hosts: int) -> str:
    """Return a sentence on the number of hosts for which ``value`` is significant in four of five comparisons."""
    needed = hosts * ((Z_LEVEL + Z_POWER) * error / max(value, 1e-12)) ** 2
    if needed > 100 * hosts:
        return "For the difference found here, that takes more than a hundred times as many hosts"
    return f"For the difference found here, that takes about {math.ceil(needed):,} hosts"
