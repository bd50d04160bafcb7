"""Graft's end of the calls from Swift: loads embedded modules, calls their functions, and describes what went wrong.

Every entry point returns `(ok, text, buffers)`: UTF-8 JSON as bytes, and memoryviews by name. It raises nothing but
what Python raises on its own when it runs out of memory or stack.
"""

import builtins
import json
import linecache
import signal
import sys
import traceback
import types

_sources = {}


class BridgeError(Exception):
    """A call that does not keep to the contract between Graft and its embedded modules."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def start(report_progress):
    """Make `graft_progress(message, fraction=None)` a builtin, reporting through the function given."""
    # Importing `signal` installs Python's handler even where the interpreter was told
    # to install none; it would hold an interrupt back until Python code runs.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def graft_progress(message, fraction=None):
        known = fraction is not None and fraction >= 0
        text = str(message).encode("utf-8", "backslashreplace").decode()
        report_progress(text, min(float(fraction), 1.0) if known else -1.0)

    builtins.graft_progress = graft_progress
    return True, b"null", {}


def load(name, source, filename):
    """Execute `source` as the module `name`; the same source twice is executed once."""
    return _guarded(_load, name, source, filename)


def call(module, function, request, tensors):
    """Call `module.function(request, tensors)`, a module that `load` made."""
    return _guarded(_call, module, function, request, tensors)


def _guarded(function, *arguments):
    sys.stdout = sys.__stdout__ = sys.stderr
    try:
        text, buffers = function(*arguments)
        return True, text, buffers
    except BaseException as error:  # noqa: BLE001
        return False, _describe(error), {}


def _load(name, source, filename):
    if _sources.get(name) == (source, filename):
        return b"null", {}
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module = types.ModuleType(name)
    module.__file__ = filename
    previous = sys.modules.get(name)
    if previous is not None and name not in _sources:
        raise BridgeError(
            "python.module-exists", f"a module named {name} is already imported"
        )
    sys.modules[name] = module
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102
    except BaseException:
        if previous is None:
            del sys.modules[name]
        else:
            sys.modules[name] = previous
        raise
    _sources[name] = (source, filename)
    return b"null", {}


def _call(module, function, request, tensors):
    if module not in _sources:
        raise BridgeError("python.no-module", f"no module {module} has been loaded")
    target = getattr(sys.modules[module], function, None)
    if not callable(target):
        raise BridgeError(
            "python.no-function", f"the module {module} has no function {function}"
        )
    return _checked_reply(target(request, tensors), f"{module}.{function}")


def _checked_reply(reply, name):
    def bad(what):
        return BridgeError("python.bad-reply", f"{name} returned {what}")

    if not isinstance(reply, tuple) or len(reply) != 2:
        raise bad(f"{_shape_of(reply)}, not a pair (str, dict)")
    text, buffers = reply
    if not isinstance(text, str):
        raise bad(f"{_shape_of(text)} in place of the JSON text")
    if not isinstance(buffers, dict):
        raise bad(f"{_shape_of(buffers)} in place of the dict of buffers")
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:
        raise bad("JSON text with a lone surrogate, which UTF-8 cannot hold") from None
    views = {}
    for key, value in buffers.items():
        if not isinstance(key, str):
            raise bad(f"a buffer named by {_shape_of(key)}, not by a str")
        try:
            key.encode("utf-8")
        except UnicodeEncodeError:
            raise bad(f"the buffer name {key!a}, which UTF-8 cannot hold") from None
        views[key] = _checked_view(value, f"{name} returned the buffer {key!r} as")
    return encoded, views


def _checked_view(value, context):
    def bad(what):
        return BridgeError("python.bad-reply", f"{context} {what}")

    try:
        view = memoryview(value)
    except (TypeError, ValueError, BufferError) as error:
        raise bad(f"{_shape_of(value)}, which gives no bytes: {error}") from None
    if view.ndim != 1 or view.format != "B":
        kind = f"elements of format {view.format!r} in {view.ndim} dimensions"
        raise bad(f"{kind}, not one dimension of uint8")
    if not view.c_contiguous:
        raise bad("bytes that are not contiguous")
    return view


def _shape_of(value):
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return f"a {_type_name(type(value))}"


def _type_name(cls):
    if cls.__module__ in ("builtins", "__main__"):
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"


def _describe(error):
    code = _attribute(error, "code")
    code = code if isinstance(code, str) else None
    message = _attribute(error, "message") if code is not None else None
    if not isinstance(message, str):
        message = _text(error)
    remedy = _attribute(error, "remedy") if code is not None else None
    details = _attribute(error, "details") if code is not None else None
    description = {
        "type": _type_name(type(error)),
        "message": message,
        "traceback": _traceback(error),
        "code": code,
        "remedy": None if remedy is None else _text(remedy),
        "details": None if details is None else _json(details),
    }
    return json.dumps(description).encode("ascii")


def _attribute(error, name):
    try:
        return getattr(error, name, None)
    except Exception:  # noqa: BLE001
        return None


def _text(value):
    try:
        text = str(value)
    except Exception:  # noqa: BLE001
        return f"<{_type_name(type(value))} whose text cannot be had>"
    return text.encode("utf-8", "backslashreplace").decode()


def _json(value):
    try:
        return json.dumps(value, default=_text)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_text(value))


def _traceback(error):
    """The traceback as Python prints it, without the frames of this file."""
    try:
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
            frames = frames.tb_next
        lines = traceback.format_exception(type(error), error, frames)
        return "".join(lines).encode("utf-8", "backslashreplace").decode()
    except Exception as failure:  # noqa: BLE001
        return f"{_type_name(type(error))} (no traceback: {_text(failure)})\n"
