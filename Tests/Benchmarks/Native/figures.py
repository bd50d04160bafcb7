"""What the figures of `bench_native.py` say in short."""

from report import ratio

RUNTIMES = ("onnxruntime", "openvino")


def best_runtime(results):
    """Graft's median by the faster of ONNX Runtime's and OpenVINO's."""
    ratios = [ratio(results, peer) for peer in RUNTIMES]
    return max((x for x in ratios if x is not None), default=None)


SUMMARIES = (
    ("latency, by the faster of ONNX Runtime and OpenVINO", best_runtime),
    ("latency, by torch eager", lambda results: ratio(results, "torch")),
    ("latency, by torch.compile", lambda results: ratio(results, "torch_compile")),
    ("latency, by emitted JAX under jit", lambda results: ratio(results, "jax")),
    ("peak memory, by ONNX Runtime", lambda r: ratio(r, "onnxruntime", "peak")),
    ("first result, by ONNX Runtime", lambda r: ratio(r, "onnxruntime", "first")),
)
