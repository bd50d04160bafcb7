"""Find the source statements that a trace's frames execute, and describe the functions that they are in.

Loaded as `graft_torch_statements`.
"""

import ast
import inspect
import linecache
import textwrap


class Statements:
    """The text and first line of the statement that a frame executes."""

    def __init__(self):
        self._frames = {}
        self._spans = {}

    def frame(self, code, line):
        """[file, line, function, statement], the statement joined to one line."""
        key = (code, line)
        if key not in self._frames:
            first, text = self._statement(code, line)
            self._frames[key] = [code.co_filename, first, code.co_name, text]
        return self._frames[key]

    def _statement(self, code, line):
        lines = linecache.getlines(code.co_filename)
        if not 0 < line <= len(lines):
            return line, ""
        if code not in self._spans:
            self._spans[code] = statement_spans(lines, code.co_firstlineno)
        best = None
        for start, end in self._spans[code]:
            if start <= line <= end and (
                best is None or end - start <= best[1] - best[0]
            ):
                best = (start, end)
        if best is None:
            return line, lines[line - 1].strip()
        return best[0], " ".join(part.strip() for part in lines[best[0] - 1 : best[1]])


class Functions:
    """The functions of the user's own that a trace calls."""

    def __init__(self):
        self.described = []
        self._index = {}

    def index(self, code, module):
        """The position among `described` of a function by its code and the name of its module."""
        if code not in self._index:
            self._index[code] = len(self.described)
            self.described.append(describe_function(code, module))
        return self._index[code]


def describe_function(code, module):
    """Where a function is, its parameters, and the names that it returns as a tuple (null for other expressions)."""
    name = getattr(code, "co_qualname", code.co_name).replace("<locals>.", "")
    tree = parse_block(linecache.getlines(code.co_filename), code.co_firstlineno)
    return {
        "name": f"{module}.{name}",
        "file": code.co_filename,
        "line": code.co_firstlineno,
        "parameters": list(code.co_varnames[: code.co_argcount]),
        "returns": returned_names(tree.body[0]) if tree is not None else [],
    }


def returned_names(function):
    """The items of the tuple that the function's only `return` returns: variables by name, null for anything else."""
    found, pending = [], [function]
    while pending:
        node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Return):
                found.append(child.value)
            elif not isinstance(child, (*SCOPES, ast.expr)):
                pending.append(child)
    if len(found) != 1 or not isinstance(found[0], ast.Tuple):
        return []
    return [x.id if isinstance(x, ast.Name) else None for x in found[0].elts]


SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parse_block(lines, first):
    """The syntax tree of the definition that begins at line `first`; None where there is none."""
    try:
        block = inspect.getblock(lines[first - 1 :])
        return ast.parse(textwrap.dedent("".join(block))) if block else None
    except (SyntaxError, ValueError):
        return None


def statement_spans(lines, first):
    """Line ranges of the statements in the function that begins at line `first`; compound statements by their heads."""
    tree = parse_block(lines, first)
    if tree is None:
        return []
    spans = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
            spans.append((node.lineno + first - 1, end + first - 1))
    return spans
