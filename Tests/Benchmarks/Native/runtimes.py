"""Models and inputs as the runtimes for ONNX files take them."""

import numpy


def arrays(path):
    """The arrays of an archive, in the order of their names."""
    with numpy.load(path) as file:
        return [file[key] for key in sorted(file.files)]


def onnxruntime_session(path, threads, profile=None):
    """A session of ONNX Runtime; what it profiles goes to files whose paths begin with `profile`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


def onnxruntime_feed(session, inputs):
    """Inputs by the names that a session has for them."""
    return {port.name: x for port, x in zip(session.get_inputs(), inputs)}


def openvino_request(path, threads, **settings):
    """An inference request of OpenVINO, which computes in float32."""
    import openvino

    config = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = openvino.Core().compile_model(path, "CPU", config | settings)
    return model.create_infer_request()
