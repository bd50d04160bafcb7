"""Loading parameters and state."""

import jax.numpy as jnp
from safetensors.numpy import load_file


def load_params(path: str) -> tuple[dict, dict]:
    """Parameters and state, nested as the modules are; children numbered 0..n-1 become lists."""
    # if not lists: "; children numbered 0..n-1 become lists" -> ""
    tree: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    tree = _lists(tree)  # if nested
    return tree.get("params", {}), tree.get("state", {})


def _lists(node):
    if not isinstance(node, dict):
        return node
    node = {key: _lists(child) for key, child in node.items()}
    if set(node) == {str(i) for i in range(len(node))}:
        return [node[str(i)] for i in range(len(node))]
    return node
