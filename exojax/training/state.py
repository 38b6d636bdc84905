"""Define the state of a training: everything that changes from step to step, in one pytree."""

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
"""``(logits (b,), labels (b,)) -> (b,)``, as in ``optax.losses``"""


UNCHANGED = no_augmentation(0.0, 0.0)
"""augmentation that changes nothing"""


class TrainState(flax.struct.PyTreeNode):
    """Weights, optimiser and random key of a training; its functions are static fields.

    Attributes:
        step: () int32, number of finished steps.
        key: typed key of the run; :func:`exojax.training.keys.step_key` derives the keys of a step from it.
        params: weights.
        batch_stats: running means and variances of the normalisations.
        opt_state: state of the optimiser.
        average: running average of ``(params, batch_stats)``, which is evaluated and stored.
        tally: sums over the steps since the last log record: ``loss`` and ``grad_norm``, () float32; ``steps``, ()
            int32; and ``bad_step``, () int32, the first step with a loss or gradient that is not finite, -1 if there is
            none.
        apply_fn: the function ``apply`` of the module.
        tx: the optimiser.
        loss: loss per star.
        augment: augmentation of every training batch.
        average_decay: decay per step of ``average``.
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
    """Return the sums before the first step."""
    return {
        "loss": jnp.float32(0),
        "grad_norm": jnp.float32(0),
        "steps": jnp.int32(0),
        "bad_step": jnp.int32(-1),
    }


def schedule(config: TrainConfig) -> optax.Schedule:
    """Return the learning rate of each step: a linear warm-up and a cosine decay to 2 % of the peak, or a constant."""
    if config.constant:
        return optax.constant_schedule(config.learning_rate)
    peak, warmup = config.learning_rate, max(1, round(config.warmup * config.steps))
    return optax.warmup_cosine_decay_schedule(0.0, peak, warmup, max(config.steps, warmup + 1), 0.02 * peak)


@lru_cache
def optimiser(config: TrainConfig, rate: optax.Schedule | None = None) -> optax.GradientTransformation:
    """Return gradient clipping followed by AdamW, with decoupled weight decay (Loshchilov & Hutter 2019).

    The function is cached, because the state has the optimiser as a static field, and another object would compile the
    step again.
    """
    # AdamW without decay is Adam. The structure of its state is the same for all runs, so that any run can be loaded.
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
        module: module whose ``module.apply(variables, inputs, train=...)`` returns ``(n,)`` logits.
        example: inputs of at least one star, for their shapes.
        config: settings of optimiser and averaging.
        seed: seed of the initial weights and of all random numbers in the steps.
        member: number of the network in an ensemble; keys differ between all members of all seeds.
        loss: loss per star.
        augment: augmentation of training batches.
        rate: learning rate of each step; None for the one of the configuration.

    Raises:
        InputError: the module does not return one logit per star.
    """
    key = root_key(seed, "training", member)
    # Compiled, because Flax takes twice the time without compilation.
    init = jax.jit(partial(module.init, train=False))
    first = jax.tree.map(lambda x: x[:1], example)
    variables = init({"params": stream(key, "weights")}, first)
    n = len(jax.tree.leaves(first)[0])
    shape = jax.eval_shape(partial(module.apply, train=False), variables, first).shape
    if shape != (n,):
        raise InputError(
            f"{type(module).__name__} returns logits of shape {shape} for one star, expected {(n,)}; "
            "if it ends with nn.Dense(1)(x), write nn.Dense(1)(x)[:, 0]"
        )
    params, batch_stats = variables["params"], variables.get("batch_stats", {})
    tx = optimiser(config, rate)
    return TrainState(
        step=jnp.int32(0),
        key=key,
        params=params,
        batch_stats=batch_stats,
        opt_state=tx.init(params),
        # Copies, because a step donates its state, and a buffer cannot be donated twice.
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
