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
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    # if not scale: "(query.shape[-1] ** -0.5 if scale is None else scale)" -> "query.shape[-1] ** -0.5"
    if causal:  # if causal
        past = jnp.tri(*scores.shape[-2:], dtype=bool)  # if causal
        scores = jnp.where(past, scores, -jnp.inf)  # if causal
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
    """Attention of query [..., T, H, D] to key and value [..., S, H, D].

    A mask [..., H, T, S] is True where a key is seen, or is added to the scores; zeros where a query sees nothing.
    """
    # if not mask: "A mask [..., H, T, S] is True where a key is seen, or is added to the scores; zeros where a query sees nothing." -> "The scores are [..., H, T, S]."
    scores = jnp.einsum("...thd,...shd->...hts", query, key)
    scores *= query.shape[-1] ** -0.5 if scale is None else scale
    # if not scale: " if scale is None else scale" -> ""
    if causal:  # if causal
        past = jnp.tri(*scores.shape[-2:], dtype=bool)  # if causal
        scores = jnp.where(past, scores, -jnp.inf)  # if causal
    if mask is not None:  # if mask
        seen = jnp.where(mask, scores, -jnp.inf)  # if mask
        scores = seen if mask.dtype == bool else scores + mask  # if mask
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
    """Attention of query [..., T, H, D] to key and value [..., S, H, D]; with a key, drops weights.

    A mask [..., H, T, S] is True where a key is seen, or is added to the scores; zeros where a query sees nothing.
    """
    # if not mask: "A mask [..., H, T, S] is True where a key is seen, or is added to the scores; zeros where a query sees nothing." -> "The scores are [..., H, T, S]."
    scores = jnp.einsum("...thd,...shd->...hts", query, key)
    scores *= query.shape[-1] ** -0.5 if scale is None else scale
    # if not scale: " if scale is None else scale" -> ""
    if causal:  # if causal
        past = jnp.tri(*scores.shape[-2:], dtype=bool)  # if causal
        scores = jnp.where(past, scores, -jnp.inf)  # if causal
    if mask is not None:  # if mask
        seen = jnp.where(mask, scores, -jnp.inf)  # if mask
        scores = seen if mask.dtype == bool else scores + mask  # if mask
    sees = (scores != -jnp.inf).any(-1, keepdims=True)  # if mask
    weights = jnp.where(sees, jax.nn.softmax(jnp.where(sees, scores, 0)), 0)  # if mask
    # if not mask: weights = jax.nn.softmax(scores)
    weights = dropout(weights, rng, rate)
    return jnp.einsum("...hts,...shd->...thd", weights, value)
