"""The second half of a training run in JAX and optax, in float64.

    python optax_travel.py OUT.npz ADAM.safetensors WEIGHTS.safetensors DATA.npz

Takes five steps on x [80, 8] and y [80] of DATA, from a state and parameters that Swift wrote. OUT.npz holds END.PATH for
the parameters after them; ADAM is overwritten by the state after them.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import keystr, tree_map_with_path
from safetensors.numpy import load_file, save_file

jax.config.update("jax_enable_x64", True)


def nested(tensors):
    tree = {}
    for name, tensor in tensors.items():
        *parents, leaf = name.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return tree


def dotted(path):
    return keystr(path, simple=True, separator=".")


def flat(tree, prefix):
    found = {}
    tree_map_with_path(
        lambda path, x: found.update({dotted(path): np.asarray(x)}), tree
    )
    return {f"{prefix}.{name}": tensor for name, tensor in found.items()}


def loss(params, x, y):
    hidden = jax.nn.relu(x @ params["first"]["weight"].T + params["first"]["bias"])
    logits = hidden @ params["second"]["weight"].T + params["second"]["bias"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


output, state_file, weights, data = sys.argv[1:5]
params = nested(load_file(weights))
optimizer = optax.adamw(0.01, b1=0.8, b2=0.99, weight_decay=0.1)
saved = load_file(state_file)


def moment(name):
    return tree_map_with_path(
        lambda path, _: jnp.asarray(saved[f"{name}.{dotted(path)}"]), params
    )


adam, *rest = optimizer.init(params)
adam = adam._replace(count=saved["count"], mu=moment("mu"), nu=moment("nu"))
state = (adam, *rest)
batches = np.load(data)
for step in range(5):
    rows = slice(16 * step, 16 * step + 16)
    gradients = jax.grad(loss)(params, batches["x"][rows], batches["y"][rows])
    updates, state = optimizer.update(gradients, state, params)
    params = optax.apply_updates(params, updates)
adam = state[0]
count = np.asarray(adam.count, np.int32)
save_file({"count": count} | flat(adam.mu, "mu") | flat(adam.nu, "nu"), state_file)
np.savez(output, **flat(params, "END"))
