"""T5ForConditionalGeneration in JAX, converted from PyTorch 2.13, transformers 5.23
(goldens.py:t5).

params = load_params("t5.safetensors")
outputs = t5(params, input_ids, attention_mask, decoder_input_ids)
outputs = t5(params, input_ids, attention_mask, decoder_input_ids, rng=jax.random.key(0))
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


def attention_with_dropout(
    query: Array,
    key: Array,
    value: Array,
    rng: Array | None,
    *,
    mask: Array,
    causal: bool = False,
) -> Array:
    """Attention of query [..., T, H, D] to key and value [..., S, H, D] under a mask [..., H, T, S]."""
    scores = jnp.einsum("...thd,...shd->...hts", query, key)
    if causal:
        past = jnp.tri(*scores.shape[-2:], dtype=bool)
        scores = jnp.where(past, scores, -jnp.inf)
    scores += mask
    sees = (scores != -jnp.inf).any(-1, keepdims=True)
    weights = jnp.where(sees, jax.nn.softmax(jnp.where(sees, scores, 0)), 0)
    weights = dropout(weights, rng)
    return jnp.einsum("...hts,...shd->...thd", weights, value)


def dropout(x: Array, rng: Array | None, rate: float = 0.1) -> Array:
    """Zero a share `rate` of x and scale up the rest; x itself without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def encoder_self_attention(
    params: dict,
    hidden_states: Array,
    attention_mask: Array,
    position_bias: Array | None,
    *,
    rng: Array | None = None,
) -> tuple[Array, Array]:
    """T5Attention (transformers/models/t5/modeling_t5.py:176).

    Of hidden_states [N, T, 16], attention_mask [N, T], position_bias [2, T, T] -> [2, T, T],
    [N, T, 16].
    """
    n, t, _ = hidden_states.shape
    query_states = linear(params["q"], hidden_states).reshape(n, t, 2, -1)
    key_states = linear(params["k"], hidden_states).reshape(n, t, 2, -1)
    value_states = linear(params["v"], hidden_states).reshape(n, t, 2, -1)
    if "relative_attention_bias" in params:
        context_position = jnp.arange(t)
        context_position_2 = context_position[:, None]
        memory_position = context_position[None]
        relative_position = memory_position - context_position_2
        relative_buckets = (relative_position > 0).astype(int) * 16
        relative_position = jnp.abs(relative_position)
        is_small = relative_position < 8
        relative_position_if_large = (
            jnp.log(relative_position.astype(jnp.float32) / 8) / 2.772588722239781 * 8
        ).astype(int) + 8
        relative_position_if_large = jnp.minimum(relative_position_if_large, 15)
        relative_buckets = relative_buckets + jnp.where(
            is_small, relative_position, relative_position_if_large
        )
        values = params["relative_attention_bias"]["weight"][relative_buckets]
        position_bias = values.transpose(2, 0, 1)
    position_bias_mask = jnp.where(
        attention_mask[:, None, None], position_bias, jnp.finfo(jnp.float32).min
    )
    attn_output = attention_with_dropout(
        query_states, key_states, value_states, rng, mask=position_bias_mask
    )
    attn_output = linear(params["o"], attn_output.reshape(n, t, -1))
    return position_bias, attn_output


def decoder_self_attention(
    params: dict,
    hidden_states: Array,
    position_bias: Array | None,
    *,
    rng: Array | None = None,
) -> tuple[Array, Array]:
    """T5Attention (transformers/models/t5/modeling_t5.py:176).

    Of hidden_states [N, S, 16], position_bias [2, S, S] -> [2, S, S], [N, S, 16].
    """
    n, s, _ = hidden_states.shape
    query_states = linear(params["q"], hidden_states).reshape(n, s, 2, -1)
    key_states = linear(params["k"], hidden_states).reshape(n, s, 2, -1)
    value_states = linear(params["v"], hidden_states).reshape(n, s, 2, -1)
    if "relative_attention_bias" in params:
        context_position = jnp.arange(s)
        context_position_2 = context_position[:, None]
        memory_position = context_position[None]
        relative_position = -jnp.minimum(memory_position - context_position_2, 0)
        is_small = relative_position < 16
        relative_position_if_large = (
            jnp.log(relative_position.astype(jnp.float32) / 16)
            / 2.0794415416798357
            * 16
        ).astype(int) + 16
        relative_position_if_large = jnp.minimum(relative_position_if_large, 31)
        relative_buckets = jnp.where(
            is_small, relative_position, relative_position_if_large
        )
        values = params["relative_attention_bias"]["weight"][relative_buckets]
        position_bias = values.transpose(2, 0, 1)
    attn_output = attention_with_dropout(
        query_states, key_states, value_states, rng, mask=position_bias, causal=True
    )
    attn_output = linear(params["o"], attn_output.reshape(n, s, -1))
    return position_bias, attn_output


def decoder_enc_dec_attention(
    params: dict,
    hidden_states: Array,
    key_value_states: Array,
    attention_mask: Array,
    *,
    rng: Array | None = None,
) -> Array:
    """T5Attention (transformers/models/t5/modeling_t5.py:176).

    Of hidden_states [N, S, 16], key_value_states [N, T, 16], attention_mask [N, T] -> [N, S,
    16].
    """
    n, s, _ = hidden_states.shape
    t = key_value_states.shape[1]
    query_states = linear(params["q"], hidden_states).reshape(n, s, 2, -1)
    key_states = linear(params["k"], key_value_states).reshape(n, t, 2, -1)
    value_states = linear(params["v"], key_value_states).reshape(n, t, 2, -1)
    position_bias_mask = jnp.where(
        attention_mask[:, None, None], 0.0, jnp.finfo(jnp.float32).min
    )
    attn_output = attention_with_dropout(
        query_states, key_states, value_states, rng, mask=position_bias_mask
    )
    return linear(params["o"], attn_output.reshape(n, s, -1))


def dense_act_dense(
    params: dict, hidden_states: Array, *, rng: Array | None = None
) -> Array:
    """T5DenseActDense of hidden_states [N, T2, 16] (transformers/models/t5/modeling_t5.py:75)."""
    hidden_states = jax.nn.relu(linear(params["wi"], hidden_states))
    return linear(params["wo"], dropout(hidden_states, rng))


def encoder_layer_self_attention(
    params: dict,
    hidden_states: Array,
    attention_mask: Array,
    position_bias: Array | None,
    *,
    rng: Array | None = None,
) -> tuple[Array, Array]:
    """T5LayerSelfAttention (transformers/models/t5/modeling_t5.py:372).

    Of hidden_states [N, T, 16], attention_mask [N, T], position_bias [2, T, T] -> [2, T, T],
    [N, T, 16].
    """
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    normed_hidden_states = rms_norm(params["layer_norm"], hidden_states)
    position_bias, attn_output = encoder_self_attention(
        params["SelfAttention"],
        normed_hidden_states,
        attention_mask,
        position_bias,
        rng=keys[0],
    )
    attention_output = hidden_states + dropout(attn_output, keys[1])
    return position_bias, attention_output


def decoder_layer_self_attention(
    params: dict,
    hidden_states: Array,
    position_bias: Array | None,
    *,
    rng: Array | None = None,
) -> tuple[Array, Array]:
    """T5LayerSelfAttention (transformers/models/t5/modeling_t5.py:372).

    Of hidden_states [N, S, 16], position_bias [2, S, S] -> [2, S, S], [N, S, 16].
    """
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    normed_hidden_states = rms_norm(params["layer_norm"], hidden_states)
    position_bias, attn_output = decoder_self_attention(
        params["SelfAttention"], normed_hidden_states, position_bias, rng=keys[0]
    )
    attention_output = hidden_states + dropout(attn_output, keys[1])
    return position_bias, attention_output


def layer_ff(params: dict, hidden_states: Array, *, rng: Array | None = None) -> Array:
    """T5LayerFF of hidden_states [N, T2, 16] (transformers/models/t5/modeling_t5.py:126)."""
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    forwarded_states = rms_norm(params["layer_norm"], hidden_states)
    forwarded_states = dense_act_dense(
        params["DenseReluDense"], forwarded_states, rng=keys[0]
    )
    return hidden_states + dropout(forwarded_states, keys[1])


def layer_cross_attention(
    params: dict,
    hidden_states: Array,
    key_value_states: Array,
    attention_mask: Array,
    *,
    rng: Array | None = None,
) -> Array:
    """T5LayerCrossAttention (transformers/models/t5/modeling_t5.py:404).

    Of hidden_states [N, S, 16], key_value_states [N, T, 16], attention_mask [N, T] -> [N, S,
    16].
    """
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    normed_hidden_states = rms_norm(params["layer_norm"], hidden_states)
    normed_hidden_states = decoder_enc_dec_attention(
        params["EncDecAttention"],
        normed_hidden_states,
        key_value_states,
        attention_mask,
        rng=keys[0],
    )
    return hidden_states + dropout(normed_hidden_states, keys[1])


def encoder_block(
    params: dict,
    hidden_states: Array,
    attention_mask: Array,
    position_bias: Array | None,
    *,
    rng: Array | None = None,
) -> tuple[Array, Array]:
    """T5Block (transformers/models/t5/modeling_t5.py:435).

    Of hidden_states [N, T, 16], attention_mask [N, T], position_bias [2, T, T] -> [2, T, T],
    [N, T, 16].
    """
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    position_bias, attention_output = encoder_layer_self_attention(
        params["layer"][0], hidden_states, attention_mask, position_bias, rng=keys[0]
    )
    hidden_states = layer_ff(params["layer"][1], attention_output, rng=keys[1])
    return position_bias, hidden_states


def decoder_block(
    params: dict,
    hidden_states: Array,
    position_bias: Array | None,
    encoder_hidden_states: Array,
    attention_mask: Array,
    *,
    rng: Array | None = None,
) -> tuple[Array, Array]:
    """T5Block (transformers/models/t5/modeling_t5.py:435).

    Of hidden_states [N, S, 16], position_bias [2, S, S], encoder_hidden_states [N, T, 16],
    attention_mask [N, T] -> [2, S, S], [N, S, 16].
    """
    keys = [None] * 3 if rng is None else jax.random.split(rng, 3)
    position_bias, attention_output = decoder_layer_self_attention(
        params["layer"][0], hidden_states, position_bias, rng=keys[0]
    )
    attention_output = layer_cross_attention(
        params["layer"][1],
        attention_output,
        encoder_hidden_states,
        attention_mask,
        rng=keys[1],
    )
    hidden_states = layer_ff(params["layer"][2], attention_output, rng=keys[2])
    return position_bias, hidden_states


def encoder_stack(
    params: dict,
    weight: Array,
    input_ids: Array,
    attention_mask: Array,
    *,
    rng: Array | None = None,
) -> Array:
    """T5Stack (transformers/models/t5/modeling_t5.py:640).

    Of weight [50, 16], input_ids [N, T], attention_mask [N, T] -> [N, T, 16].
    """
    keys = [None] * 4 if rng is None else jax.random.split(rng, 4)
    inputs_embeds = weight[input_ids]
    attention_mask = attention_mask.astype(bool)
    hidden_states = dropout(inputs_embeds, keys[0])
    position_bias = None
    for block, key in zip(params["block"], keys[1:3]):
        position_bias, hidden_states = encoder_block(
            block, hidden_states, attention_mask, position_bias, rng=key
        )
    hidden_states = rms_norm(params["final_layer_norm"], hidden_states)
    return dropout(hidden_states, keys[3])


def decoder_stack(
    params: dict,
    weight: Array,
    input_ids: Array,
    encoder_attention_mask: Array,
    encoder_hidden_states: Array,
    *,
    rng: Array | None = None,
) -> Array:
    """T5Stack (transformers/models/t5/modeling_t5.py:640).

    Of weight [50, 16], input_ids [N, S], encoder_attention_mask [N, T], encoder_hidden_states
    [N, T, 16] -> [N, S, 16].
    """
    keys = [None] * 4 if rng is None else jax.random.split(rng, 4)
    inputs_embeds = weight[input_ids]
    attention_mask = encoder_attention_mask.astype(bool)
    hidden_states = dropout(inputs_embeds, keys[0])
    position_bias = None
    for block, key in zip(params["block"], keys[1:3]):
        position_bias, hidden_states = decoder_block(
            block,
            hidden_states,
            position_bias,
            encoder_hidden_states,
            attention_mask,
            rng=key,
        )
    hidden_states = rms_norm(params["final_layer_norm"], hidden_states)
    return dropout(hidden_states, keys[3])


def t5(
    params: dict,
    input_ids: Array,
    attention_mask: Array,
    decoder_input_ids: Array,
    *,
    rng: Array | None = None,
) -> dict:
    """T5ForConditionalGeneration (transformers/models/t5/modeling_t5.py:893).

    Of input_ids [N, T], attention_mask [N, T], decoder_input_ids [N, S] -> logits [N, S, 50],
    encoder_last_hidden_state [N, T, 16].
    """
    keys = [None] * 2 if rng is None else jax.random.split(rng, 2)
    outputs = encoder_stack(
        params["encoder"],
        params["shared"]["weight"],
        input_ids,
        attention_mask,
        rng=keys[0],
    )
    sequence_output = (
        decoder_stack(
            params["decoder"],
            params["shared"]["weight"],
            decoder_input_ids,
            attention_mask,
            outputs,
            rng=keys[1],
        )
        * 0.25
    )
    lm_logits = linear(params["shared"], sequence_output)
    return {"logits": lm_logits, "encoder_last_hidden_state": outputs}


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are; children numbered 0..n-1 become lists."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return _lists(params)


def _lists(node):
    if not isinstance(node, dict):
        return node
    node = {key: _lists(child) for key, child in node.items()}
    if set(node) == {str(i) for i in range(len(node))}:
        return [node[str(i)] for i in range(len(node))]
    return node
