"""Make signal-free curves with the noise of a star and without its transits; a detection in them is a false alarm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exojax.light_curves import EvenCurves


def inverted(flat: EvenCurves) -> EvenCurves:
    """Return the flat, cleaned curves inverted; inverting before the cleaning would clip other cadences."""
    return replace(flat, flux=-np.asarray(flat.flux))


def scrambled(flat: EvenCurves, block: int, rng: np.random.Generator) -> EvenCurves:
    """Cut each curve into blocks of ``block`` cadences, with their gaps, and join them in another order.

    The cuts begin at a random cadence of the first block. Noise on the scale of a transit remains, because blocks stay
    whole, and periodic signals vanish. Centroids are left out.
    """
    flux, weight = np.array(flat.flux), np.array(flat.weight)
    for row in range(len(flux)):
        n = int(np.flatnonzero(weight[row] > 0).max(initial=-1)) + 1
        cuts = np.arange(rng.integers(1, block + 1), n, block)
        pieces = np.split(np.arange(n), cuts)
        order = np.concatenate([pieces[k] for k in rng.permutation(len(pieces))])
        flux[row, :n], weight[row, :n] = flux[row, order], weight[row, order]
    return replace(flat, flux=flux, weight=weight, centroid=None)
