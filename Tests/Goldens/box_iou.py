"""box_iou in JAX, converted from PyTorch 2.13 (goldens.py:box_iou).

output = box_iou(boxes, others)
output = jax.jit(box_iou)(boxes, others)
"""

import jax.numpy as jnp
from jax import Array


def clamp(x: Array, low: float | Array | None = None) -> Array:
    """Limit x to at least low; unlike `jnp.clip`, the gradient at a limit itself is that of x."""
    return jnp.where(x < low, low, x)


def box_iou(boxes: Array, others: Array) -> Array:
    """box_iou of boxes [N, 4], others [M, 4] -> [N, M] (functions.py:32)."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    other_area = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    top_left = boxes[:, None]
    top_left_2 = jnp.maximum(top_left[..., :2], others[:, :2])
    bottom_right = jnp.minimum(top_left[..., 2:], others[:, 2:])
    width, height = jnp.unstack(clamp(bottom_right - top_left_2, 0), axis=-1)
    overlap = width * height
    return overlap / (area[:, None] + other_area - overlap)
