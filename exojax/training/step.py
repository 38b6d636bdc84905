"""Define one training step and one forward pass, as pure functions for one or many devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from exojax.models.base import Inputs
from exojax.training.keys import step_key
from exojax.training.state import TrainState

Batch = dict[str, Any]
"""``inputs``: :data:`Inputs` of b stars; ``label``: ``(b,)`` float32, 1 for hosts."""


def train_step(
    state: TrainState, batch: Batch, *, axis_name: str | None = None
) -> tuple[TrainState, dict[str, jax.Array]]:
    """Return the state after one batch, and the batch's ``loss`` and ``grad_norm``, () float32 each.

    Under ``jax.jit`` the batch may be sharded along its first axis; the result equals that of one device, to rounding.
    Under ``jax.pmap(..., axis_name="batch")`` each device has its own random numbers and normalises over its own part
    of the batch; gradients and running statistics are averaged over the devices.

    Args:
        state: state before the step.
        batch: see :data:`Batch`.
        axis_name: name of the mapped axis under ``pmap``; None under ``jit``.
    """
    return advance(state, *gradients(state, batch, axis_name=axis_name))


def gradients(state: TrainState, batch: Batch, *, axis_name: str | None = None) -> tuple[jax.Array, Any, Any]:
    """Return the mean loss of an augmented batch, () float32, its gradient, and the new running statistics.

    Arguments as in :func:`train_step`.
    """
    augment_key, dropout_key = (step_key(state.key, name, state.step) for name in ("augmentation", "dropout"))
    if axis_name is not None:
        device = jax.lax.axis_index(axis_name)
        augment_key, dropout_key = (jax.random.fold_in(key, device) for key in (augment_key, dropout_key))
    label = batch["label"]
    inputs = state.augment(augment_key, batch["inputs"], label)

    def loss_of(params: Any) -> tuple[jax.Array, Any]:
        logits, updated = state.apply_fn(
            {"params": params, "batch_stats": state.batch_stats},
            inputs,
            train=True,
            mutable=["batch_stats"],
            rngs={"dropout": dropout_key},
        )
        return state.loss(logits, label).mean(), updated.get("batch_stats", {})

    (loss, batch_stats), grads = jax.value_and_grad(loss_of, has_aux=True)(state.params)
    if axis_name is not None:
        loss, batch_stats, grads = jax.lax.pmean((loss, batch_stats, grads), axis_name)
    return loss, grads, batch_stats


def advance(
    state: TrainState, loss: jax.Array, grads: Any, batch_stats: Any
) -> tuple[TrainState, dict[str, jax.Array]]:
    """Return the state after one step along ``grads``, with new weights, average and sums; and loss and gradient
    norm."""
    grad_norm = optax.tree.norm(grads)
    # Optax needs standard promotion, because it raises a float to an integer power; exojax itself runs under strict.
    with jax.numpy_dtype_promotion("standard"):
        updates, opt_state = state.tx.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)

    # In early steps the average follows quickly, so that it forgets the random initial weights (Polyak & Juditsky
    # 1992).
    count = state.step.astype(jnp.float32)
    decay = jnp.minimum(state.average_decay, (1 + count) / (10 + count))
    average = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average, (params, batch_stats))
    tally = state.tally
    # Record the first bad step: a finite loss may have an infinite gradient, and at the next step all numbers are NaN.
    bad = (tally["bad_step"] < 0) & ~(jnp.isfinite(loss) & jnp.isfinite(grad_norm))
    tally = {
        "loss": tally["loss"] + loss,
        "grad_norm": tally["grad_norm"] + grad_norm,
        "steps": tally["steps"] + 1,
        "bad_step": jnp.where(bad, state.step, tally["bad_step"]),
    }
    state = state.replace(
        step=state.step + 1,
        params=params,
        batch_stats=batch_stats,
        opt_state=opt_state,
        average=average,
        tally=tally,
    )
    return state, {"loss": loss, "grad_norm": grad_norm}


def logits(state: TrainState, inputs: Inputs) -> jax.Array:
    """Return ``(n,)`` float32 log-odds of n stars from the averaged weights, without dropout."""
    return scored(state.apply_fn, state.average, inputs)


def scored(apply_fn: Callable[..., jax.Array], average: Any, inputs: Inputs) -> jax.Array:
    """Return ``(n,)`` float32 log-odds from a module's ``apply`` and its ``(params, batch_stats)``."""
    params, batch_stats = average
    return apply_fn({"params": params, "batch_stats": batch_stats}, inputs, train=False)
