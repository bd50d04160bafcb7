"""Helpers for losses and distances."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from .elementwise import clamp


def smooth_l1_loss(x: Array, y: Array, *, beta: float = 1.0) -> Array:
    """Errors of x against y: squared below beta, absolute above."""
    error = jnp.abs(x - y)
    if beta == 0:
        return error
    return jnp.where(error < beta, 0.5 * error**2 / beta, error - 0.5 * beta)


def huber_loss(x: Array, y: Array, *, delta: float = 1.0) -> Array:
    """Errors of x against y: squared up to delta, linear above."""
    error = jnp.abs(x - y)
    return jnp.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta))


def binary_cross_entropy(
    probs: Array, target: Array, *, weight: Array | None = None
) -> Array:
    """Cross entropy of probabilities with targets in [0, 1]; logarithms are at least -100."""
    log_true = jnp.maximum(jnp.log(probs), -100)
    log_false = jnp.maximum(jnp.log1p(-probs), -100)
    loss = -(target * log_true + (1 - target) * log_false)
    return loss if weight is None else loss * weight
    # if not weight: " if weight is None else loss * weight" -> ""


def binary_cross_entropy_with_logits(
    logits: Array,
    target: Array,
    *,
    weight: Array | None = None,
    pos_weight: Array | float = 1.0,
) -> Array:
    """Cross entropy of sigmoid(logits) with targets in [0, 1]; pos_weight weighs the positive part."""
    # if not pos_weight: "; pos_weight weighs the positive part" -> ""
    positive = pos_weight * target * jax.nn.log_sigmoid(logits)
    # if not pos_weight: " = pos_weight * " -> " = "
    loss = -(positive + (1 - target) * jax.nn.log_sigmoid(-logits))
    return loss if weight is None else loss * weight
    # if not weight: " if weight is None else loss * weight" -> ""


def poisson_nll_loss(
    x: Array,
    target: Array,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
) -> Array:
    """Negative log likelihood of counts under Poisson distributions of mean exp(x), or x."""
    loss = jnp.exp(x) - target * x if log_input else x - target * jnp.log(x + eps)
    if not full:  # if full
        return loss  # if full
    count = jnp.where(target > 1, target, 1)  # if full
    stirling = 0.5 * jnp.log(2 * jnp.pi * count)  # if full
    stirling += count * jnp.log(count) - count  # if full
    return loss + jnp.where(target > 1, stirling, 0)  # if full
    # if not full: return loss


def hinge_embedding_loss(x: Array, target: Array, *, margin: float = 1.0) -> Array:
    """x where the target is 1, max(0, margin - x) where it is -1."""
    hinge = clamp(margin - x, 0)
    return jnp.where(target != 1, hinge, 0) + jnp.where(target != -1, x, 0)


def cosine_embedding_loss(
    x: Array, y: Array, target: Array, *, margin: float = 0.0
) -> Array:
    """1 - cos(x, y) where the target is 1, max(0, cos(x, y) - margin) where it is -1."""
    eps = 1e-12
    norms = jnp.sqrt(((x * x).sum(-1) + eps) * ((y * y).sum(-1) + eps))
    cosine = (x * y).sum(-1) / norms
    away = jnp.where(target == -1, clamp(cosine - margin, 0), 0)
    return jnp.where(target == 1, 1 - cosine, 0) + away


def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
) -> Array:
    """max(0, margin + distance(anchor, positive) - distance(anchor, negative)) of the last axis."""
    near = jnp.linalg.norm(anchor - positive + eps, ord=p, axis=-1)
    far = jnp.linalg.norm(anchor - negative + eps, ord=p, axis=-1)
    if swap:  # if swap
        other = positive - negative + eps  # if swap
        far = jnp.minimum(far, jnp.linalg.norm(other, ord=p, axis=-1))  # if swap
    return clamp(margin + near - far, 0)


def multilabel_margin_loss(x: Array, target: Array) -> Array:
    """Hinge loss of x [..., C] with the classes that target [..., C] lists up to the first -1."""
    listed = jnp.cumsum(target < 0, axis=-1) == 0
    index = jnp.where(listed, target, 0)
    is_target = (jax.nn.one_hot(index, x.shape[-1]) * listed[..., None]).any(-2)
    score = jnp.take_along_axis(x, index, axis=-1)
    hinge = jax.nn.relu(1 - score[..., None] + x[..., None, :])
    counts = listed[..., None] & ~is_target[..., None, :]
    return jnp.where(counts, hinge, 0).sum((-2, -1)) / x.shape[-1]


def nll_loss(
    log_probs: Array,
    target: Array,
    *,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Array:
    """Negative log likelihood of log_probs [N, C, ...] at classes target [N, ...]; the mean is weighted."""
    # if not weight: "; the mean is weighted" -> ""
    axis = min(1, log_probs.ndim - 1)
    valid = target != ignore_index
    index = jnp.where(valid, target, 0)
    picked = jnp.take_along_axis(log_probs, jnp.expand_dims(index, axis), axis=axis)
    scale = valid.astype(log_probs.dtype) if weight is None else valid * weight[index]
    # if not weight: " if weight is None else valid * weight[index]" -> ""
    loss = jnp.where(valid, -picked.squeeze(axis) * scale, 0)
    if reduction == "mean":  # if reduction
        return loss.sum() / scale.sum()  # if reduction
    return loss.sum() if reduction == "sum" else loss  # if reduction
    # if not reduction: return loss.sum() / scale.sum()


def cross_entropy(
    logits: Array,
    target: Array,
    *,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Array:
    """Cross entropy of logits [N, C, ...] with classes target [N, ...]; the mean is weighted."""
    # if not weight: "; the mean is weighted" -> ""
    axis = min(1, logits.ndim - 1)
    classes = logits.shape[axis]
    weight = jnp.ones(classes, logits.dtype) if weight is None else weight
    # if not weight: " if weight is None else weight" -> ""
    log_probs = jnp.moveaxis(jax.nn.log_softmax(logits, axis=axis), axis, -1)
    valid = target != ignore_index
    index = jnp.where(valid, target, 0)
    scale = jnp.where(valid, weight[index], 0)
    picked = jnp.take_along_axis(log_probs, index[..., None], axis=-1)[..., 0]
    loss = -jnp.where(valid, picked, 0) * scale
    if label_smoothing:  # if label_smoothing
        spread = jnp.where(valid, log_probs @ weight, 0)  # if label_smoothing
        share = label_smoothing  # if label_smoothing
        loss = (1 - share) * loss - share * spread / classes  # if label_smoothing
    if reduction == "mean":  # if reduction
        return loss.sum() / scale.sum()  # if reduction
    return loss.sum() if reduction == "sum" else loss  # if reduction
    # if not reduction: return loss.sum() / scale.sum()


def soft_cross_entropy(
    logits: Array,
    target: Array,
    *,
    weight: Array | float = 1.0,
    label_smoothing: float = 0.0,
) -> Array:
    """Cross entropy of logits [N, C, ...] with probabilities of the same shape, one for each [N, ...]."""
    axis = min(1, logits.ndim - 1)
    log_probs = jnp.moveaxis(jax.nn.log_softmax(logits, axis=axis), axis, -1)
    target = jnp.moveaxis(target, axis, -1)
    if label_smoothing:  # if label_smoothing
        share = label_smoothing  # if label_smoothing
        target = target * (1 - share) + share / target.shape[-1]  # if label_smoothing
    return -(log_probs * target * weight).sum(-1)
    # if not weight: " * weight)" -> ")"


def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Array:
    """Connectionist temporal classification of log_probs [T, N, C] with labels targets [N, S]: a loss [N] each."""
    steps, batch, _ = log_probs.shape
    states = 2 * targets.shape[1] + 1
    labels = jnp.full((batch, states), blank).at[:, 1::2].set(targets)
    emitted = jnp.take_along_axis(log_probs, labels[None].repeat(steps, 0), axis=2)
    # A label may follow the one before it at once unless they are equal.
    skips = (labels != blank) & (labels != jnp.roll(labels, 2, axis=1))
    skips = skips.at[:, :2].set(False)
    low = -1e30

    def step(alpha, inputs):
        time, emission = inputs
        stay = jnp.stack(
            [
                alpha,
                jnp.pad(alpha, ((0, 0), (1, 0)), constant_values=low)[:, :-1],
                jnp.where(
                    skips,
                    jnp.pad(alpha, ((0, 0), (2, 0)), constant_values=low)[:, :-2],
                    low,
                ),
            ]
        )
        following = jnp.maximum(jax.nn.logsumexp(stay, axis=0) + emission, low)
        return jnp.where((time < input_lengths)[:, None], following, alpha), None

    first = jnp.full((batch, states), low).at[:, :2].set(emitted[0, :, :2])
    alpha, _ = lax.scan(step, first, (jnp.arange(1, steps), emitted[1:]))
    last = 2 * target_lengths[:, None]
    ends = jnp.take_along_axis(alpha, jnp.maximum(last - jnp.arange(2), 0), axis=1)
    ends = jnp.where((last == 0) & (jnp.arange(2) == 1), low, ends)
    loss = -jax.nn.logsumexp(ends, axis=1)
    # The gradient is taken through the log_softmax that made log_probs, as PyTorch does.
    counted = jnp.arange(steps)[:, None] < input_lengths
    mass = jnp.where(counted, jnp.exp(log_probs).sum(-1), 0).sum(0)
    loss = loss + (mass - lax.stop_gradient(mass))
    return jnp.where(loss > -low / 2, 0.0 if zero_infinity else jnp.inf, loss)


def cosine_similarity(
    x: Array, y: Array, *, axis: int = -1, eps: float = 1e-8
) -> Array:
    """Cosine of the angle between x and y along an axis; norms count as at least eps."""
    x_norm = jnp.sqrt(clamp((x * x).sum(axis), eps**2))
    y_norm = jnp.sqrt(clamp((y * y).sum(axis), eps**2))
    return (x * y).sum(axis) / (x_norm * y_norm)


def cdist(x: Array, y: Array, *, p: float = 2) -> Array:
    """Distances between each of x [..., P, M] and each of y [..., R, M]; equal points have no gradient."""
    difference = jnp.abs(x[..., :, None, :] - y[..., None, :, :])
    if p == jnp.inf:
        return difference.max(-1)
    if p == 0:
        return (difference != 0).sum(-1).astype(x.dtype)
    if p == 1:
        return difference.sum(-1)
    total = (difference**p).sum(-1)
    nonzero = total > 0
    return jnp.where(nonzero, jnp.where(nonzero, total, 1) ** (1 / p), 0)


def pdist(x: Array, *, p: float = 2) -> Array:
    """Distances between the rows of x [N, M]: those of each row from the rows after it."""
    rows, columns = jnp.triu_indices(x.shape[0], k=1)
    return cdist(x[rows, None], x[columns, None], p=p)[:, 0, 0]
