"""Helpers for resampling."""

import itertools

import jax.numpy as jnp
from jax import Array


def resize_nearest(x: Array, size: tuple, *, ratios: tuple = ()) -> Array:
    """x [N, C, ...] at size points along each of the last axes: element floor(i * ratio)."""
    for axis, count in enumerate(size, 2):
        extent = x.shape[axis]
        ratio = (ratios[axis - 2] if ratios else 0) or extent / count
        # if not ratios: "(ratios[axis - 2] if ratios else 0) or " -> ""
        index = jnp.floor(jnp.arange(count) * ratio).astype(int)
        x = jnp.take(x, jnp.minimum(index, extent - 1), axis=axis)
    return x


def resize_nearest_exact(x: Array, size: tuple, *, ratios: tuple) -> Array:
    """x [N, C, ...] at size points along each of the last axes: the nearest element."""
    for axis, count in enumerate(size, 2):
        extent = x.shape[axis]
        ratio = ratios[axis - 2] or extent / count
        index = jnp.floor((jnp.arange(count) + 0.5) * ratio).astype(int)
        x = jnp.take(x, jnp.minimum(index, extent - 1), axis=axis)
    return x


def resize_linear(
    x: Array, size: tuple, *, align_corners: bool = False, ratios: tuple = ()
) -> Array:
    """x [N, C, ...] interpolated linearly at size points along each of the last axes."""
    for axis, count in enumerate(size, 2):
        extent = x.shape[axis]
        ratio = ratios[axis - 2] if ratios else 0  # if ratios
        position = sample_positions(extent, count, align_corners, ratio)
        # if not ratios: ", align_corners, ratio)" -> ", align_corners)"
        # if not align_corners and not ratios: "count, align_corners)" -> "count)"
        # if not align_corners and ratios: "count, align_corners, ratio)" -> "count, False, ratio)"
        position = jnp.clip(position, 0, extent - 1)
        low = jnp.floor(position).astype(int)
        high = jnp.minimum(low + 1, extent - 1)
        share = (position - low).reshape((-1,) + (1,) * (x.ndim - axis - 1))
        share = share.astype(x.dtype)
        x = jnp.take(x, low, axis) * (1 - share) + jnp.take(x, high, axis) * share
    return x


def resize_cubic(
    x: Array, size: tuple, *, align_corners: bool = False, ratios: tuple = ()
) -> Array:
    """x [N, C, ...] interpolated by cubic convolution (a = -0.75) along the last axes."""
    for axis, count in enumerate(size, 2):
        extent = x.shape[axis]
        ratio = ratios[axis - 2] if ratios else 0  # if ratios
        position = sample_positions(extent, count, align_corners, ratio)
        # if not ratios: ", align_corners, ratio)" -> ", align_corners)"
        # if not align_corners and not ratios: "count, align_corners)" -> "count)"
        # if not align_corners and ratios: "count, align_corners, ratio)" -> "count, False, ratio)"
        start = jnp.floor(position).astype(int)
        total = 0
        for offset in (-1, 0, 1, 2):
            index = start + offset
            weight = cubic_kernel(position - index)
            weight = weight.reshape((-1,) + (1,) * (x.ndim - axis - 1)).astype(x.dtype)
            total += jnp.take(x, jnp.clip(index, 0, extent - 1), axis) * weight
        x = total
    return x


def sample_positions(
    extent: int, count: int, align_corners: bool = False, ratio: float = 0
) -> Array:
    """Where count samples lie among the elements of an axis."""
    if align_corners:
        return jnp.arange(count) * ((extent - 1) / max(count - 1, 1))
    return (jnp.arange(count) + 0.5) * (ratio or extent / count) - 0.5


def cubic_kernel(distance: Array) -> Array:
    """The weight of an element at a distance up to 2, with a = -0.75."""
    x = jnp.abs(distance)
    inner = (1.25 * x - 2.25) * x * x + 1
    outer = ((-0.75 * x + 3.75) * x - 6) * x + 3
    return jnp.where(x <= 1, inner, outer)


def grid_positions(
    grid: Array, extents: tuple, padding: str, align_corners: bool
) -> list[Array]:
    """The coordinates of a grid [N, ..., rank] as positions along each axis, outermost first."""
    positions = []
    for axis, extent in enumerate(extents):
        position = grid[..., len(extents) - 1 - axis]
        if align_corners:
            position = (position + 1) / 2 * (extent - 1)
        else:
            position = ((position + 1) * extent - 1) / 2
        positions.append(pad_position(position, extent, padding, align_corners))
    return positions


def pad_position(
    position: Array, extent: int, padding: str, align_corners: bool
) -> Array:
    """Positions beyond the ends brought back by border or reflection padding."""
    if padding == "reflection":
        low, high = (0, extent - 1) if align_corners else (-0.5, extent - 0.5)
        span = high - low
        if span == 0:
            return jnp.zeros_like(position)
        distance = jnp.abs(position - low)
        turns, rest = jnp.floor(distance / span), distance % span
        position = jnp.where(turns % 2 == 0, low + rest, high - rest)
    return position if padding == "zeros" else jnp.clip(position, 0, extent - 1)


def gather_elements(x: Array, indices: list[Array]) -> Array:
    """Elements of x [N, C, ...] at indices [N, ...] of each axis: [N, C, ...]; 0 outside."""
    inside, flat = True, 0
    for index, extent in zip(indices, x.shape[2:]):
        inside = inside & (index >= 0) & (index < extent)
        flat = flat * extent + jnp.clip(index, 0, extent - 1)
    flat = flat.reshape(x.shape[0], 1, -1)
    values = jnp.take_along_axis(x.reshape(*x.shape[:2], -1), flat, axis=-1)
    return values.reshape(*x.shape[:2], *inside.shape[1:]) * inside[:, None]


def grid_sample_nearest(
    x: Array, grid: Array, *, padding: str = "zeros", align_corners: bool = False
) -> Array:
    """Nearest elements of x [N, C, ...] to the points of grid [N, ..., rank] in [-1, 1]."""
    positions = grid_positions(grid, x.shape[2:], padding, align_corners)
    return gather_elements(x, [jnp.round(p).astype(int) for p in positions])


def grid_sample_linear(
    x: Array, grid: Array, *, padding: str = "zeros", align_corners: bool = False
) -> Array:
    """x [N, C, ...] interpolated linearly at the points of grid [N, ..., rank] in [-1, 1]."""
    positions = grid_positions(grid, x.shape[2:], padding, align_corners)
    total = 0
    for corner in itertools.product((0, 1), repeat=len(positions)):
        indices, weight = [], 1
        for position, side in zip(positions, corner):
            low = jnp.floor(position)
            weight = weight * (position - low if side else 1 - (position - low))
            indices.append(low.astype(int) + side)
        total += gather_elements(x, indices) * weight[:, None]
    return total


def grid_sample_cubic(
    x: Array, grid: Array, *, padding: str = "zeros", align_corners: bool = False
) -> Array:
    """x [N, C, H, W] interpolated by cubic convolution at the points of grid [N, ..., 2]."""
    extents = x.shape[2:]
    positions = grid_positions(grid, extents, "zeros", align_corners)
    total = 0
    for corner in itertools.product((-1, 0, 1, 2), repeat=len(positions)):
        indices, weight = [], 1
        for position, side, extent in zip(positions, corner, extents):
            index = jnp.floor(position) + side
            weight = weight * cubic_kernel(position - index)
            index = pad_position(index, extent, padding, align_corners)
            indices.append(jnp.round(index).astype(int))
        total += gather_elements(x, indices) * weight[:, None]
    return total


def affine_grid(theta: Array, size: tuple, *, align_corners: bool = False) -> Array:
    """The points of a regular grid over [-1, 1], moved by theta [N, rank, rank + 1]."""
    axes = []
    for count in size:
        reach = float(count > 1) if align_corners else (count - 1) / count
        axes.append(jnp.linspace(-reach, reach, count, dtype=theta.dtype))
    points = jnp.stack(jnp.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    ones = jnp.ones((*size, 1), theta.dtype)
    points = jnp.concatenate([points, ones], axis=-1).reshape(-1, len(size) + 1)
    return (points @ theta.mT).reshape(theta.shape[0], *size, len(size))
