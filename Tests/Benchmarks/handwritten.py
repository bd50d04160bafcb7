"""The models that `bench_emitted.py` measures, as they are written by hand in JAX.

Parameters are flat dictionaries under PyTorch's names. The convolutions hold their weights as [height, width, in, out]
and run on images with channels last.
"""

import jax
import jax.numpy as jnp


def residual_stack_params(weights):
    """Convolutions' weights in the layout that they are used in."""
    return {
        name: jnp.asarray(w.transpose(2, 3, 1, 0) if w.ndim == 4 else w)
        for name, w in weights.items()
    }


def convolution(x, weight, stride=1):
    pad = weight.shape[0] // 2
    return jax.lax.conv_general_dilated(
        x,
        weight,
        (stride, stride),
        ((pad, pad), (pad, pad)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def batch_norm(params, name, x):
    scale = params[f"{name}.weight"] * jax.lax.rsqrt(
        params[f"{name}.running_var"] + 1e-5
    )
    return (x - params[f"{name}.running_mean"]) * scale + params[f"{name}.bias"]


def basic_block(params, name, x, stride):
    out = convolution(x, params[f"{name}.conv1.weight"], stride)
    out = jax.nn.relu(batch_norm(params, f"{name}.bn1", out))
    out = convolution(out, params[f"{name}.conv2.weight"])
    out = batch_norm(params, f"{name}.bn2", out)
    if f"{name}.downsample.0.weight" in params:
        x = convolution(x, params[f"{name}.downsample.0.weight"], stride)
        x = batch_norm(params, f"{name}.downsample.1", x)
    return jax.nn.relu(out + x)


def residual_stack(params, x):
    """Images in and out have channels first, as the PyTorch model's."""
    x = x.transpose(0, 2, 3, 1)
    for index, stride in enumerate((1, 1, 2, 1)):
        x = basic_block(params, str(index), x, stride)
    return x.transpose(0, 3, 1, 2)


def layer_norm(x, weight, bias):
    mean = x.mean(-1, keepdims=True)
    variance = x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * weight + bias


def encoder_layer(p, x, heads):
    qkv = x @ p["self_attn.in_proj_weight"].T + p["self_attn.in_proj_bias"]
    qkv = qkv.reshape(*x.shape[:2], 3, heads, -1)
    attention = jax.nn.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])
    attention = attention.reshape(x.shape)
    x = x + attention @ p["self_attn.out_proj.weight"].T + p["self_attn.out_proj.bias"]
    x = layer_norm(x, p["norm1.weight"], p["norm1.bias"])
    hidden = jax.nn.gelu(
        x @ p["linear1.weight"].T + p["linear1.bias"], approximate=False
    )
    x = x + hidden @ p["linear2.weight"].T + p["linear2.bias"]
    return layer_norm(x, p["norm2.weight"], p["norm2.bias"])


def transformer_encoder_params(weights):
    layers = [{} for _ in range(4)]
    for name, w in weights.items():
        _, index, rest = name.split(".", 2)
        layers[int(index)][rest] = jnp.asarray(w)
    return layers


def transformer_encoder(layers, x):
    for layer in layers:
        x = encoder_layer(layer, x, heads=8)
    return x
