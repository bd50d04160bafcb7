"""Find the source statements that a trace's frames execute.

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


def statement_spans(lines, first):
    """Line ranges of the statements in the function that begins at line `first`; compound statements by their heads."""
    try:
        tree = ast.parse(textwrap.dedent("".join(inspect.getblock(lines[first - 1 :]))))
    except (SyntaxError, ValueError):
        return []
    spans = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
            spans.append((node.lineno + first - 1, end + first - 1))
    return spans
