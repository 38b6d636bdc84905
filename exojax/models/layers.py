"""Define convolution and pooling for series, in forms that are fast and correct on CPUs and GPUs with XLA."""

from __future__ import annotations

from functools import reduce

import flax.linen as nn
import jax
import jax.numpy as jnp

ABSENT = -10.0
"""logit of a row without any candidate"""
MATRIX_WIDTH = 32
"""smallest number of columns of the matrix of a convolution; within 4 % of the fastest choice for each layer here"""


class Conv(nn.Module):
    """One-dimensional convolution as one matrix product over overlapping patches ("im2col"), same length out as in.

    On a CPU this is 2-3 times as fast, forward and backward, as ``lax.conv`` at these sizes, and unlike it keeps its
    speed inside ``lax.scan``. Few channels make a thin matrix, which wastes a vector unit: a row then yields several
    neighbouring outputs at once, from one longer patch, through a matrix that holds the kernel once for each of them.

    Attributes:
        features: number of output channels.
        kernel: odd number of taps.
        use_bias: leave it out before a normalisation, where its gradient is rounding noise.
    """

    features: int
    kernel: int
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return ``x: (n, length, channels)`` float -> ``(n, length, features)``, zero-padded at both ends."""
        n, length, channels = x.shape
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (self.kernel, channels, self.features), x.dtype)
        group = max(1, MATRIX_WIDTH // self.features)
        # A group of outputs depends on its own block of inputs and on the next ones.
        blocks, seen = -(-length // group), 1 + -(-(self.kernel - 1) // group)
        before, whole = self.kernel // 2, (blocks + seen - 1) * group
        padded = jnp.pad(x, ((0, 0), (before, whole - before - length), (0, 0))).reshape(n, -1, group * channels)
        patches = jnp.concatenate([padded[:, i : i + blocks] for i in range(seen)], axis=-1)
        rest = seen * group - self.kernel
        shifted = [jnp.pad(kernel, ((i, rest - i), (0, 0), (0, 0))) for i in range(group)]
        flat = patches.reshape(n * blocks, -1) @ jnp.stack(shifted, axis=2).reshape(-1, group * self.features)
        y = flat.reshape(n, blocks * group, self.features)[:, :length]
        if self.use_bias:
            y = y + self.param("bias", nn.initializers.zeros, (self.features,), x.dtype)[None, None]
        return y


@jax.custom_vjp
def _max_over_window(x: jax.Array) -> jax.Array:
    # A reduction over this axis is scalar code on a CPU, a chain of maxima is not; long windows would bloat it.
    return reduce(jnp.maximum, [x[:, :, i] for i in range(x.shape[2])]) if x.shape[2] <= 8 else x.max(2)


def _forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    # Kept as a mask: its shape carries the window, and it is a quarter of the activations.
    winner = jnp.argmax(x, 2)[:, :, None] == jnp.arange(x.shape[2])[None, None, :, None]
    return x.max(2), winner


def _backward(winner: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    return (jnp.where(winner, g[:, :, None], jnp.zeros((), g.dtype)),)


_max_over_window.defvjp(_forward, _backward)


def max_pool(x: jax.Array, window: int) -> jax.Array:
    """Return the maximum over ``window`` neighbours: ``(n, length, channels)`` -> ``(n, length // window, channels)``.

    A tail shorter than the window is dropped. The gradient goes to the first of equal maxima. It is defined here,
    because XLA's derivative of ``x.max`` after a ReLU loses part of the gradient under ``jit`` on a CPU (jax 0.10), and
    the derivative of ``nn.max_pool`` takes longer than the convolutions around it.
    """
    n, length, channels = x.shape
    whole = length // window
    return _max_over_window(x[:, : whole * window].reshape(n, whole, window, channels))


@jax.custom_vjp
def highest(logits: jax.Array, there: jax.Array) -> jax.Array:
    """Return ``(n,)``, the highest of ``logits (n, k)`` where ``there``; :data:`ABSENT` in a row without any.

    The gradient goes to the first of equal maxima.
    """
    best = jnp.where(there, logits, -jnp.inf).max(axis=1)
    return jnp.where(there.any(axis=1), best, jnp.asarray(ABSENT, logits.dtype))


def _highest_forward(logits: jax.Array, there: jax.Array) -> tuple[jax.Array, jax.Array]:
    winner = jnp.argmax(jnp.where(there, logits, -jnp.inf), axis=1)[:, None] == jnp.arange(logits.shape[1])[None]
    return highest(logits, there), winner & there


def _highest_backward(winner: jax.Array, g: jax.Array) -> tuple[jax.Array, None]:
    return jnp.where(winner, g[:, None], jnp.zeros((), g.dtype)), None


highest.defvjp(_highest_forward, _highest_backward)
