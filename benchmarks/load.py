"""Time the reading of a table of the Kaggle training set's size, ours and pandas with its defaults."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

N_STARS, N_CADENCES = 5087, 3197
_DISTINCT_STARS = 256


def measure(repeats: int = 3, seed: int = 0) -> list[dict[str, str | float]]:
    """Return rows for ``benchmark.json``: seconds from text, seconds from the cache, and peak memory.

    Each reading has a process of its own, ours and theirs in turn; imports are not counted, the fingerprint
    and the writing of the cache are. The figures are medians over ``repeats``; ``seed`` makes the flux.
    """
    times: dict[str, list[float]] = {"parsed": [], "cached": [], "pandas": []}
    peaks: dict[str, list[float]] = {"parsed": [], "cached": [], "pandas": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exoTrain.csv"
        write_table(path, seed)
        for number in range(repeats):
            # A cache of its own for each round: its first reading parses, its second does not.
            environment = os.environ | {"EXOJAX_CACHE": f"{folder}/cache{number}"}
            for what in times:
                command = [sys.executable, "-m", __name__, what, str(path)]
                answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                seconds, mebibytes = answer.stdout.split()
                times[what].append(float(seconds))
                peaks[what].append(float(mebibytes))
    absent = "not measured"
    ours, theirs = median(times["parsed"]), median(times["pandas"])
    ours_peak, theirs_peak = max(peaks["parsed"]), max(peaks["pandas"])
    # Which one decides the ratio: from 3.1 on, pandas reads large files on all cores.
    peer = f"pandas {version('pandas')} read_csv"
    known = np.isfinite(ours_peak)
    return [
        {"task": "load", "peer": peer, "ours": ours, "theirs": theirs, "unit": "s", "ratio": theirs / ours},
        {
            "task": "load cached",
            "peer": "none",
            "ours": median(times["cached"]),
            "theirs": absent,
            "unit": "s",
            "ratio": absent,
        },
        {
            "task": "load peak memory",
            "peer": peer,
            "ours": ours_peak if known else absent,
            "theirs": theirs_peak if known else absent,
            "unit": "MiB",
            "ratio": theirs_peak / ours_peak if known else absent,
        },
    ]


def write_table(path: Path, seed: int = 0) -> None:
    """Write 252 MB of Gaussian flux about zero, as ``%.8e``: 256 distinct stars, repeated."""
    rng = np.random.default_rng(seed)
    flux = rng.normal(0, 10 ** rng.uniform(1, 4, (_DISTINCT_STARS, 1)), (_DISTINCT_STARS, N_CADENCES))
    texts = [",".join(f"{value:.8e}" for value in star) for star in flux.tolist()]
    with path.open("w") as stream:
        stream.write(",".join(["LABEL", *(f"FLUX.{n}" for n in range(1, N_CADENCES + 1))]) + "\n")
        for row in range(N_STARS):
            stream.write(f"{2 if row < 37 else 1},{texts[row % _DISTINCT_STARS]}\n")


def _peak_mebibytes() -> float:
    # Not getrusage: on Linux its maximum is inherited from the parent across fork and exec.
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _time_one(what: str, path: Path) -> None:
    if what == "pandas":
        import pandas as pd

        start = time.perf_counter()
        pd.read_csv(path)
    else:
        from exojax.io import kaggle

        start = time.perf_counter()
        kaggle.read(path)
    print(time.perf_counter() - start, _peak_mebibytes())


if __name__ == "__main__":
    _time_one(sys.argv[1], Path(sys.argv[2]))
