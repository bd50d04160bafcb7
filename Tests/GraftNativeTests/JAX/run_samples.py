"""Runs emitted JAX files in double precision.

    python run_samples.py FOLDER

For each NAME.py in FOLDER, calls its function NAME, compiled, on the arrays of NAME.npz, which are its arguments in their
order, and writes NAME.out.npz: result 0, 1 and so on, in the order in which the function returns them. A file that
fails leaves NAME.error with what it raised.
"""

import functools
import pathlib
import sys

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)


def leaves(tree):
    """The arrays of nested tuples, lists and dicts, in the order in which they are written."""
    if isinstance(tree, dict):
        tree = tree.values()
    if hasattr(tree, "dtype") or not hasattr(tree, "__iter__"):
        return [tree]
    return [leaf for child in tree for leaf in leaves(child)]


def call(function, *arguments):
    return leaves(function(*arguments))


for file in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    module = {"__name__": file.stem}
    with np.load(file.with_suffix(".npz")) as saved:
        arguments = [jax.numpy.asarray(saved[f"{k}"]) for k in range(len(saved.files))]
    try:
        exec(compile(file.read_text(), file.name, "exec"), module)  # noqa: S102
        compiled = jax.jit(functools.partial(call, module[file.stem]))
        results = compiled(*arguments)
        arrays = {f"{k}": result for k, result in enumerate(results)}
        np.savez(file.with_suffix(".out.npz"), **arrays)
    except Exception as error:  # noqa: BLE001 (reported for each file)
        file.with_suffix(".error").write_text(f"{type(error).__name__}: {error}")
