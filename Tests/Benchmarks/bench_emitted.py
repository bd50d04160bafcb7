"""Time emitted JAX under jit against the same models written by hand in JAX: outputs, and gradients of all parameters."""

import os
import pathlib
import statistics
import tempfile
import time
from functools import partial

import handwritten
import jax
import numpy
import safetensors.numpy
from conversion import load_emitted, transpile

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("GRAFT_BENCH_ROUNDS", "30"))
MODELS = (
    ("models.py", "residual_stack", (8, 64, 56, 56)),
    ("architectures.py", "transformer_encoder", (8, 128, 256)),
)


def convert(source, name, shape, folder):
    """The emitted function of params and input, its params, and the weights by PyTorch's names."""
    dims = ",".join(["N", *map(str, shape[1:])])
    transpile(HERE / source, name, folder, "--input", f"f32[{dims}]")
    function, (params, *state) = load_emitted(folder, name)
    stored = safetensors.numpy.load_file(f"{folder}/{name}.safetensors")
    weights = {
        k.removeprefix("params.").removeprefix("state."): w for k, w in stored.items()
    }
    if state:
        return lambda p, x: function(p, *state, x)[0], params, weights
    return function, params, weights


def gradient(function):
    return jax.grad(lambda params, x: (function(params, x) ** 2).mean())


def milliseconds(call):
    started = time.perf_counter()
    jax.block_until_ready(call())
    return 1000 * (time.perf_counter() - started)


def compare(title, emitted, by_hand):
    """Time both in turn; print the medians and their ratio."""
    times = [], []
    for _ in range(ROUNDS):
        for call, collected in zip((emitted, by_hand), times):
            collected.append(milliseconds(call))
    ours, theirs = map(statistics.median, times)
    ratio = ours / theirs
    print(f"{title:32} {ours:9.2f} ms {theirs:9.2f} ms   ratio {ratio:.2f}")


def main():
    print(f"{'':32} {'emitted':>12} {'by hand':>12}   medians of {ROUNDS}")
    for source, name, shape in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            emitted, params, weights = convert(source, name, shape, folder)
        own_params = getattr(handwritten, f"{name}_params")(weights)
        by_hand = getattr(handwritten, name)
        generator = numpy.random.default_rng(0)
        x = jax.numpy.asarray(generator.standard_normal(shape, dtype="float32"))
        for title, transform in (("", lambda f: f), (" gradient", gradient)):
            ours, theirs = (jax.jit(transform(f)) for f in (emitted, by_hand))
            results = ours(params, x), theirs(own_params, x)
            if not title:
                numpy.testing.assert_allclose(*results, rtol=1e-4, atol=1e-4)
            compare(
                name + title, partial(ours, params, x), partial(theirs, own_params, x)
            )


main()
