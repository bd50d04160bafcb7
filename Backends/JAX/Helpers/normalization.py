"""Helpers for normalisation."""

from jax import Array, lax


def layer_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    axes: int | tuple = -1,
    eps: float = 1e-5,
) -> Array:
    """Normalise x over the axes, then scale and shift."""
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    x = (x - mean) * lax.rsqrt(var + eps)
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def batch_norm(
    x: Array,
    params: dict,
    state: dict,
    *,
    train: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, dict]:
    """Batch normalisation of x [N, C, ...]; in training the running statistics move."""
    mean, var = state["running_mean"], state["running_var"]
    if train:
        axes = (0, *range(2, x.ndim))
        count = x.size // x.shape[1]
        running_mean, running_var = mean, var
        mean, var = x.mean(axes), x.var(axes)
        unbiased = var * (count / max(count - 1, 1))
        state = state | {
            "running_mean": running_mean + momentum * (mean - running_mean),
            "running_var": running_var + momentum * (unbiased - running_var),
        }
    scale = lax.rsqrt(var + eps)
    if "weight" in params:
        scale = scale * params["weight"]
    shift = -mean * scale
    if "bias" in params:
        shift = shift + params["bias"]
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * scale.reshape(shape) + shift.reshape(shape), state


def batch_standardize(
    x: Array,
    mean: Array | None = None,
    var: Array | None = None,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float = 1e-5,
) -> Array:
    """Normalise x [N, C, ...] per channel, by its own statistics unless they are given."""
    axes = (0, *range(2, x.ndim))
    shape = (-1,) + (1,) * (x.ndim - 2)
    mean = x.mean(axes) if mean is None else mean
    var = x.var(axes) if var is None else var
    x = (x - mean.reshape(shape)) * lax.rsqrt(var + eps).reshape(shape)
    if weight is not None:
        x = x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)
