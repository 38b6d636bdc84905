"""Name every use of a seed, so that two uses of one seed never draw the same numbers.

A seed alone, or a seed and a number, is not enough: NumPy fills short entropy up with zeros, so that
``default_rng(5)``, ``default_rng([5, 0])`` and ``default_rng([5, 0, 0])`` are one generator; and in JAX
``split(key)[i]`` is ``fold_in(key, i)``. Here each use has a number of its own, which enters as NumPy's spawn key or is
folded into the key.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Numbers are never given to another use: stored runs and figures were made with them.
STREAMS = {
    # Populations of simulated stars: none holds a star of another, whatever the seeds.
    "synthetic": 1,
    "synthetic-kaggle": 2,
    "teaching": 3,
    "fresh": 4,
    "benchmark": 5,
    # Choices among rows.
    "test split": 11,
    "validation split": 12,
    "tuning split": 13,
    "outer folds": 14,
    "inner folds": 15,
    "out-of-fold": 16,
    "calibration folds": 17,
    "stack folds": 18,
    "learning curve": 19,
    # Training.
    "training": 31,
    "planted planets": 32,
    "trials": 33,
    "space": 34,
    # Figures.
    "bootstrap": 51,
    "conformal": 52,
    "importance": 53,
    "leakage": 54,
    "example stars": 55,
    "injected planets": 56,
    "injected stars": 57,
    "signal-free stars": 58,
    "shuffled blocks": 59,
}
"""name -> number of each use"""
VERSION = 1
"""raised whenever a use of a seed draws other numbers than before: a training from before cannot go on"""
POPULATIONS = ("synthetic", "synthetic-kaggle", "teaching", "fresh", "benchmark")
"""streams of simulated stars"""


def sequence(seed: int, stream: str, *numbers: int) -> np.random.SeedSequence:
    """Return the seed sequence of one use.

    Args:
        seed: 0 or more.
        stream: a name in :data:`STREAMS`.
        numbers: numbers of a part of the stream, such as a repetition or a block of stars, 0 or more; every use of a
            stream has the same count of numbers.

    Raises:
        KeyError: the stream has no such name.
    """
    return np.random.SeedSequence(int(seed), spawn_key=(STREAMS[stream], *map(int, numbers)))


def generator(seed: int, stream: str, *numbers: int) -> np.random.Generator:
    """Return NumPy's generator for one use; arguments and errors as of :func:`sequence`."""
    return np.random.default_rng(sequence(seed, stream, *numbers))


def root_key(seed: Any, stream: str, *numbers: Any) -> Any:
    """Return JAX's typed key for one use.

    Args:
        seed: 0 or more; int, or () integer of JAX, traced or not.
        stream: a name in :data:`STREAMS`.
        numbers: of a part of it, such as an ensemble's member; always as many for one stream.

    Raises:
        KeyError: the stream has no such name.
    """
    import jax  # imported here, because readers of files and metrics do not need it

    key = jax.random.fold_in(jax.random.key(seed), STREAMS[stream])
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key
