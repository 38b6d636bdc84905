"""Define the options of Numba for compiling the loops."""

from __future__ import annotations

from typing import Any

# Sums may be reordered, so that they fill a vector unit; nothing is assumed of NaN or of infinity. Threads run at once.
LOOSE: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
