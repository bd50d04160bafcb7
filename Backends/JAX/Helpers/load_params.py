"""Loading parameters."""

import jax.numpy as jnp
from safetensors.numpy import load_file


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are; children numbered 0..n-1 become lists."""
    # if not lists: "; children numbered 0..n-1 become lists" -> ""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return _lists(params)  # if nested
    # if not nested: return params


def _lists(node):
    if not isinstance(node, dict):
        return node
    node = {key: _lists(child) for key, child in node.items()}
    if set(node) == {str(i) for i in range(len(node))}:
        return [node[str(i)] for i in range(len(node))]
    return node
