"""What differences between models a number of hosts can show, and what it cannot."""

from __future__ import annotations

import math
from collections.abc import Mapping

from exojax.evaluation.metrics import Figure

Z_LEVEL, Z_POWER = 1.960, 0.842
"""of a two-sided 95 % interval, and of a power of four in five"""


def told(differences: Mapping[str, Figure], first: str, hosts: int) -> list[str]:
    """A sentence for each model: whether its difference is shown, what could have been, and how many hosts it takes.

    The standard error is that of the bootstrap interval, taken as normal. It shrinks with the root of the number of
    hosts, the share of hosts and the models being the same.

    Args:
        differences: model to its paired difference to ``first``; None is passed over.
        first: the model that the others are compared with.
        hosts: stars with a planet among those scored.
    """
    lines = []
    for name, found in differences.items():
        if found is None:
            continue
        value, low, high = found["value"], found["low"], found["high"]
        error = (high - low) / (2 * Z_LEVEL)
        if error < 1e-9:
            lines.append(f"{name} and {first} rank these stars alike: no difference can be seen or ruled out")
            continue
        what = f"{name} against {first}: {value:+.3f} [{low:+.3f}, {high:+.3f}]"
        power = f"one of {(Z_LEVEL + Z_POWER) * error:.2f} would be shown in four of five such comparisons"
        if low > 0 or high < 0:
            lines.append(f"{what}: shown. With {hosts} hosts {power}")
            continue
        lines.append(
            f"{what}: not shown. With {hosts} hosts a difference under {Z_LEVEL * error:.2f} cannot be told from luck, "
            f"{power}{_wanted(abs(value), error, hosts)}"
        )
    return lines


def _wanted(value: float, error: float, hosts: int) -> str:
    needed = hosts * ((Z_LEVEL + Z_POWER) * error / max(value, 1e-12)) ** 2
    if needed > 100 * hosts:
        return "; one as small as was found would take more than a hundred times as many"
    return f"; one as small as was found would take about {math.ceil(needed):,} hosts"
