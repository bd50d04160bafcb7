"""What the contestants load: a package for Graft, emitted JAX, an ONNX file, and the inputs."""

import pathlib
import sys

import models
import numpy
import torch
from conversion import transpile

SOURCE = pathlib.Path(__file__).resolve().parent / "models.py"


def folder(root, name):
    path = pathlib.Path(root) / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def inputs_file(root, name, batch):
    """The inputs as an archive of `in_00`, `in_01` and so on, in the order of the model's arguments."""
    path = folder(root, name) / f"inputs-{batch}.npz"
    if not path.exists():
        tensors = models.flat(models.example(name, batch))
        arrays = {f"in_{index:02}": t.numpy() for index, t in enumerate(tensors)}
        numpy.savez(path, **arrays)
    return path


def package(root, name):
    """The folder that `graft transpile` writes for a model."""
    path = folder(root, name) / "graft"
    if not (path / "manifest.json").exists():
        options = ["--inputs", f"{SOURCE}:{name}_inputs", "--mode", "eval"]
        for dynamic in models.CASES[name].dynamic:
            options += ["--dynamic", dynamic]
        transpile(SOURCE, name, path, *options)
    return path


def onnx(root, name, batch):
    """The model as ONNX for one batch size, whose sizes are all known to the runtime."""
    path = folder(root, name) / f"model-{batch}.onnx"
    if not path.exists():
        model = models.BUILDERS[name]()
        with torch.no_grad():
            torch.onnx.export(
                model,
                (),
                str(path),
                kwargs=models.example(name, batch),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    return path


if __name__ == "__main__":
    root, name, batch, peers = sys.argv[1:]
    inputs_file(root, name, int(batch))
    if "graft" in peers or "jax" in peers:
        package(root, name)
    if "onnxruntime" in peers or "openvino" in peers:
        onnx(root, name, int(batch))
