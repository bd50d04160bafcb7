"""Find what an ENTRY names and build it: a module class, an instance, a factory or a plain function.

Loaded as `graft_torch_entry`. The order in which the files register in `sys.modules` is
entry, inputs, replaced, arguments, frames, capture, document, modes, problems, tracer, draws, source.

Rule for a callable that is neither a module nor a module class: it is called with `init` alone when `init` fills every
required parameter; a result that is a module makes it a factory. Anything else is a plain function of tensors.
"""

import ast
import difflib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback

# https://github.com/pytorch/vision: the operators that torchvision's Python code refers to at import.
TORCHVISION_OPERATORS = """
nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor;
qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor;
roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,
  SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor;
qroi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,
  SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor;
_roi_align_backward(Tensor grad, Tensor rois, float spatial_scale, SymInt pooled_height,
  SymInt pooled_width, SymInt batch_size, SymInt channels, SymInt height, SymInt width,
  int sampling_ratio, bool aligned) -> Tensor;
roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,
  SymInt pooled_width) -> (Tensor, Tensor);
_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, float spatial_scale,
  SymInt pooled_height, SymInt pooled_width, SymInt batch_size, SymInt channels,
  SymInt height, SymInt width) -> Tensor;
ps_roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,
  SymInt pooled_width, int sampling_ratio) -> (Tensor, Tensor);
_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping,
  float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio,
  SymInt batch_size, SymInt channels, SymInt height, SymInt width) -> Tensor;
ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height,
  SymInt pooled_width) -> (Tensor, Tensor);
_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping,
  float spatial_scale, SymInt pooled_height, SymInt pooled_width, SymInt batch_size,
  SymInt channels, SymInt height, SymInt width) -> Tensor;
deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias,
  SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h,
  SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor;
_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset,
  Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w,
  SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups,
  bool use_mask) -> (Tensor, Tensor, Tensor, Tensor, Tensor)
"""


class GraftError(Exception):
    """A failure that the user can mend: a stable code, one sentence, a remedy, and details such as a traceback."""

    def __init__(self, code, message, remedy=None, details=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.details = details


class Entry:
    """What was found: `kind` is "module" or "function"; `module` is None for a function."""

    def __init__(self, spec, name, kind, obj, module, target):
        self.spec = spec
        self.name = name
        self.kind = kind
        self.object = obj
        self.module = module
        self.target = target
        self.inputs = None

    @property
    def callable(self):
        """What is called with the inputs: the module, or the function."""
        return self.module if self.module is not None else self.object

    @property
    def signature(self):
        """The signature that inputs are matched with: forward's, without self, or the function's."""
        return inspect.signature(
            self.module.forward if self.module is not None else self.object
        )


class _TorchvisionFinder:
    """Declares torchvision's operator schemas when it is about to be imported and its own extension cannot load."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            declare_torchvision_operators(importlib.util.find_spec(name))


_libraries = []


def declare_torchvision_operators(spec):
    """Declare the schemas that torchvision's Python refers to, unless its binary extension loads and brings them."""
    import torch

    if _libraries or spec is None or not spec.submodule_search_locations:
        return
    folder = spec.submodule_search_locations[0]
    for name in sorted(os.listdir(folder)):
        if name.startswith("_C") and name.endswith((".so", ".pyd")):
            try:
                torch.ops.load_library(os.path.join(folder, name))
                return
            except (OSError, RuntimeError):
                break
    library = torch.library.Library("torchvision", "DEF")
    for schema in TORCHVISION_OPERATORS.split(";"):
        library.define(" ".join(schema.split()))
    _libraries.append(library)


def install_torchvision_hook():
    """Arrange that importing torchvision works beside a torch that its extension was not built for."""
    if "torchvision" in sys.modules or any(
        isinstance(f, _TorchvisionFinder) for f in sys.meta_path
    ):
        return
    sys.meta_path.insert(0, _TorchvisionFinder())


def user_traceback(error):
    """The traceback's lines in user files (those outside torch and this tracer), and the innermost `file:line`."""
    import torch

    hidden = (os.path.dirname(torch.__file__) + os.sep, "<graft")
    frames = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith(hidden)
    ]
    frames = [
        f for f in frames if "graft_torch_" not in f.filename and f.filename != __file__
    ]
    frames = [f for f in frames if not f.filename.startswith("<")]
    here = os.path.dirname(os.path.abspath(__file__)) + os.sep
    frames = [f for f in frames if not os.path.abspath(f.filename).startswith(here)]
    text = "".join(traceback.format_list(frames)) + "".join(
        traceback.format_exception_only(type(error), error)
    )
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
    return text, where


def one_line(error):
    """An exception as one line: its type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return (
        f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__
    )


def parse_init(text):
    """`num_classes=10, act='relu'` as (args, kwargs); every value is a Python literal."""
    if not text:
        return [], {}
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        args = [ast.literal_eval(a) for a in call.args]
        kwargs = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, AttributeError) as error:
        raise GraftError(
            "init-syntax",
            f"cannot read the constructor arguments `{text}`: {error}",
            "write them as in a call, with literal values: num_classes=10, act='relu'",
        ) from None
    return args, kwargs


def _import_file(path):
    full = os.path.abspath(path)
    if not os.path.isfile(full):
        raise GraftError(
            "file-missing",
            f"there is no file {path}",
            "check the path in front of the colon",
        )
    folder = os.path.dirname(full)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = os.path.splitext(os.path.basename(full))[0]
    loaded = sys.modules.get(name)
    if (
        loaded is not None
        and os.path.abspath(getattr(loaded, "__file__", None) or "") == full
    ):
        return loaded
    if loaded is not None or not name.isidentifier():
        name = "graft_user_" + "".join(c if c.isalnum() else "_" for c in name)
    spec = importlib.util.spec_from_file_location(name, full)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        if isinstance(error, (KeyboardInterrupt, GraftError)):
            raise
        raise _import_failed(path, error) from error
    return module


def _import_failed(what, error):
    text, where = user_traceback(error)
    if isinstance(error, SyntaxError):
        where = f"{error.filename}:{error.lineno}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        remedy = f"install {error.name.split('.')[0]} in this Python environment"
    else:
        remedy = "mend the file so that Python can import it"
    place = f" (at {where})" if where else ""
    return GraftError(
        "import-failed",
        f"importing {what} failed{place}: {one_line(error)}",
        remedy,
        text,
    )


def import_source(source):
    """Import a `path/file.py` or a dotted module name."""
    install_torchvision_hook()
    if source.endswith(".py") or os.sep in source:
        return _import_file(source)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        if error.name and (source == error.name or source.startswith(error.name + ".")):
            raise GraftError(
                "module-missing",
                f"there is no Python module {error.name} in this environment",
                f"install the package that has {error.name}, or give a path that ends in .py",
            ) from None
        raise _import_failed(source, error) from error
    except Exception as error:
        raise _import_failed(source, error) from error


def look_up(spec):
    """The object that `path/file.py:name` or `package.module:name` stands for."""
    source, colon, name = spec.rpartition(":")
    if not colon or not source or not name:
        raise GraftError(
            "entry-syntax",
            f"`{spec}` is not an entry",
            "write path/file.py:name or package.module:name",
        )
    obj = import_source(source)
    for part in name.split("."):
        try:
            obj = getattr(obj, part)
        except AttributeError:
            names = [n for n in dir(obj) if not n.startswith("_")]
            close = difflib.get_close_matches(part, names, 3, 0.5)
            remedy = (
                f"did you mean {' or '.join(close)}?"
                if close
                else "check the name behind the colon"
            )
            raise GraftError(
                "name-missing", f"{source} has no `{part}`", remedy
            ) from None
    return obj, name.split(".")[-1]


def _construct(obj, name, args, kwargs):
    try:
        return obj(*args, **kwargs)
    except GraftError:
        raise
    except Exception as error:
        text, where = user_traceback(error)
        missing = isinstance(error, TypeError) and "argument" in str(error)
        remedy = (
            f"give its arguments with --init, for {name}{_signature_text(obj)}"
            if missing
            else None
        )
        place = f" at {where}" if where else ""
        message = f"building {name} raised {one_line(error)}{place}"
        raise GraftError("constructor-raised", message, remedy, text) from error


def _signature_text(obj):
    try:
        return str(inspect.signature(obj))
    except (TypeError, ValueError):
        return "(...)"


def _init_is_complete(obj, args, kwargs):
    try:
        inspect.signature(obj).bind(*args, **kwargs)
        return True
    except TypeError:
        return False
    except ValueError:
        return True


_cache = {}


def resolve(spec, init=None, name=None):
    """Resolve an ENTRY. The same entry gives the same instance, with the same weights, for the life of the process."""
    key = (spec, init or "")
    if key not in _cache:
        _cache[key] = _resolve(spec, init)
    entry = _cache[key]
    if name:
        entry.name = name
    return entry


def _resolve(spec, init):
    args, kwargs = parse_init(init)
    obj, name = look_up(spec)
    entry = _build(spec, obj, name, args, kwargs)
    if entry.module is not None:
        leave_out_caches(entry.module)
    return entry


def leave_out_caches(module):
    """Have no part of a model return a cache: an object that holds what an autoregressive call left behind."""
    for part in module.modules():
        config = getattr(part, "config", None)
        if getattr(config, "use_cache", False) is True:
            config.use_cache = False


def seed():
    """Make random initialisation and random example inputs the same in every process."""
    import random

    import torch

    torch.manual_seed(0)
    random.seed(0)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(0)


def _build(spec, obj, name, args, kwargs):
    import torch

    seed()
    if isinstance(obj, torch.nn.Module):
        return Entry(spec, name, "module", obj, obj, type(obj))
    if isinstance(obj, type):
        if not issubclass(obj, torch.nn.Module):
            raise GraftError(
                "not-a-model",
                f"{name} is a class but not a torch.nn.Module",
                "name a module class, an instance, a factory or a function",
            )
        module = _construct(obj, name, args, kwargs)
        return Entry(spec, name, "module", obj, module, obj)
    if not callable(obj):
        raise GraftError(
            "not-a-model",
            f"{name} is a {type(obj).__name__}, which cannot be called",
            "name a module class, an instance, a factory or a function",
        )
    if args or kwargs or _init_is_complete(obj, args, kwargs):
        module = _construct(obj, name, args, kwargs)
        if isinstance(module, torch.nn.Module):
            return Entry(spec, name, "module", obj, module, obj)
        if args or kwargs:
            raise GraftError(
                "not-a-model",
                f"{name} called with --init returned a {type(module).__name__}, not a torch.nn.Module",
                "leave --init away for a plain function and give constants as inputs, such as --input 'causal=True'",
            )
    return Entry(spec, name, "function", obj, None, obj)
