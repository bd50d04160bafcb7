"""box_regression_losses in JAX, converted from PyTorch 2.13
(goldens.py:box_regression_losses).

output, output_2 = box_regression_losses(boxes, others)
output, output_2 = jax.jit(box_regression_losses)(boxes, others)
"""

import jax.numpy as jnp
from jax import Array


def box_area(boxes: Array) -> Array:
    """box_area of boxes [N2, 4] -> [N2] (functions.py:444)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def charbonnier(difference: Array, *, slack: float = 0.1) -> Array:
    """charbonnier of difference [...] -> [] (functions.py:456)."""
    distance = jnp.sqrt(jnp.square(difference) + slack**2)
    return (distance - slack).mean()


def overlap_and_union(boxes: Array, others: Array) -> tuple[Array, Array]:
    """overlap_and_union of boxes [N, 4], others [M, 4] -> [N, M], [N, M] (functions.py:448)."""
    top_left = jnp.maximum(boxes[:, None, :2], others[:, :2])
    bottom_right = jnp.minimum(boxes[:, None, 2:], others[:, 2:])
    out = bottom_right - top_left
    width, height = jnp.unstack(jnp.where(out < 0, 0, out), axis=-1)
    overlap = width * height
    return overlap, box_area(boxes)[:, None] + box_area(others) - overlap


def box_regression_losses(boxes: Array, others: Array) -> tuple[Array, Array]:
    """box_regression_losses of boxes [N, 4], others [M, 4] -> [], [N, M] (functions.py:461)."""
    overlap, union = overlap_and_union(boxes, others)
    best = overlap / union
    best_2 = others[best.argmax(-1)]
    corners = charbonnier(boxes - best_2)
    sizes = charbonnier(box_area(boxes) - box_area(best_2), slack=2)
    return corners + sizes * 0.5, 1 - best
