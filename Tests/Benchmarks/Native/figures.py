"""What the measured figures of `bench_native.py` say: ratios and means."""

import math

RUNTIMES = ("onnxruntime", "openvino")


def ratio(results, peer, key="median"):
    """Graft's figure by another's, or None where one is missing."""
    if key in results.get(peer, {}) and key in results.get("graft", {}):
        return results["graft"][key] / results[peer][key]
    return None


def best_runtime(results):
    """Graft's median by the faster of ONNX Runtime's and OpenVINO's."""
    ratios = [ratio(results, peer) for peer in RUNTIMES]
    return max((x for x in ratios if x is not None), default=None)


def mean(values):
    """The geometric mean of those that are there, or None."""
    values = [math.log(x) for x in values if x is not None]
    return math.exp(sum(values) / len(values)) if values else None


SUMMARIES = (
    ("latency, by the faster of ONNX Runtime and OpenVINO", best_runtime),
    ("latency, by torch eager", lambda results: ratio(results, "torch")),
    ("latency, by torch.compile", lambda results: ratio(results, "torch_compile")),
    ("latency, by emitted JAX under jit", lambda results: ratio(results, "jax")),
    ("peak memory, by ONNX Runtime", lambda r: ratio(r, "onnxruntime", "peak")),
    ("first result, by ONNX Runtime", lambda r: ratio(r, "onnxruntime", "first")),
)
