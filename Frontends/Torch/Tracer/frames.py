"""Record which lines of source, and which calls of the user's own functions, the nodes of a trace come from.

Loaded as `graft_torch_frames`, after `graft_torch_arguments`.
"""

import contextlib
import inspect
import os
import sys
import sysconfig

import torch
from graft_torch_arguments import Passed, node_of
from torch import nn
from torch.fx.experimental.proxy_tensor import _ModuleStackTracer

TORCH_FOLDER = os.path.dirname(torch.__file__) + os.sep
NN_FOLDER = os.path.join(TORCH_FOLDER, "nn") + os.sep
STDLIB_FOLDER = sysconfig.get_path("stdlib") + os.sep
SITE_FOLDERS = tuple({sysconfig.get_path(k) + os.sep for k in ("purelib", "platlib")})
INSTALLED = tuple(os.sep + name + os.sep for name in ("site-packages", "dist-packages"))
MODULES_FOLDER = os.path.join(NN_FOLDER, "modules") + os.sep
SILENT_FILES = tuple(MODULES_FOLDER + name for name in ("module.py", "container.py"))
HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep if __file__ else "<graft"
MODULE_CALL = nn.Module._call_impl.__code__
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def is_tracer_file(path):
    return "graft_torch_" in path or path.startswith(("<graft", HERE))


def is_source_file(path):
    """Whether frames of this file belong in a node's source location: user code, libraries, torch.nn's leaves."""
    if path.startswith(TORCH_FOLDER):
        if path.startswith(SILENT_FILES):
            return False
        return path.startswith(NN_FOLDER) or path == TORCH_FOLDER + "functional.py"
    if path.startswith("<") or is_tracer_file(path):
        return False
    return path.startswith(SITE_FOLDERS) or not path.startswith(STDLIB_FOLDER)


def is_own_function(code):
    """Whether the code is a named function of the user's own files, which runs from its call to its return."""
    name, path = code.co_name, code.co_filename
    return (
        is_source_file(path)
        and not path.startswith((TORCH_FOLDER, *SITE_FOLDERS))
        and not any(part in path for part in INSTALLED)
        and not name.startswith(("<", "__"))
        and name != "forward"
        and not code.co_flags & RESUMABLE
    )


class FunctionCall:
    """A call of a function of the user's own.

    `parent` is the number of such a call around it, or None; `modules` and `frames` say how many modules and recorded
    frames are around it. `arguments` are the tensors, by the nodes that compute them, and numbers that it was given, by
    parameter.
    """

    def __init__(self, code, module, parent, modules, frames, arguments):
        self.code = code
        self.module = module
        self.parent = parent
        self.modules = modules
        self.frames = frames
        self.arguments = arguments


class Recorder:
    """What the trace itself does not keep: source frames, interned, calls, and the names by which modules take tensors.

    A node's stack_trace is `graft:INDEX:SERIAL:CALL`, under no_grad followed by `:n`: the frames, a number of its own that
    the nodes it is decomposed into share, and the innermost call of a function of the user's own (empty if there is none).
    """

    def __init__(self, root, entry):
        """`root` is the code of the outermost frame, which runs the entry."""
        self.stacks = []
        self.calls = []
        self.passed = Passed()
        self._root = root
        self._entry = inspect.unwrap(entry.target)
        self._outermost = 0 if entry.module is None else 1
        self._index = {}
        self._kinds = {}
        self._open = []
        self._count = 0

    def key(self, tracer, frame):
        """The stack_trace of a node that the tracer makes in this frame; None outside the entry's forward."""
        frames = []
        while frame is not None and frame.f_code is not self._root:
            frames.append(frame)
            frame = frame.f_back
        if frame is None:
            return None
        stack, calls = self._entries(reversed(frames))
        index = self._index.get(stack)
        if index is None:
            index = self._index[stack] = len(self.stacks)
            self.stacks.append(stack)
        call = self._enter(calls, tracer)
        self._count += 1
        suffix = "" if torch.is_grad_enabled() else ":n"
        return f"graft:{index}:{self._count}:{'' if call is None else call}{suffix}"

    def close(self):
        """Let go of the frames of the trace."""
        self._open = []

    def _entries(self, frames):
        """Of frames, outermost first: (code, line) of those to record; (frame, modules, frames) of own calls."""
        stack, calls, modules = [], [], -self._outermost
        # What the root or a module runs first is the entry or a forward, or what wraps them.
        is_called_by_source = False
        for frame in frames:
            code = frame.f_code
            if code is MODULE_CALL:
                modules += 1
                is_called_by_source = False
                continue
            is_source, is_own, is_library = self._kind(code)
            if not is_source:
                continue
            if is_library and stack and stack[-1][0] is code:
                stack.pop()
            if is_own and is_called_by_source:
                calls.append((frame, modules, len(stack)))
            is_called_by_source = True
            stack.append((code, frame.f_lineno))
        return tuple(stack), calls

    def _kind(self, code):
        """Whether to record the code's frames, whether it is a function of the user's own, and whether it is torch's."""
        kind = self._kinds.get(code)
        if kind is None:
            is_entry = code is getattr(self._entry, "__code__", None)
            kind = self._kinds[code] = (
                is_source_file(code.co_filename),
                is_own_function(code) and not is_entry,
                code.co_filename.startswith(TORCH_FOLDER),
            )
        return kind

    def _enter(self, frames, tracer):
        """The number of the innermost call, with a record of each that has begun since the last node."""
        known = 0
        for (frame, *_), (other, _) in zip(frames, self._open):
            if frame is not other:
                break
            known += 1
        self.passed.note_inputs(tracer)
        # The frames that are kept cannot be taken for later ones.
        self._open = self._open[:known]
        for frame, modules, depth in frames[known:]:
            parent = self._open[-1][1] if self._open else None
            arguments = given_arguments(frame, tracer)
            call = FunctionCall(
                frame.f_code,
                frame.f_globals.get("__name__", ""),
                parent,
                modules,
                depth,
                arguments,
            )
            self._open.append((frame, len(self.calls)))
            self.calls.append(call)
        return self._open[-1][1] if self._open else None


def given_arguments(frame, tracer):
    """What a function that has just begun was given, by parameter, as far as it is tensors and numbers."""
    code, given = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    found = []
    for name in names:
        value = given.get(name)
        if isinstance(value, torch.Tensor):
            value = node_of(tracer, value)
        elif not isinstance(value, (bool, int, float)):
            value = None
        if value is not None:
            found.append((name, value))
    return found


def read_key(trace):
    """(INDEX, SERIAL, CALL) of a node's stack_trace; None for a node that was not recorded."""
    if not (trace or "").startswith("graft:"):
        return None
    _, index, serial, call = trace.split(":")[:4]
    return int(index), int(serial), int(call) if call else None


@contextlib.contextmanager
def recording(recorder):
    """Record the source frames of each node that torch.export's tracer creates, and what modules are passed."""
    original = _ModuleStackTracer.create_node
    original_call = _ModuleStackTracer.call_module

    def create_node(self, *args, **kwargs):
        self.record_stack_traces = False
        node = original(self, *args, **kwargs)
        if node.op == "call_function" and not node.stack_trace:
            key = recorder.key(self, sys._getframe(1))
            if key is not None:
                node.meta["stack_trace"] = key
        return node

    def call_module(self, module, forward, args, kwargs):
        recorder.passed.note(self, module, args, kwargs)
        return original_call(self, module, forward, args, kwargs)

    _ModuleStackTracer.create_node = create_node
    _ModuleStackTracer.call_module = call_module
    try:
        yield
    finally:
        _ModuleStackTracer.create_node = original
        _ModuleStackTracer.call_module = original_call
        recorder.close()
