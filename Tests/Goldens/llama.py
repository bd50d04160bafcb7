"""LlamaForCausalLM in JAX, converted from PyTorch 2.13, transformers 5.23
(goldens.py:llama).

params, state = load_params("llama.safetensors")
outputs = llama(params, state, input_ids)
outputs = jax.jit(llama)(params, state, input_ids)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed."""
    return x @ params["weight"].T


def rms_norm(params: dict, x: Array, *, eps: float = 1e-6) -> Array:
    """Divide x by its root mean square over the last axis, then scale."""
    square = jnp.square(x).mean(-1, keepdims=True)
    return x * lax.rsqrt(square + eps) * params["weight"]


def rotary_embedding(x: Array, cos: Array, sin: Array) -> Array:
    """Turn each pair of elements of x [..., D], half of D apart, by its angle."""
    x1, x2 = jnp.split(x, 2, axis=-1)
    turned = x * cos + jnp.concatenate([-x2, x1], axis=-1) * sin
    return turned.astype(x.dtype)


def llama_rotary_embedding(state: dict, position_ids: Array) -> tuple[Array, Array]:
    """LlamaRotaryEmbedding of position_ids [T] -> [1, T, 4], [1, T, 4] (modeling_llama.py:72)."""
    freqs = position_ids[None, :, None].astype(jnp.float32) * state["inv_freq"]
    emb = jnp.concatenate([freqs, freqs], axis=-1)
    cos = jnp.cos(emb)
    sin = jnp.sin(emb)
    return cos, sin


def attention(params: dict, hidden_states: Array, cos: Array, sin: Array) -> Array:
    """LlamaAttention (transformers/models/llama/modeling_llama.py:205).

    Of hidden_states [N, T, 16], cos [1, T, 4], sin [1, T, 4] -> [N, T, 16].
    """
    n, t, _ = hidden_states.shape
    query_states = linear(params["q_proj"], hidden_states).reshape(n, t, 4, -1)
    key_states = linear(params["k_proj"], hidden_states).reshape(n, t, 2, -1)
    value_states = linear(params["v_proj"], hidden_states).reshape(n, t, 2, -1)
    q_embed = rotary_embedding(query_states, cos[:, :, None], sin[:, :, None])
    k_embed = rotary_embedding(key_states, cos[:, :, None], sin[:, :, None])
    attn_output = jax.nn.dot_product_attention(
        q_embed, k_embed, value_states, is_causal=True
    )
    return linear(params["o_proj"], attn_output.reshape(n, t, -1))


def mlp(params: dict, x: Array) -> Array:
    """LlamaMLP of x [N, T, 16] -> [N, T, 16] (transformers/models/llama/modeling_llama.py:152)."""
    return linear(
        params["down_proj"],
        jax.nn.silu(linear(params["gate_proj"], x)) * linear(params["up_proj"], x),
    )


def decoder_layer(params: dict, hidden_states: Array, cos: Array, sin: Array) -> Array:
    """LlamaDecoderLayer (transformers/models/llama/modeling_llama.py:273).

    Of hidden_states [N, T, 16], cos [1, T, 4], sin [1, T, 4] -> [N, T, 16].
    """
    hidden_states = hidden_states + attention(
        params["self_attn"],
        rms_norm(params["input_layernorm"], hidden_states),
        cos,
        sin,
    )
    return hidden_states + mlp(
        params["mlp"], rms_norm(params["post_attention_layernorm"], hidden_states)
    )


def model(params: dict, state: dict, input_ids: Array) -> Array:
    """LlamaModel of input_ids [N, T] -> [N, T, 16] (modeling_llama.py:335)."""
    hidden_states = params["embed_tokens"]["weight"][input_ids]
    position_ids = jnp.arange(input_ids.shape[1])
    cos, sin = llama_rotary_embedding(state["rotary_emb"], position_ids)
    for layer in params["layers"]:
        hidden_states = decoder_layer(layer, hidden_states, cos, sin)
    return rms_norm(params["norm"], hidden_states)


def llama(params: dict, state: dict, input_ids: Array) -> dict:
    """LlamaForCausalLM of input_ids [N, T] -> logits [N, T, 50] (modeling_llama.py:409)."""
    outputs = model(params["model"], state["model"], input_ids)
    logits = linear(params["lm_head"], outputs)
    return {"logits": logits}


def load_params(path: str) -> tuple[dict, dict]:
    """Parameters and state, nested as the modules are; children numbered 0..n-1 become lists."""
    tree: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    layers = tree["params"]["model"]["layers"]
    tree["params"]["model"]["layers"] = [layers[str(i)] for i in range(len(layers))]
    return tree.get("params", {}), tree.get("state", {})
