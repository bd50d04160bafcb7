"""Helpers for attention."""

import jax
import jax.numpy as jnp
from jax import Array

from .random import dropout


def attention_weights(
    query: Array,
    key: Array,
    mask: Array | None = None,
    *,
    scale: float | None = None,
    causal: bool = False,
) -> Array:
    """How much each query [..., T, D] attends to each key [..., S, D]: [..., T, S].

    A mask is True where a key is seen, or is added to the scores; zeros where a query sees nothing.
    """
    # if not mask: "A mask is True where a key is seen, or is added to the scores; z" -> "Z"
    # if fixed causal: "sees nothing." -> "sees nothing; no key after the query is seen."
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    # if not scale: "(query.shape[-1] ** -0.5 if scale is None else scale)" -> "query.shape[-1] ** -0.5"
    # if fixed scale: "(query.shape[-1] ** -0.5 if scale is None else scale)" -> "scale"
    if causal:  # if varied causal
        past = jnp.tri(*scores.shape[-2:], dtype=bool)  # if varied causal
        scores = jnp.where(past, scores, -jnp.inf)  # if varied causal
    # if fixed causal: scores = jnp.where(jnp.tri(*scores.shape[-2:], dtype=bool), scores, -jnp.inf)
    if mask is not None:  # if mask
        seen = jnp.where(mask, scores, -jnp.inf)  # if mask
        scores = seen if mask.dtype == bool else scores + mask  # if mask
    sees = (scores != -jnp.inf).any(-1, keepdims=True)
    return jnp.where(sees, jax.nn.softmax(jnp.where(sees, scores, 0)), 0)


def attention(
    query: Array,
    key: Array,
    value: Array,
    *,
    mask: Array | None = None,
    scale: float | None = None,
    causal: bool = False,
) -> Array:
    """Attention of query [..., T, H, D] to key and value [..., S, H, D]."""
    # if fixed causal: "Attention of" -> "Causal attention of"
    # if mask: "[..., S, H, D]" -> "[..., S, H, D] under a mask [..., H, T, S]"
    scores = jnp.einsum("...thd,...shd->...hts", query, key)  # if varied scale
    scores *= query.shape[-1] ** -0.5 if scale is None else scale  # if varied scale
    # if fixed scale: scores = jnp.einsum("...thd,...shd->...hts", query, key) * scale
    # if not scale: scores = jnp.einsum("...thd,...shd->...hts", query, key) * query.shape[-1] ** -0.5
    if causal:  # if varied causal
        past = jnp.tri(*scores.shape[-2:], dtype=bool)  # if varied causal
        scores = jnp.where(past, scores, -jnp.inf)  # if varied causal
    # if fixed causal: scores = jnp.where(jnp.tri(*scores.shape[-2:], dtype=bool), scores, -jnp.inf)
    if mask is not None:  # if some mask
        seen = jnp.where(mask, scores, -jnp.inf)  # if some mask
        scores = seen if mask.dtype == bool else scores + mask  # if some mask
    # if always mask and always boolean_mask: scores = jnp.where(mask, scores, -jnp.inf)
    # if always mask and not boolean_mask: scores += mask
    # if always mask and some boolean_mask: seen = jnp.where(mask, scores, -jnp.inf)
    # if always mask and some boolean_mask: scores = seen if mask.dtype == bool else scores + mask
    sees = (scores != -jnp.inf).any(-1, keepdims=True)  # if mask
    weights = jnp.where(sees, jax.nn.softmax(jnp.where(sees, scores, 0)), 0)  # if mask
    # if not mask: weights = jax.nn.softmax(scores)
    return jnp.einsum("...hts,...shd->...thd", weights, value)


def attention_with_dropout(
    query: Array,
    key: Array,
    value: Array,
    rng: Array | None,
    rate: float,
    *,
    mask: Array | None = None,
    scale: float | None = None,
    causal: bool = False,
) -> Array:
    """Attention of query [..., T, H, D] to key and value [..., S, H, D], with dropout."""
    # if fixed causal: "Attention of" -> "Causal attention of"
    # if mask: ", with dropout" -> " under a mask [..., H, T, S]"
    scores = jnp.einsum("...thd,...shd->...hts", query, key)  # if varied scale
    scores *= query.shape[-1] ** -0.5 if scale is None else scale  # if varied scale
    # if fixed scale: scores = jnp.einsum("...thd,...shd->...hts", query, key) * scale
    # if not scale: scores = jnp.einsum("...thd,...shd->...hts", query, key) * query.shape[-1] ** -0.5
    if causal:  # if varied causal
        past = jnp.tri(*scores.shape[-2:], dtype=bool)  # if varied causal
        scores = jnp.where(past, scores, -jnp.inf)  # if varied causal
    # if fixed causal: scores = jnp.where(jnp.tri(*scores.shape[-2:], dtype=bool), scores, -jnp.inf)
    if mask is not None:  # if some mask
        seen = jnp.where(mask, scores, -jnp.inf)  # if some mask
        scores = seen if mask.dtype == bool else scores + mask  # if some mask
    # if always mask and always boolean_mask: scores = jnp.where(mask, scores, -jnp.inf)
    # if always mask and not boolean_mask: scores += mask
    # if always mask and some boolean_mask: seen = jnp.where(mask, scores, -jnp.inf)
    # if always mask and some boolean_mask: scores = seen if mask.dtype == bool else scores + mask
    sees = (scores != -jnp.inf).any(-1, keepdims=True)  # if mask
    weights = jnp.where(sees, jax.nn.softmax(jnp.where(sees, scores, 0)), 0)  # if mask
    weights = dropout(weights, rng, rate)  # if mask
    # if not mask: weights = dropout(jax.nn.softmax(scores), rng, rate)
    # if not rate: ", rng, rate)" -> ", rng)"
    return jnp.einsum("...hts,...shd->...thd", weights, value)
