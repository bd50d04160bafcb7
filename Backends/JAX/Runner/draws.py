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
        self.tape = None

    def generator(self):
        key = [self.seed, self.count]
        self.count += 1
        return numpy.random.Generator(numpy.random.Philox(key=key))

    def draw(self, compute):
        """What `compute` makes of the next generator of the stream."""
        return compute(self.generator()) if self.tape is None else self.tape(compute)

    def unit(self, shape):
        return self.draw(lambda generator: generator.random(tuple(shape)))

    def bernoulli(self, key, p=0.5, shape=None, **_options):
        if shape is None:
            shape = jnp.shape(p)
        if isinstance(p, jax.Array):
            return jnp.asarray(self.unit(shape) < p)
        return self.draw(lambda g: jnp.asarray(g.random(tuple(shape)) < p))

    def uniform(self, key, shape=(), dtype=float, minval=0.0, maxval=1.0, **_options):
        draw = self.unit(shape)
        return jnp.asarray(minval + (maxval - minval) * draw, dtype)

    def normal(self, key, shape=(), dtype=float, **_options):
        return self.draw(lambda g: jnp.asarray(g.standard_normal(tuple(shape)), dtype))

    def randint(self, key, shape, minval, maxval, dtype=int, **_options):
        def compute(generator):
            draw = generator.random(tuple(shape))
            return jnp.asarray(minval + numpy.floor(draw * (maxval - minval)), dtype)

        return self.draw(compute)

    def permutation(self, key, x, **_options):
        return self.draw(
            lambda g: jnp.asarray(numpy.argsort(g.random((x,)), kind="stable"))
        )

    def exponential(self, key, shape=(), dtype=float, **_options):
        return self.draw(
            lambda g: jnp.asarray(-numpy.log1p(-g.random(tuple(shape))), dtype)
        )

    def scan(self, body, init, xs=None, length=None, **options):
        """`jax.lax.scan`, each turn of which draws numbers of its own, as those of a loop do."""
        tape = []

        def record(compute):
            tape.append(compute)
            return jnp.asarray(compute(numpy.random.default_rng(0)))

        def replaying(carry, turn):
            x, drawn = turn
            values = iter(drawn)
            with self.taped(lambda _: next(values)):
                return body(carry, x)

        first = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), xs)
        with self.taped(record):
            jax.eval_shape(body, init, first)
        if not tape:
            return SCAN(body, init, xs, length, **options)
        turns = jax.tree.leaves(xs)[0].shape[0] if length is None else length
        rows = [[self.draw(compute) for compute in tape] for _ in range(turns)]
        drawn = [jnp.stack(column) for column in zip(*rows)]
        return SCAN(replaying, init, (xs, drawn), length, **options)

    @contextlib.contextmanager
    def taped(self, tape):
        """Within the block, what is drawn comes from `tape`."""
        outer, self.tape = self.tape, tape
        try:
            yield
        finally:
            self.tape = outer


NAMES = ("bernoulli", "uniform", "normal", "randint", "permutation", "exponential")
SCAN = jax.lax.scan


@contextlib.contextmanager
def replaced_draws(seed):
    """Within the block, `jax.random` draws from the stream with this seed."""
    draws = Draws(seed)
    saved = {name: getattr(jax.random, name) for name in NAMES}
    for name in NAMES:
        setattr(jax.random, name, getattr(draws, name))
    jax.lax.scan = draws.scan
    try:
        yield
    finally:
        jax.lax.scan = SCAN
        for name, function in saved.items():
            setattr(jax.random, name, function)
