"""How a program that runs a few times is compiled: in a sixth of the time, to run half as fast."""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp


@lru_cache(maxsize=1)
def quick_options() -> dict[str, bool | int]:
    """Return the options of ``jax.jit`` by which XLA spends little on a program for a CPU; none where they are unknown.

    Measured on the gradient of ``transit``: compiled in 1.5 s instead of 9.5, a call in 25 ms instead of 11.
    """
    if jax.default_backend() != "cpu":
        return {}
    slow_passes: dict[str, bool | int] = {"xla_backend_optimization_level": 0}
    # Releases of XLA know different options, and each refuses the others with an error of its own.
    for options in (slow_passes | {"xla_cpu_use_fusion_emitters": False}, slow_passes):
        try:
            jax.jit(jnp.negative, compiler_options=options).lower(jnp.float32(0)).compile()
        except Exception:
            continue
        return options
    return {}
