"""box_iou in JAX, converted from PyTorch 2.13 (goldens.py:box_iou).

output = box_iou(boxes, others)
output = jax.jit(box_iou)(boxes, others)
"""

import jax.numpy as jnp
from jax import Array


def box_iou(boxes: Array, others: Array) -> Array:
    """box_iou of boxes [N, 4], others [M, 4] -> [N, M] (functions.py:33)."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    other_area = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    top_left = jnp.maximum(boxes[:, None, :2], others[:, :2])
    bottom_right = jnp.minimum(boxes[:, None, 2:], others[:, 2:])
    out = bottom_right - top_left
    width, height = jnp.unstack(jnp.where(out < 0, 0, out), axis=-1)
    overlap = width * height
    return overlap / (area[:, None] + other_area - overlap)
