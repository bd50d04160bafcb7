"""One contestant in a process of its own: loads a model, then measures calls as it is told to on standard input.

The first line that it writes is a JSON object with the seconds from the file to the first result. `measure N` on standard input is
answered with the seconds of N calls, a JSON list. At the end of the input the outputs of the first call are written to a file.
"""

import os
import sys

import numpy
from contest import serve
from conversion import load_emitted
from runtimes import (
    arrays,
    onnxruntime_feed,
    onnxruntime_session,
    openvino_request,
)


def eager(root, name, batch, threads):
    import models
    import torch

    torch.set_num_threads(threads)
    model, inputs = models.BUILDERS[name](), models.example(name, batch)
    torch.set_grad_enabled(False)

    def call():
        return [t.numpy() for t in models.flat(model(**inputs))]

    return lambda: call


def compiled(root, name, batch, threads):
    import models
    import torch

    torch.set_num_threads(threads)
    torch._inductor.config.compile_threads = threads
    inputs = models.example(name, batch)
    model = models.BUILDERS[name]()
    torch.set_grad_enabled(False)

    def load():
        function = torch.compile(model, dynamic=False)
        return lambda: [t.numpy() for t in models.flat(function(**inputs))]

    return load


def inputs_of(root, name, batch):
    return arrays(os.path.join(root, name, f"inputs-{batch}.npz"))


def onnxruntime(root, name, batch, threads):
    import onnxruntime  # noqa: F401  (before the time is taken)

    inputs = inputs_of(root, name, batch)

    def load():
        path = os.path.join(root, name, f"model-{batch}.onnx")
        session = onnxruntime_session(path, threads)
        feed = onnxruntime_feed(session, inputs)
        return lambda: session.run(None, feed)

    return load


def openvino(root, name, batch, threads):
    import openvino  # noqa: F401  (before the time is taken)

    inputs = inputs_of(root, name, batch)

    def load():
        path = os.path.join(root, name, f"model-{batch}.onnx")
        request = openvino_request(path, threads)
        results = range(len(request.model_outputs))

        def call():
            request.infer(inputs, share_inputs=True)
            return [request.get_output_tensor(index).data for index in results]

        return call

    return load


def jax(root, name, batch, threads):
    import jax

    inputs = inputs_of(root, name, batch)

    def load():
        folder = os.path.join(root, name, "graft")
        emitted, weights = load_emitted(folder, name)
        function = jax.jit(emitted)
        given = inputs
        if len(inputs) > 3:
            half = len(inputs) // 2 + 1
            given = [inputs[0], inputs[1:half], inputs[half:]]
        given = jax.device_put(given)

        def call():
            outputs = jax.block_until_ready(function(*weights, *given))
            return [numpy.asarray(x) for x in jax.tree.leaves(outputs)]

        return call

    return load


PEERS = {
    "torch": eager,
    "torch_compile": compiled,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "jax": jax,
}


def main():
    peer, root, name, batch, threads = sys.argv[1:]
    load = PEERS[peer](root, name, int(batch), int(threads))
    outputs = serve(load)
    named = {f"out_{index:02}": array for index, array in enumerate(outputs)}
    numpy.savez(os.path.join(root, name, f"outputs-{peer}.npz"), **named)


main()
