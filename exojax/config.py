"""Every default in one place. Frozen dataclasses; the commands turn them into options, a run into ``config.json``."""

from __future__ import annotations

from dataclasses import dataclass

KEPLER_CADENCE_MINUTES = 29.4244


@dataclass(frozen=True)
class SimulateConfig:
    """A population of K2-like stars, from a seed. The defaults are the sizes and imbalance of the Kaggle set."""

    n_stars: int = 5657
    """stars in all, training and test rows together"""
    host_fraction: float = 42 / 5657
    """share of stars whose transits can be seen (SNR >= 7.1 and two or more transits)"""
    n_cadences: int = 3197
    """cadences a star, gaps included, at 29.4 minutes"""
    close_gaps: bool = False
    """drop the campaign's gaps and join the pieces, as the Kaggle set may have done"""
    seed: int = 0
    """the same seed gives the same stars"""
