"""Replace JAX's random numbers by the counter-based stream that verification uses on both sides.

Loaded as `graft_jax_draws`. Draw k of shape S uses `numpy.random.Generator(numpy.random.Philox(key=[seed, k]))`:
`random(S)`, or `standard_normal(S)` for normal distributions.
"""

import contextlib

import jax
import jax.numpy as jnp
import numpy


class Draws:
    """The functions of `jax.random` that emitted code calls, reading from the stream."""

    def __init__(self, seed):
        self.seed = seed
        self.count = 0

    def generator(self):
        key = [self.seed, self.count]
        self.count += 1
        return numpy.random.Generator(numpy.random.Philox(key=key))

    def unit(self, shape):
        return self.generator().random(tuple(shape))

    def bernoulli(self, key, p=0.5, shape=None, **_options):
        if shape is None:
            shape = jnp.shape(p)
        draw = self.unit(shape)
        return jnp.asarray(draw < p)

    def uniform(self, key, shape=(), dtype=float, minval=0.0, maxval=1.0, **_options):
        return jnp.asarray(minval + (maxval - minval) * self.unit(shape), dtype)

    def normal(self, key, shape=(), dtype=float, **_options):
        return jnp.asarray(self.generator().standard_normal(tuple(shape)), dtype)

    def randint(self, key, shape, minval, maxval, dtype=int, **_options):
        draw = minval + numpy.floor(self.unit(shape) * (maxval - minval))
        return jnp.asarray(draw, dtype)

    def permutation(self, key, x, **_options):
        order = numpy.argsort(self.unit((x,)), kind="stable")
        return jnp.asarray(order)

    def exponential(self, key, shape=(), dtype=float, **_options):
        return jnp.asarray(-numpy.log1p(-self.unit(shape)), dtype)


NAMES = ("bernoulli", "uniform", "normal", "randint", "permutation", "exponential")


@contextlib.contextmanager
def replaced_draws(seed):
    """Within the block, `jax.random` draws from the stream with this seed."""
    draws = Draws(seed)
    saved = {name: getattr(jax.random, name) for name in NAMES}
    for name in NAMES:
        setattr(jax.random, name, getattr(draws, name))
    try:
        yield
    finally:
        for name, function in saved.items():
            setattr(jax.random, name, function)
