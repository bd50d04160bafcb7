"""One contestant in a process of its own: loads a model, then measures calls as it is told to on standard input.

The first line that it writes is a JSON object with the seconds from the file to the first result. `measure N` on standard input is
answered with the seconds of N calls, a JSON list. At the end of the input the outputs of the first call are written to a file.
"""

import importlib.util
import os
import sys

import numpy
from contest import serve


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


def arrays(root, name, batch):
    path = os.path.join(root, name, f"inputs-{batch}.npz")
    with numpy.load(path) as file:
        return [file[key] for key in sorted(file.files)]


def onnxruntime(root, name, batch, threads):
    import onnxruntime as ort

    inputs = arrays(root, name, batch)

    def load():
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        path = os.path.join(root, name, f"model-{batch}.onnx")
        session = ort.InferenceSession(path, options, ["CPUExecutionProvider"])
        feed = {port.name: x for port, x in zip(session.get_inputs(), inputs)}
        return lambda: session.run(None, feed)

    return load


def openvino(root, name, batch, threads):
    import openvino as ov

    inputs = arrays(root, name, batch)

    def load():
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        path = os.path.join(root, name, f"model-{batch}.onnx")
        model = ov.Core().compile_model(path, "CPU", config)
        request = model.create_infer_request()
        results = range(len(model.outputs))

        def call():
            request.infer(inputs, share_inputs=True)
            return [request.get_output_tensor(index).data for index in results]

        return call

    return load


def jax(root, name, batch, threads):
    import jax

    inputs = arrays(root, name, batch)
    folder = os.path.join(root, name, "graft")

    def load():
        spec = importlib.util.spec_from_file_location(name, f"{folder}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function = jax.jit(getattr(module, name))
        loaded = module.load_params(f"{folder}/{name}.safetensors")
        weights = loaded if isinstance(loaded, tuple) else (loaded,)
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
