"""Helpers for pooling."""

import math

import jax.numpy as jnp
from jax import Array, lax


def max_pool2d(x: Array, size: int, *, stride: int, padding: int = 0) -> Array:
    """Maximum in each size x size window of x [N, C, H, W]."""
    return lax.reduce_window(
        x,
        -jnp.inf,
        lax.max,
        (1, 1, size, size),
        (1, 1, stride, stride),
        [(0, 0), (0, 0), (padding, padding), (padding, padding)],  # if padding
        # if not padding: "VALID",
    )


def avg_pool2d(x: Array, size: int, *, stride: int, padding: int = 0) -> Array:
    """Mean of each size x size window of x [N, C, H, W]; padding counts as zeros."""
    # if not padding: "; padding counts as zeros" -> ""
    total = lax.reduce_window(
        x,
        0.0,
        lax.add,
        (1, 1, size, size),
        (1, 1, stride, stride),
        [(0, 0), (0, 0), (padding, padding), (padding, padding)],  # if padding
        # if not padding: "VALID",
    )
    return total / size**2


def max_pool(x: Array, kernel: tuple, *, stride: tuple, padding: tuple = ()) -> Array:
    """Maximum in each window of the last axes of x."""
    outer = x.ndim - len(kernel)
    inexact = jnp.issubdtype(x.dtype, jnp.inexact)
    return lax.reduce_window(
        x,
        -jnp.inf if inexact else jnp.iinfo(x.dtype).min,
        lax.max,
        (1,) * outer + kernel,
        (1,) * outer + stride,
        ((0, 0),) * outer + (padding or ((0, 0),) * len(kernel)),  # if padding
        # if not padding: "VALID",
    )


def sum_pool(x: Array, kernel: tuple, *, stride: tuple, padding: tuple = ()) -> Array:
    """Sum of each window of the last axes of x."""
    outer = x.ndim - len(kernel)
    return lax.reduce_window(
        x,
        0.0,
        lax.add,
        (1,) * outer + kernel,
        (1,) * outer + stride,
        ((0, 0),) * outer + (padding or ((0, 0),) * len(kernel)),  # if padding
        # if not padding: "VALID",
    )


def avg_pool(x: Array, kernel: tuple, *, stride: tuple, padding: tuple = ()) -> Array:
    """Mean of each window of the last axes of x; padding counts as zeros."""
    return sum_pool(x, kernel, stride=stride, padding=padding) / math.prod(kernel)


def avg_pool_inside(
    x: Array, kernel: tuple, *, stride: tuple, padding: tuple = ()
) -> Array:
    """Mean of what each window of the last axes of x holds, without the padding."""
    count = sum_pool(jnp.ones_like(x), kernel, stride=stride, padding=padding)
    return sum_pool(x, kernel, stride=stride, padding=padding) / count


def max_of_windows(x: Array, windows: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Maximum of each window of the last axes of x, and its position in row-major order.

    For each axis the positions [outputs, k] that a window holds, and whether they are in x.
    """
    spatial = x.shape[x.ndim - len(windows) :]
    position, inside = 0, True
    for axis, (index, valid) in enumerate(windows):
        others = [i for i in range(2 * len(windows)) if i % len(windows) != axis]
        index, valid = jnp.expand_dims(index, others), jnp.expand_dims(valid, others)
        position = position * spatial[axis] + jnp.clip(index, 0, spatial[axis] - 1)
        inside = inside & valid
    outputs = position.shape[: len(windows)]
    position, inside = (a.reshape(*outputs, -1) for a in (position, inside))
    flat = x.reshape(*x.shape[: x.ndim - len(windows)], -1)
    best = jnp.where(inside, flat[..., position], -jnp.inf).argmax(-1)
    index = jnp.take_along_axis(
        jnp.broadcast_to(position, best.shape + position.shape[-1:]),
        best[..., None],
        axis=-1,
    )[..., 0]
    values = jnp.take_along_axis(flat, index.reshape(*flat.shape[:-1], -1), axis=-1)
    return values.reshape(index.shape), index


def max_pool_with_indices(
    x: Array,
    kernel: tuple,
    *,
    stride: tuple,
    padding: tuple = (),
    dilation: tuple = (),
) -> tuple[Array, Array]:
    """Maximum in each window of the last axes of x, and its position in row-major order."""
    windows = []
    for axis, size in enumerate(kernel):
        extent = x.shape[x.ndim - len(kernel) + axis]
        low, high = padding[axis] if padding else (0, 0)  # if padding
        step = dilation[axis] if dilation else 1  # if dilation
        count = (extent + low + high - step * (size - 1) - 1) // stride[axis] + 1
        # if not dilation: " - step * (size - 1) - 1)" -> " - size)"
        # if not padding: "extent + low + high" -> "extent"
        start = jnp.arange(count) * stride[axis] - low
        # if not padding: "stride[axis] - low" -> "stride[axis]"
        index = start[:, None] + jnp.arange(size) * step
        # if not dilation: "jnp.arange(size) * step" -> "jnp.arange(size)"
        windows.append((index, (index >= 0) & (index < extent)))
    return max_of_windows(x, windows)


def adaptive_max_pool(x: Array, size: tuple) -> tuple[Array, Array]:
    """Maximum of each of `size` nearly equal parts of the last axes of x, and its position."""
    windows = []
    for axis, count in enumerate(size, x.ndim - len(size)):
        extent = x.shape[axis]
        start = jnp.arange(count) * extent // count
        stop = -(-(jnp.arange(count) + 1) * extent // count)
        index = start[:, None] + jnp.arange(-(-extent // count) + 1)
        windows.append((index, index < stop[:, None]))
    return max_of_windows(x, windows)


def fractional_max_pool(
    x: Array, samples: Array, *, kernel: tuple, size: tuple
) -> tuple[Array, Array]:
    """Maximum of `size` windows of x [..., spatial...] at uneven distances, and its position.

    `samples` [..., axes] in [0, 1) determine the distances along each axis (Graham, 2014).
    """
    outer, spatial = x.shape[: x.ndim - len(size)], x.shape[x.ndim - len(size) :]
    position = 0
    for axis, (extent, width, count) in enumerate(zip(spatial, kernel, size)):
        sample, step = samples[..., axis, None], (extent - width) / max(count - 1, 1)
        start = jnp.floor((jnp.arange(count) + sample) * step) - jnp.floor(
            sample * step
        )
        start = start.astype(int).at[..., -1].set(extent - width)
        index = start[..., None] + jnp.arange(width)
        others = [i for i in range(2 * len(size)) if i % len(size) != axis]
        index = jnp.expand_dims(index, [len(outer) + i for i in others])
        position = position * extent + index
    position = position.reshape(*outer, math.prod(size), math.prod(kernel))
    windows = jnp.take_along_axis(x.reshape(*outer, 1, -1), position, axis=-1)
    best = windows.argmax(-1, keepdims=True)
    values, index = (jnp.take_along_axis(a, best, axis=-1) for a in (windows, position))
    return values.reshape(*outer, *size), index.reshape(*outer, *size)


def adaptive_avg_pool(x: Array, size: tuple) -> Array:
    """Mean of each of `size` nearly equal parts of the last axes of x."""
    for axis, count in enumerate(size, x.ndim - len(size)):
        extent = x.shape[axis]
        start = jnp.arange(count) * extent // count
        stop = -(-(jnp.arange(count) + 1) * extent // count)
        index = jnp.arange(extent)
        inside = (index >= start[:, None]) & (index < stop[:, None])
        share = inside / inside.sum(1, keepdims=True)
        x = jnp.moveaxis(jnp.moveaxis(x, axis, -1) @ share.T.astype(x.dtype), -1, axis)
    return x


def max_unpool(x: Array, indices: Array, size: tuple, *, add: bool = False) -> Array:
    """Zeros of a given size, with the elements of x, or their sums, at their positions."""
    outer = x.shape[: x.ndim - len(size)]
    flat = jnp.zeros((math.prod(outer), math.prod(size)), x.dtype)
    rows = jnp.arange(flat.shape[0])[:, None]
    columns = indices.reshape(flat.shape[0], -1)
    places, values = flat.at[rows, columns], x.reshape(columns.shape)
    flat = places.add(values) if add else places.set(values)
    return flat.reshape(*outer, *size)
