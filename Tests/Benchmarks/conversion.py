"""Conversions by `graft transpile`, and what they write."""

import importlib.util
import os
import subprocess


def transpile(source, name, folder, *options):
    """Convert the model that a Python file has under a name; the package goes to a folder."""
    command = [os.environ["GRAFT"], "transpile", f"{source}:{name}", "--name", name]
    command += [*options, "--to", "jax", "--no-verify", "--quiet", "-o", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def load_emitted(folder, name):
    """The emitted function and its first arguments: the parameters and, where the model has any, the state."""
    spec = importlib.util.spec_from_file_location(name, f"{folder}/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded = module.load_params(f"{folder}/{name}.safetensors")
    weights = loaded if isinstance(loaded, tuple) else (loaded,)
    return getattr(module, name), weights
