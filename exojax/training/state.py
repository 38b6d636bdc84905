"""Everything that changes from step to step, in one pytree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.models.base import Augment, no_augmentation
from exojax.simulate.random_streams import root_key
from exojax.training.keys import stream

Loss = Callable[[jax.Array, jax.Array], jax.Array]
"""``(logits (b,), labels (b,)) -> (b,)``, as in ``optax.losses``."""


UNCHANGED = no_augmentation(0.0, 0.0)


class TrainState(flax.struct.PyTreeNode):
    """Weights, optimiser and random key; functions are static, so that the step needs nothing else.

    Attributes:
        step: () int32, steps taken.
        key: typed key of the run; what a step draws comes from it by :func:`exojax.training.keys.step_key`.
        params: weights.
        batch_stats: running means and variances of the normalisations.
        opt_state: the optimiser's.
        average: running average of ``(params, batch_stats)``; this is what is evaluated and kept.
        tally: sums over the steps since they were last logged: ``loss``, ``grad_norm`` () float32, ``steps`` () int32,
            and ``bad_step`` () int32, the first step whose loss or gradient is not finite, -1 while there is none.
        apply_fn: the module's ``apply``.
        tx: the optimiser.
        loss: per star.
        augment: applied to every training batch.
        average_decay: of ``average``.
    """

    step: jax.Array
    key: jax.Array
    params: Any
    batch_stats: Any
    opt_state: Any
    average: Any
    tally: dict[str, jax.Array]
    apply_fn: Callable[..., Any] = flax.struct.field(pytree_node=False)
    tx: optax.GradientTransformation = flax.struct.field(pytree_node=False)
    loss: Loss = flax.struct.field(pytree_node=False)
    augment: Augment = flax.struct.field(pytree_node=False)
    average_decay: float = flax.struct.field(pytree_node=False)


def empty_tally() -> dict[str, jax.Array]:
    """Return a tally of no steps."""
    return {
        "loss": jnp.float32(0),
        "grad_norm": jnp.float32(0),
        "steps": jnp.int32(0),
        "bad_step": jnp.int32(-1),
    }


def schedule(config: TrainConfig) -> optax.Schedule:
    """Return a linear warm-up and cosine decay to 2 % of the peak, or a constant."""
    if config.constant:
        return optax.constant_schedule(config.learning_rate)
    peak, warmup = config.learning_rate, max(1, round(config.warmup * config.steps))
    return optax.warmup_cosine_decay_schedule(0.0, peak, warmup, max(config.steps, warmup + 1), 0.02 * peak)


@lru_cache
def optimiser(config: TrainConfig, rate: optax.Schedule | None = None) -> optax.GradientTransformation:
    """Return Adam, or AdamW with decoupled weight decay (Loshchilov & Hutter 2019), behind gradient clipping.

    Cached: the state holds it as a static field, and another object would compile the step again.
    """
    # AdamW without decay is Adam; one structure of the optimiser's state lets any run be loaded.
    adamw = optax.adamw(rate or schedule(config), weight_decay=config.weight_decay, eps=config.adam_epsilon)
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), adamw)


def create_state(
    module: nn.Module,
    example: Mapping[str, jax.Array | np.ndarray],
    config: TrainConfig,
    *,
    seed: int,
    member: int = 0,
    loss: Loss = optax.sigmoid_binary_cross_entropy,
    augment: Augment = UNCHANGED,
    rate: optax.Schedule | None = None,
) -> TrainState:
    """Return a state at step 0.

    Args:
        module: called as ``module.apply(variables, inputs, train=...)`` -> ``(n,)`` logits.
        example: inputs of at least one star, for their shapes.
        config: optimiser and averaging.
        seed: of the initial weights and of everything random in the steps.
        member: number of the network in an ensemble; no two of any two seeds share a key.
        loss: per star.
        augment: of training batches.
        rate: the learning rate of each step; None is the configuration's.

    Raises:
        InputError: the module does not return one logit a star.
    """
    key = root_key(seed, "training", member)
    # Compiled, since Flax's operation by operation takes twice as long.
    init = jax.jit(partial(module.init, train=False))
    one = jax.tree.map(lambda x: x[:1], example)
    variables = init({"params": stream(key, "weights")}, one)
    n = len(jax.tree.leaves(one)[0])
    shape = jax.eval_shape(partial(module.apply, train=False), variables, one).shape
    if shape != (n,):
        raise InputError(
            f"{type(module).__name__} returns logits of shape {shape} for one star, where {(n,)} is expected; "
            "where it ends in nn.Dense(1)(x), write nn.Dense(1)(x)[:, 0]"
        )
    params, batch_stats = variables["params"], variables.get("batch_stats", {})
    tx = optimiser(config, rate)
    return TrainState(
        step=jnp.int32(0),
        key=key,
        params=params,
        batch_stats=batch_stats,
        opt_state=tx.init(params),
        # Copies: a step may donate its state, and one buffer cannot be given away twice.
        average=jax.tree.map(jnp.copy, (params, batch_stats)),
        tally=empty_tally(),
        apply_fn=module.apply,
        tx=tx,
        loss=loss,
        augment=augment,
        average_decay=config.average_decay,
    )


def shapes_of(module: nn.Module, example: Mapping[str, jax.Array | np.ndarray], config: TrainConfig) -> TrainState:
    """Return a state that holds the shapes of its weights only, to be filled from a file; it cannot be trained.

    Args:
        module, example, config: as of :func:`create_state`.
    """
    variables = jax.eval_shape(partial(module.init, train=False), {"params": jax.random.key(0)}, example)
    params, batch_stats = variables["params"], variables.get("batch_stats", {})
    return TrainState(
        step=jnp.int32(0),
        key=jax.random.key(0),
        params=params,
        batch_stats=batch_stats,
        opt_state=(),
        average=(params, batch_stats),
        tally={},
        apply_fn=module.apply,
        tx=optimiser(config),
        loss=optax.sigmoid_binary_cross_entropy,
        augment=UNCHANGED,
        average_decay=config.average_decay,
    )
