"""Functions compiled ahead of their first call. What takes JAX seconds to trace is kept as it exports it.

JAX keeps compiled code between processes, but looks it up by the program's text, for which the function has to be
traced: half of the time that a search takes to start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import flax
import jax
import numpy as np
from jax import export

from exojax.io import cache

_VERSION = 1
"""of what is kept of a program"""


def ahead(function: Callable[..., Any], arguments: tuple[Any, ...], key: str) -> Callable[..., Any]:
    """``function`` compiled for its arguments' shapes; its text comes from the cache where this version left it.

    Args:
        function: of arrays in containers that ``jax.export`` knows; a named tuple has to be registered with it.
        arguments: arrays, or ``jax.ShapeDtypeStruct``.
        key: all that the function holds beside its arguments: with the sources of this package, the versions of JAX and
            Flax and the platform, the same key must mean the same program.

    Returns:
        The compiled function, of arrays of exactly these shapes and types.
    """
    platform = jax.default_backend()
    # All that decides what is traced: 64-bit mode and Flax's layers would change it unseen.
    wide = jax.config.read("jax_enable_x64")
    made_with = f"{jax.__version__} {flax.__version__} {platform} {wide} {_sources()}"
    full = f"program {_VERSION} {made_with} {jax.tree.map(_shape, arguments)} {key}"

    def make() -> dict[str, np.ndarray]:
        made = export.export(jax.jit(function), platforms=(platform,))(*arguments)
        return {"program": np.frombuffer(bytes(made.serialize()), np.uint8)}

    kept = cache.load_or_make(full, make)["program"]
    return jax.jit(export.deserialize(bytearray(kept.tobytes())).call).lower(*arguments).compile()


def _shape(x: Any) -> str:
    return f"{x.shape} {x.dtype}"


@lru_cache(maxsize=1)
def _sources() -> str:
    """Fingerprint of this package's own code."""
    content = sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        content.update(path.read_bytes())
    return content.hexdigest()[:32]
