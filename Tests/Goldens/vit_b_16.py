"""VisionTransformer in JAX, converted from PyTorch 2.13, torchvision 0.28
(torchvision.models.vit_b_16).

params = load_params("vit_b_16.safetensors")
output = vit_b_16(params, x)
output = jax.jit(vit_b_16)(params, x)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from safetensors.numpy import load_file


def linear(params: dict, x: Array) -> Array:
    """x [..., in] times weight [out, in], transposed, plus bias [out]."""
    return x @ params["weight"].T + params["bias"]


def conv2d(params: dict, x: Array, *, stride: int = 1) -> Array:
    """2-D convolution of x [N, C, H, W] with weight [O, C, kH, kW], plus bias [O]."""
    out = lax.conv_general_dilated(
        x, params["weight"], window_strides=(stride, stride), padding="VALID"
    )
    return out + params["bias"][:, None, None]


def layer_norm(params: dict, x: Array, *, eps: float = 1e-6) -> Array:
    """Normalise x over the last axis, then scale and shift."""
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + eps) * params["weight"] + params["bias"]


def multihead_attention(params: dict, query: Array) -> Array:
    """MultiheadAttention of query [N, 197, 768] (torch/nn/modules/activation.py:1089)."""
    n = query.shape[0]
    query, key, value = jnp.unstack(
        (query @ params["in_proj_weight"].T + params["in_proj_bias"]).reshape(
            n, 197, 3, 12, -1
        ),
        axis=2,
    )
    return linear(
        params["out_proj"],
        jax.nn.dot_product_attention(query, key, value).reshape(n, 197, -1),
    )


def mlp_block(params: dict, input_: Array) -> Array:
    """MLPBlock of input_ [N, 197, 768] (torchvision/models/vision_transformer.py:40)."""
    return linear(
        params["3"], jax.nn.gelu(linear(params["0"], input_), approximate=False)
    )


def encoder_block(params: dict, input_: Array) -> Array:
    """EncoderBlock of input_ [N, 197, 768] (torchvision/models/vision_transformer.py:86)."""
    x = layer_norm(params["ln_1"], input_)
    x = multihead_attention(params["self_attention"], x) + input_
    y = mlp_block(params["mlp"], layer_norm(params["ln_2"], x))
    return x + y


def encoder(params: dict, input_: Array) -> Array:
    """Encoder of input_ [N, 197, 768] (torchvision/models/vision_transformer.py:122)."""
    input_ = input_ + params["pos_embedding"]
    for i in range(len(params["layers"])):
        input_ = encoder_block(params["layers"][f"encoder_layer_{i}"], input_)
    return layer_norm(params["ln"], input_)


def vit_b_16(params: dict, x: Array) -> Array:
    """VisionTransformer of x [N, 3, 224, 224] -> [N, 1000] (vision_transformer.py:160)."""
    n = x.shape[0]
    x = conv2d(params["conv_proj"], x, stride=16).reshape(n, 768, -1)
    batch_class_token = jnp.broadcast_to(params["class_token"], (n, 1, 768))
    x = encoder(params["encoder"], jnp.concatenate([batch_class_token, x.mT], axis=1))
    return linear(params["heads"]["head"], x[:, 0])


def load_params(path: str) -> dict:
    """Parameters, nested as the modules are."""
    params: dict = {}
    for name, tensor in load_file(path).items():
        *parents, leaf = name.split(".")
        node = params
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = jnp.asarray(tensor)
    return params
