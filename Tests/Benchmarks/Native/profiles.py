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

import numpy
from runtimes import (
    arrays,
    onnxruntime_feed,
    onnxruntime_session,
    openvino_request,
)

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


def graft(package, inputs, threads):
    manifest = json.loads((package / "manifest.json").read_text())
    names = [port["name"] for port in manifest["signature"]["inputs"]]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "inputs.npz")
        numpy.savez(path, **dict(zip(names, inputs)))
        command = [os.environ["GRAFT"], "bench", package, "--input", path]
        command += ["--threads", str(threads), "--seconds", "1", "--json"]
        output = subprocess.run(command, check=True, capture_output=True).stdout
    return [(k["name"], k["seconds"]) for k in json.loads(output)["plan"]["kernels"]]


def onnxruntime(path, inputs, threads):
    with tempfile.TemporaryDirectory() as folder:
        session = onnxruntime_session(path, threads, os.path.join(folder, "profile"))
        feed = onnxruntime_feed(session, inputs)
        for _ in range(CALLS):
            session.run(None, feed)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text())
    return [
        (event["args"]["op_name"], event["dur"] * 1e-6 / CALLS)
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    ]


def openvino(path, inputs, threads):
    request = openvino_request(path, threads, PERF_COUNT=True)
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
    inputs = arrays(folder / f"inputs-{batch}.npz")
    profiles = {"graft": grouped(graft(folder / "graft", inputs, threads))}
    for function in (onnxruntime, openvino):
        pairs = function(folder / f"model-{batch}.onnx", inputs, int(threads))
        profiles[function.__name__] = grouped(pairs)
    print(json.dumps(profiles))


main()
