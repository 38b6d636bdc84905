"""``exojax models``: list every model with its inputs and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from exojax.cli import command


@dataclass(frozen=True)
class Options:
    """List the models for ``--model``: name, kind, inputs, and the number of weights of a network."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("models.py", Options, models, argv)


def models(options: Options) -> None:
    """Print the table."""
    from exojax.cli.table import text_table
    from exojax.models import registry
    from exojax.models.base import Stack

    rows = []
    for name, model in registry.MODELS.items():
        inputs = " and ".join(model.of) if isinstance(model, Stack) else ", ".join(model.inputs)
        rows.append({"model": name, "kind": model.kind, "inputs": inputs, "weights": _weights(model)})
    command.say(text_table(rows))


def _weights(model: object) -> str:
    """Return the number of weights of a network for series of 3,197 cadences and views of the default bins, as text."""
    import jax
    import numpy as np

    from exojax.config import FoldConfig
    from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS
    from exojax.models.base import Network

    if not isinstance(model, Network):
        return "-"
    fold = FoldConfig()
    shapes: dict[str, tuple[int, ...]] = {"scalars": (1, 3, len(SCALARS)), "spectrum": (1, 399), "flux": (1, 3197)}
    shapes |= {name: (1, 3, fold.global_bins if name in WIDE_VIEWS else fold.local_bins, 3) for name in VIEWS}
    shapes |= {name: (1, 3197) for name in model.inputs if name not in shapes}
    example = {name: np.zeros(shapes[name], np.float32) for name in model.inputs}
    made = jax.eval_shape(partial(model.module.init, train=False), jax.random.key(0), example)
    return f"{sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(made['params'])):,}"
