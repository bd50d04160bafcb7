"""Imported before torchvision: declares its operators where its binary extension does not load, as the tracer does."""

import importlib.util
import pathlib
import sys

path = pathlib.Path(__file__).resolve().parents[2] / "Frontends/Torch/Tracer/entry.py"
if "graft_torch_entry" not in sys.modules:
    spec = importlib.util.spec_from_file_location("graft_torch_entry", path)
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    entry.declare_torchvision_operators(importlib.util.find_spec("torchvision"))
