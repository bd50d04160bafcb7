"""Run torch.export on an entry while recording source lines, module calls and reads of the training flag.

Loaded as `graft_torch_capture`, after `graft_torch_inputs`.
"""

import contextlib
import os
import sys
import sysconfig

import torch
from graft_torch_inputs import Leaf, call_arguments, flatten, unflatten  # noqa: F401
from torch import nn

TORCH_FOLDER = os.path.dirname(torch.__file__) + os.sep
NN_FOLDER = os.path.join(TORCH_FOLDER, "nn") + os.sep
STDLIB_FOLDER = sysconfig.get_path("stdlib") + os.sep
SITE_FOLDERS = tuple({sysconfig.get_path(k) + os.sep for k in ("purelib", "platlib")})
SILENT_FILES = tuple(
    os.path.join(NN_FOLDER, "modules", name) for name in ("module.py", "container.py")
) + (os.path.join(NN_FOLDER, "parallel"),)
FLAGGED_FILES = tuple(
    os.path.join(NN_FOLDER, "modules", name)
    for name in ("dropout.py", "batchnorm.py", "instancenorm.py", "module.py")
)


def concerns_training(path):
    """Whether code in this file that reads `training` may compute something else than a flagged op."""
    if path.startswith(TORCH_FOLDER):
        return path.startswith(NN_FOLDER) and not path.startswith(FLAGGED_FILES)
    return (
        os.path.dirname(path) != os.path.dirname(__file__)
        and "graft_torch_" not in path
    )


class Root(nn.Module):
    """Calls an entry with flat tensors and returns flat tensors, so that any container may go in and out."""

    def __init__(self, entry, arguments):
        super().__init__()
        if entry.module is not None:
            self.root = entry.module
        self.__dict__["call"] = Call(entry.callable, arguments)

    def forward(self, leaves):
        call = self.call
        function = self.root if "root" in self._modules else call.function
        args = [unflatten(a, leaves) for a in call.args]
        kwargs = {k: unflatten(v, leaves) for k, v in call.kwargs.items()}
        with rebound_buffers(call.function):
            value = function(*args, **kwargs)
        outputs, names = [], []
        call.result = flatten(value, outputs, names, ""), names
        return tuple(outputs)


class Call:
    """What `Root` calls, with `Leaf`s in place of tensors, and the structure that the call returned."""

    def __init__(self, function, arguments):
        self.function = function
        self.args, self.kwargs = arguments
        self.result = None


@contextlib.contextmanager
def rebound_buffers(module):
    """Turn `self.buffer = value` inside a forward into an update of the buffer, which export can see."""
    if not isinstance(module, nn.Module):
        yield
        return
    before = [
        (m, name, b)
        for m in module.modules()
        for name, b in m._buffers.items()
        if b is not None
    ]
    yield
    for owner, name, buffer in before:
        now = owner._buffers.get(name)
        if now is not buffer and isinstance(now, torch.Tensor):
            owner._buffers[name] = buffer
            buffer.copy_(now)


@contextlib.contextmanager
def kept_attributes(module):
    """Undo what a traced forward stored on modules (caches that would hold fake tensors)."""
    modules = list(module.modules()) if module is not None else []
    saved = [
        (
            m,
            dict(m.__dict__),
            {k: dict(m.__dict__[k]) for k in ("_parameters", "_buffers", "_modules")},
        )
        for m in modules
    ]
    try:
        yield
    finally:
        for m, attributes, tables in saved:
            for key in [k for k in m.__dict__ if k not in attributes]:
                del m.__dict__[key]
            m.__dict__.update(attributes)
            for key, table in tables.items():
                m.__dict__[key].clear()
                m.__dict__[key].update(table)


@contextlib.contextmanager
def plain_attention():
    """Keep nn.MultiheadAttention and nn.TransformerEncoder off their fused inference path, which pads with zeros."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class Recorder:
    """Source frames of every traced node, interned: a node's stack_trace is `graft:<index>` into `stacks`."""

    def __init__(self):
        self.stacks = []
        self._index = {}
        self._wanted = {}

    def key(self, frame):
        entries = []
        root = Root.forward.__code__
        while frame is not None:
            code = frame.f_code
            if code is root:
                break
            wanted = self._wanted.get(code)
            if wanted is None:
                wanted = self._wanted[code] = is_user_file(code.co_filename)
            if wanted and not (
                entries
                and entries[-1][0] is code
                and code.co_filename.startswith(TORCH_FOLDER)
            ):
                entries.append((code, frame.f_lineno))
            frame = frame.f_back
        else:
            return None
        stack = tuple(reversed(entries))
        index = self._index.get(stack)
        if index is None:
            index = self._index[stack] = len(self.stacks)
            self.stacks.append(stack)
        return f"graft:{index}"


def is_user_file(path):
    """Whether frames of this file belong in a node's source location: the user's code, libraries, torch.nn, torch.functional."""
    if path.startswith(TORCH_FOLDER):
        if path.startswith(SILENT_FILES):
            return False
        return path.startswith(NN_FOLDER) or path == TORCH_FOLDER + "functional.py"
    if (
        path.startswith("<")
        or "graft_torch_" in path
        or os.path.dirname(path) == os.path.dirname(__file__)
    ):
        return False
    return path.startswith(SITE_FOLDERS) or not path.startswith(STDLIB_FOLDER)


@contextlib.contextmanager
def recording(recorder):
    """Record the source frames of each node that torch.export's tracer creates."""
    from torch.fx.experimental.proxy_tensor import _ModuleStackTracer

    original = _ModuleStackTracer.create_node

    def create_node(self, *args, **kwargs):
        self.record_stack_traces = False
        node = original(self, *args, **kwargs)
        if node.op == "call_function" and not node.stack_trace:
            key = recorder.key(sys._getframe(1))
            if key is not None:
                node.meta["stack_trace"] = key
        return node

    _ModuleStackTracer.create_node = create_node
    try:
        yield
    finally:
        _ModuleStackTracer.create_node = original


@contextlib.contextmanager
def watching_training(reads):
    """Note in `reads` the code that reads a module's `training` outside batch_norm, dropout and instance_norm."""
    missing = object()
    original = nn.Module.__dict__.get("training", missing)

    def get(self):
        frame = sys._getframe(1)
        if concerns_training(frame.f_code.co_filename):
            reads.append((frame.f_code.co_filename, frame.f_lineno))
        return self.__dict__["training"]

    def put(self, value):
        self.__dict__["training"] = value

    nn.Module.training = property(get, put)
    try:
        yield
    finally:
        if original is missing:
            del nn.Module.training
        else:
            nn.Module.training = original


class Captured:
    """One trace: the exported program, where its nodes come from, and the result's structure."""

    def __init__(self, program, shape_env, recorder, result, reads):
        self.program = program
        self.shape_env = shape_env
        self.recorder = recorder
        self.result = result
        self.reads = reads


def export(entry, inputs, train):
    """Export the entry in train or eval mode."""
    args = call_arguments(entry, inputs.arguments)
    root = Root(entry, args)
    dynamic = []
    for index, leaf in enumerate(inputs.leaves):
        axes = {
            a: torch.export.Dim.DYNAMIC
            for a in range(leaf.dim())
            if (index, a) in inputs.symbols
        }
        dynamic.append(axes or None)
    recorder, reads = Recorder(), []
    modes = [(m, m.training) for m in root.modules()]
    try:
        root.train(train)
        with (
            kept_attributes(entry.module),
            watching_training(reads),
            recording(recorder),
        ):
            program = torch.export.export(
                root, (list(inputs.leaves),), dynamic_shapes=(dynamic,), strict=False
            )
    finally:
        for m, mode in modes:
            m.training = mode
    shape_env = None
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor) and hasattr(value, "fake_mode"):
            shape_env = value.fake_mode.shape_env
            break
    result = root.call.result
    program = program.run_decompositions({})
    return Captured(program, shape_env, recorder, result, reads)
