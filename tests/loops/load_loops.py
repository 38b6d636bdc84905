"""A process that makes loops ready and prints what that took: ``load_loops.py tiny|search``."""

import json
import sys

import numba
import numpy as np
import tiny_loops

from exojax.detection.period_grid import plan
from exojax.detection.periodogram import periodogram
from exojax.loops import compiled
from exojax.storage import announce


def power_of_a_search():
    """Return a number that depends on every trial of a periodogram."""
    flux = np.random.default_rng(0).standard_normal(700).astype(np.float32)
    grid = plan(700, 1 / 24, period_min=0.2, period_max=6.0)
    return float(periodogram(grid, flux, np.ones_like(flux)).power.sum(dtype=np.float64))


def main(which):
    if which == "tiny":
        compiled._modules = lambda: (tiny_loops,)
    notes, before = [], numba.config.CACHE_DIR
    with announce.displayed_by(lambda *_, **__: None, notes.append):
        compiled.ready()
        compiled.ready()
    loops = {name: getattr(m, name) for m in compiled._modules() for name in m.SIGNATURES}
    facts = {
        "notes": notes,
        "loaded": [name for name, loop in loops.items() if loop.stats.cache_hits and not loop.stats.cache_misses],
        "compiled": [name for name, loop in loops.items() if not loop.stats.cache_hits],
        "signatures": sum(len(loop.signatures) for loop in loops.values()),
        "cache_dir_is_as_before": before == numba.config.CACHE_DIR,
    }
    if which == "tiny":
        facts["result"] = tiny_loops.total(np.arange(5.0), 5)
        try:
            facts["refused"] = tiny_loops.twice("text")
        except TypeError:
            facts["refused"] = True
    else:
        facts["result"] = power_of_a_search()
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1])
