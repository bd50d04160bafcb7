"""Where a model's time goes, by kind of operation: Graft's profile beside the runtimes' own.

    python profiles.py FOLDER MODEL BATCH THREADS

Writes a JSON object: seconds of one call by contestant and kind.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CALLS = 20

# The first that matches the name of a kernel, an ONNX Runtime operator or an OpenVINO node type, in lower case.
KINDS = (
    ("attention", r"attention"),
    ("recurrence", r"lstm|gru|rnn|scan"),
    ("reordering", r"reorder|transpose|permute|concat|split|pad|copy|pack"),
    ("convolution", r"conv"),
    ("product", r"matmul|gemm|fullyconnected|product"),
    ("normalisation and softmax", r"norm|softmax|mvn"),
    ("pooling and sums", r"pool|reduce|mean|sum|fold"),
    ("gathering", r"gather|slice|embedding|take|put|select|numbering"),
)


def kind(name):
    name = name.lower()
    found = (title for title, pattern in KINDS if re.search(pattern, name))
    return next(found, "elementwise")


def grouped(pairs):
    """Seconds by kind, of (name, seconds)."""
    total = collections.Counter()
    for name, seconds in pairs:
        total[kind(name)] += seconds
    return dict(total.most_common())


def graft(folder, inputs, threads):
    command = [os.environ["GRAFT"], "bench", folder / "graft", "--input", inputs]
    command += ["--threads", str(threads), "--seconds", "1", "--json"]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    return [(k["name"], k["seconds"]) for k in json.loads(output)["plan"]["kernels"]]


def arrays(inputs):
    import numpy

    with numpy.load(inputs) as file:
        return [file[key] for key in sorted(file.files)]


def onnxruntime(path, inputs, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = os.path.join(folder, "profile")
        session = ort.InferenceSession(path, options, ["CPUExecutionProvider"])
        feed = dict(zip((port.name for port in session.get_inputs()), inputs))
        for _ in range(CALLS):
            session.run(None, feed)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text())
    return [
        (event["args"]["op_name"], event["dur"] * 1e-6 / CALLS)
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    ]


def openvino(path, inputs, threads):
    import openvino as ov

    config = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "PERF_COUNT": True,
    }
    request = ov.Core().compile_model(path, "CPU", config).create_infer_request()
    found = []
    for _ in range(CALLS):
        request.infer(inputs, share_inputs=True)
        found += [
            (node.node_type, node.real_time.total_seconds() / CALLS)
            for node in request.profiling_info
        ]
    return found


def main():
    root, name, batch, threads = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
    folder = pathlib.Path(root) / name
    inputs = folder / f"inputs-{batch}.npz"
    profiles = {"graft": grouped(graft(folder, inputs, threads))}
    for function in (onnxruntime, openvino):
        path = folder / f"model-{batch}.onnx"
        pairs = function(path, arrays(inputs), int(threads))
        profiles[function.__name__] = grouped(pairs)
    print(json.dumps(profiles))


main()
