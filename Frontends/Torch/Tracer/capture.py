"""Run torch.export on an entry while recording source lines, no_grad regions and reads of the training flag.

Loaded as `graft_torch_capture`, after `graft_torch_frames`.
"""

import contextlib
import io
import logging
import sys
import warnings

import torch
from graft_torch_frames import (
    MODULES_FOLDER,
    NN_FOLDER,
    TORCH_FOLDER,
    Recorder,
    is_tracer_file,
    recording,
)
from graft_torch_inputs import call_arguments, flatten, unflatten
from graft_torch_replaced import replaced_functions, unchanged_picks
from torch import nn

FLAGGED_FILES = tuple(
    MODULES_FOLDER + name
    for name in ("dropout.py", "batchnorm.py", "rnn.py", "activation.py", "module.py")
) + (MODULES_FOLDER + "transformer.py",)


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
        with rebound_buffers(call.function), unchanged_picks():
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
    tables = ("_parameters", "_buffers", "_modules")
    saved = [
        (m, dict(m.__dict__), {k: dict(m.__dict__[k]) for k in tables})
        for m in (module.modules() if module is not None else ())
    ]
    try:
        yield
    finally:
        for m, attributes, contents in saved:
            for key in [k for k in m.__dict__ if k not in attributes]:
                del m.__dict__[key]
            m.__dict__.update(attributes)
            for key, content in contents.items():
                m.__dict__[key].clear()
                m.__dict__[key].update(content)


@contextlib.contextmanager
def kept_modes(module):
    """Restore every module's training flag."""
    modes = [(m, m.training) for m in module.modules()]
    try:
        yield
    finally:
        for m, mode in modes:
            m.training = mode


@contextlib.contextmanager
def plain_attention():
    """Keep nn.MultiheadAttention and torch.nn's transformers to the path that computes with their masks as given.

    The fused inference path pads with zeros. To be faster, transformers look whether the values of a mask are causal, and
    then drop it, and with it its gradient.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    detect = nn.modules.transformer._detect_is_causal_mask
    torch.backends.mha.set_fastpath_enabled(False)
    nn.modules.transformer._detect_is_causal_mask = given_hint
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
        nn.modules.transformer._detect_is_causal_mask = detect


def given_hint(mask, is_causal=None, size=None):
    """Whether the caller says that a mask is causal, without a look at its values."""
    return bool(is_causal)


@contextlib.contextmanager
def quiet():
    """Keep torch's own logging, graphs and warnings off the user's terminal: Graft says what matters in one sentence."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def concerns_training(module, path):
    """Whether code in this file that reads the module's `training` may change more than a flagged operator."""
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.momentum is None:
        return True
    if not path.startswith(TORCH_FOLDER):
        return not is_tracer_file(path)
    if path == MODULES_FOLDER + "dropout.py":
        # The others are not one operator with a flag: they draw and multiply, or do nothing.
        return not isinstance(module, nn.Dropout)
    if path == MODULES_FOLDER + "instancenorm.py":
        return module.__dict__.get("track_running_stats", True)
    return path.startswith(NN_FOLDER) and not path.startswith(FLAGGED_FILES)


@contextlib.contextmanager
def watching_training(reads):
    """Note in `reads` the places that read a module's `training` for more than a flagged operator."""
    missing = object()
    original = nn.Module.__dict__.get("training", missing)

    def get(self):
        frame = sys._getframe(1)
        if concerns_training(self, frame.f_code.co_filename):
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
    """One trace: the exported program, where its nodes come from, the result's structure and the reads of `training`."""

    def __init__(self, program, shape_env, recorder, result, reads):
        self.program = program
        self.shape_env = shape_env
        self.recorder = recorder
        self.result = result
        self.reads = reads


def distinct(tensors):
    """The tensors, with copies for those that occur more than once: torch.export would take them for one input."""
    found = {}
    return [
        x.clone() if found.setdefault(id(x), k) != k else x
        for k, x in enumerate(tensors)
    ]


def export(entry, inputs, train):
    """Export the entry in train or eval mode. Exceptions of torch.export pass through."""
    root = Root(entry, call_arguments(entry, inputs.arguments))
    dynamic = []
    for index, leaf in enumerate(inputs.leaves):
        axes = [a for a in range(leaf.dim()) if (index, a) in inputs.symbols]
        dynamic.append({a: torch.export.Dim.DYNAMIC for a in axes} or None)
    recorder, reads = Recorder(Root.forward.__code__, entry), []
    with kept_modes(root), torch.enable_grad():
        root.train(train)
        if not train and any(m.training for m in root.modules()):
            reads.append(("train", 0))
        with (
            kept_attributes(entry.module),
            plain_attention(),
            replaced_functions(),
            quiet(),
            watching_training(reads),
            recording(recorder),
        ):
            program = torch.export.export(
                root,
                (distinct(inputs.leaves),),
                dynamic_shapes=(dynamic,),
                strict=False,
            )
    shape_env = find_shape_env(program)
    keep_nested_sources(program)
    with quiet(), replaced_functions():
        program = program.run_decompositions({})
    return Captured(program, shape_env, recorder, root.call.result, reads)


def keep_nested_sources(program):
    """Make the subgraphs of no_grad and autocast regions keep their nodes' source locations when they are inlined."""
    for name, nested in program.graph_module.named_modules():
        if name and isinstance(nested, torch.fx.GraphModule):
            nested.forward = torch.fx.Interpreter(nested).run


def stays_in_train_mode(entry):
    """Whether a module keeps its training flag when the model goes to eval mode (an overridden `train`)."""
    if entry.module is None:
        return False
    with kept_modes(entry.module):
        entry.module.train(False)
        return any(m.training for m in entry.module.modules())


def find_shape_env(program):
    """The environment that knows the program's symbolic sizes, or None."""
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor) and hasattr(value, "fake_mode"):
            return value.fake_mode.shape_env
    return None
