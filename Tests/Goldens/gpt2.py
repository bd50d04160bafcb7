"""GPT2LMHeadModel in JAX, converted from PyTorch 2.13, transformers 5.23 (goldens.py:gpt2).

params = load_params("gpt2.safetensors")
outputs = gpt2(params, input_ids)
outputs = gpt2(params, input_ids, rng=jax.random.key(0))
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed."""
    return x @ params["weight"].T


def layer_norm(params: dict, x: Array, *, eps: float = 1e-5) -> Array:
    """Normalise x over the last axis, then scale and shift."""
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * params["weight"] + params["bias"]


def attention_with_dropout(
    query: Array, key: Array, value: Array, rng: Array | None
) -> Array:
    """Causal attention of query [..., T, H, D] to key and value [..., S, H, D], with dropout."""
    scores = jnp.einsum("...thd,...shd->...hts", query, key) * query.shape[-1] ** -0.5
    scores = jnp.where(jnp.tri(*scores.shape[-2:], dtype=bool), scores, -jnp.inf)
    weights = dropout(jax.nn.softmax(scores), rng)
    return jnp.einsum("...hts,...shd->...thd", weights, value)


def dropout(x: Array, rng: Array | None, rate: float = 0.1) -> Array:
    """Zero a share `rate` of x and scale up the rest; x itself without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def conv1d(params: dict, x: Array) -> Array:
    """Conv1D of x [N, T, D] -> [N, T, E] (transformers/pytorch_utils.py:95)."""
    return x @ params["weight"] + params["bias"]


def attention(params: dict, hidden_states: Array, *, rng: Array | None = None) -> Array:
    """GPT2Attention of hidden_states [N, T, 16] (transformers/models/gpt2/modeling_gpt2.py:75)."""
    n, t, _ = hidden_states.shape
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    query_states, key_states, value_states = jnp.unstack(
        conv1d(params["c_attn"], hidden_states).reshape(n, t, 3, 2, -1), axis=2
    )
    attn_output = attention_with_dropout(
        query_states, key_states, value_states, keys[0]
    )
    attn_output = attn_output.reshape(n, t, -1)
    return dropout(conv1d(params["c_proj"], attn_output), keys[1])


def mlp(params: dict, hidden_states: Array, *, rng: Array | None = None) -> Array:
    """GPT2MLP of hidden_states [N, T, 16] (transformers/models/gpt2/modeling_gpt2.py:229)."""
    hidden_states = jax.nn.gelu(conv1d(params["c_fc"], hidden_states))
    return dropout(conv1d(params["c_proj"], hidden_states), rng)


def block(params: dict, hidden_states: Array, *, rng: Array | None = None) -> Array:
    """GPT2Block of hidden_states [N, T, 16] (transformers/models/gpt2/modeling_gpt2.py:246)."""
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    hidden_states = hidden_states + attention(
        params["attn"], layer_norm(params["ln_1"], hidden_states), rng=keys[0]
    )
    return hidden_states + mlp(
        params["mlp"], layer_norm(params["ln_2"], hidden_states), rng=keys[1]
    )


def model(params: dict, input_ids: Array, *, rng: Array | None = None) -> Array:
    """GPT2Model of input_ids [N, T] -> [N, T, 16] (modeling_gpt2.py:483)."""
    keys = [None] * 3 if rng is None else jax.random.split(rng, 3)
    inputs_embeds = params["wte"]["weight"][input_ids]
    position_embeds = params["wpe"]["weight"][: input_ids.shape[1]]
    hidden_states = dropout(inputs_embeds + position_embeds, keys[0])
    for layer, key in zip(params["h"], keys[1:]):
        hidden_states = block(layer, hidden_states, rng=key)
    return layer_norm(params["ln_f"], hidden_states)


def gpt2(params: dict, input_ids: Array, *, rng: Array | None = None) -> dict:
    """GPT2LMHeadModel of input_ids [N, T] -> logits [N, T, 50] (modeling_gpt2.py:628)."""
    outputs = model(params["transformer"], input_ids, rng=rng)
    logits = linear(params["transformer"]["wte"], outputs)
    return {"logits": logits}


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are; children numbered 0..n-1 become lists."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    layers = params["transformer"]["h"]
    params["transformer"]["h"] = [layers[str(i)] for i in range(len(layers))]
    return params
