"""Helpers for normalisation."""

import jax.numpy as jnp
from jax import Array, lax


def standardize(x: Array, axes: int | tuple = -1, *, eps: float = 1e-5) -> Array:
    """x with mean 0 and variance 1 over the axes."""
    # if not axes: "the axes" -> "the last axis"
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    # if not axes: "(axes, " -> "(-1, "
    return (x - mean) * lax.rsqrt(var + eps)


def standardize_groups(x: Array, groups: int, *, eps: float = 1e-5) -> Array:
    """x [N, C, ...] with mean 0 and variance 1 over each group of channels."""
    return standardize(x.reshape(x.shape[0], groups, -1), eps=eps).reshape(x.shape)


def layer_norm(
    params: dict, x: Array, *, axes: int | tuple = -1, eps: float = 1e-5
) -> Array:
    """Normalise x over the axes, then scale and shift."""
    # if not axes: "the axes" -> "the last axis"
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    # if not axes: "(axes, " -> "(-1, "
    return (x - mean) * lax.rsqrt(var + eps) * params["weight"] + params["bias"]


def layer_norm_gradient(
    cotangent: Array,
    x: Array,
    weight: Array | float = 1.0,
    *,
    axes: tuple = (-1,),
    eps: float = 1e-5,
) -> tuple[Array, Array, Array]:
    """The gradients of layer_norm with respect to x, weight and bias."""
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    scale = lax.rsqrt(var + eps)
    normalized, grad = (x - mean) * scale, cotangent * weight
    slope = (grad * normalized).mean(axes, keepdims=True)
    dx = scale * (grad - grad.mean(axes, keepdims=True) - normalized * slope)
    others = tuple(range(x.ndim - len(axes)))
    # if not axes: "(axes, " -> "(-1, "
    # if not axes: "len(axes)" -> "1"
    return dx, (cotangent * normalized).sum(others), cotangent.sum(others)


def rms_norm(
    params: dict, x: Array, *, axes: int | tuple = -1, eps: float = 1e-5
) -> Array:
    """Divide x by its root mean square over the axes, then scale."""
    # if not axes: "the axes" -> "the last axis"
    square = jnp.square(x).mean(axes, keepdims=True)
    # if not axes: "(axes, " -> "(-1, "
    return x * lax.rsqrt(square + eps) * params["weight"]


def unit_rms(x: Array, *, axes: int | tuple = -1, eps: float = 1e-5) -> Array:
    """Divide x by its root mean square over the axes."""
    # if not axes: "the axes" -> "the last axis"
    square = jnp.square(x).mean(axes, keepdims=True)
    # if not axes: "(axes, " -> "(-1, "
    return x * lax.rsqrt(square + eps)


def group_norm(params: dict, x: Array, groups: int, *, eps: float = 1e-5) -> Array:
    """Normalise x [N, C, ...] over each group of channels, then scale and shift each."""
    grouped = x.reshape(x.shape[0], groups, -1)
    mean, var = grouped.mean(-1, keepdims=True), grouped.var(-1, keepdims=True)
    x = ((grouped - mean) * lax.rsqrt(var + eps)).reshape(x.shape)
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * params["weight"].reshape(shape) + params["bias"].reshape(shape)


def batch_norm(
    params: dict,
    state: dict,
    x: Array,
    *,
    train: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, dict]:
    """Normalise each channel of x [N, C, ...]; in training the running statistics move."""
    mean, var = state["running_mean"], state["running_var"]
    if train:
        axes = (0, *range(2, x.ndim))
        running_mean, running_var = mean, var
        mean, var = x.mean(axes), x.var(axes)
        state = state | {
            "running_mean": running_mean + momentum * (mean - running_mean),
            "running_var": running_var + momentum * (x.var(axes, ddof=1) - running_var),
        }
    scale = params["weight"] * lax.rsqrt(var + eps)
    shift = params["bias"] - mean * scale
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * scale.reshape(shape) + shift.reshape(shape), state


def weight_norm(direction: Array, magnitude: Array, axis: int | None = None) -> Array:
    """The direction with the norm of each slice along the axis set to the magnitude."""
    axes = tuple(i for i in range(direction.ndim) if i != axis)
    norm = jnp.sqrt(jnp.square(direction).sum(axes, keepdims=True))
    return direction * (magnitude / norm)
