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
    options: dict[str, bool | int] = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(jnp.negative, compiler_options=options).lower(jnp.float32(0)).compile()
    except Exception:  # another XLA may know other options; each has its own error
        return {}
    return options
