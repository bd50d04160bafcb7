"""Write Docs/Readability.md: the goldens beside the models that they were made from, and beside hand-written twins."""

import argparse
import ast
import inspect
import pathlib
import sys

import run
import torch

HELPERS = run.ROOT / "Backends/JAX/Helpers"
GOLDENS = run.ROOT / "Tests/Goldens"
LOADERS = {"load_params", "_lists", "with_lists"}
PLAIN = {0, 1, 2}

INTRODUCTION = """\
# Readability

Written by `make readability` from the files in `Tests/Goldens`, which are what `graft transpile` emits (`make goldens` writes them anew).

All lines are counted alike: without blank lines, comments and docstrings.

- **original**: the model's own code that is really used. These are, of the files that define a class in the model's module tree outside of PyTorch itself, the
  functions and methods whose code objects run in a call of the model, with their `def`; and of each class in the tree its `class` line and `__init__`. PyTorch's
  layers, the building of configurations and the loading of weights are not in it. For a plain function it is the function with what it calls in its file.
- **beside**: other code of the same library that runs in the call, counted alike: mask utilities, caches, decorators.
- **emitted**: the functions of the file with its helpers, without imports and the loader. **own** is without helpers: the functions that stand for the model's own.
- **ratio**: emitted by original. **non-blank**: lines of the whole file as it is, with docstrings, imports and loader.
- **largest**: the longest function. **constants**: numbers in the source other than 0, 1, 2, -1 and defaults of parameters.

The ratio of lstm_classifier says little: `nn.LSTM` takes two lines of the original, its construction and its call, and as a layer of PyTorch it counts no further. JAX
has no counterpart, so that the helpers that compute it are counted.
"""


def code_lines(node, lines, docstrings):
    """The numbers of the lines of a definition that hold code."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return {
        number
        for number in range(first, node.end_lineno + 1)
        if number not in docstrings
        and lines[number - 1].strip()
        and not lines[number - 1].lstrip().startswith("#")
    }


class File:
    """A Python file and the lines of it that hold code."""

    def __init__(self, path):
        self.text = pathlib.Path(path).read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.tree = ast.parse(self.text)
        self.docstrings = set()
        scopes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        for node in ast.walk(self.tree):
            if isinstance(node, scopes) and ast.get_docstring(node) is not None:
                docstring = node.body[0]
                self.docstrings |= set(
                    range(docstring.lineno, docstring.end_lineno + 1)
                )

    @property
    def functions(self):
        return [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]

    def code(self, node):
        return code_lines(node, self.lines, self.docstrings)

    def starting_at(self, first):
        """The lines of the functions that begin at one of the lines, decorators included."""
        found = set()
        for node in self.functions:
            starts = {node.lineno, *(d.lineno for d in node.decorator_list)}
            if starts & first:
                found |= self.code(node)
        return found


def called(function):
    """The code objects that run in a call."""
    codes = set()

    def profile(frame, event, _argument):
        if event == "call":
            codes.add(frame.f_code)

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return codes


def original_lines(case, goldens):
    """The lines of a program's own code that are used, and those beside it in its library."""
    torch.manual_seed(0)
    target = getattr(goldens, case.name)
    inputs = getattr(goldens, case.factory)()
    if isinstance(target, type) or case.entry or case.name not in plain_functions():
        target = target().eval()
        classes = {type(m) for m in target.modules()}
        classes = {c for c in classes if not c.__module__.startswith("torch.")}
    else:
        classes = set()
    arguments = inputs if isinstance(inputs, dict) else {}
    positional = () if isinstance(inputs, dict) else inputs
    with torch.no_grad():
        codes = called(lambda: target(*positional, **arguments))
    own = {inspect.getsourcefile(c) for c in classes}
    if not classes:
        own = {inspect.getsourcefile(target)}
    library = {pathlib.Path(c).parts for c in own}
    package = {
        parts[parts.index("site-packages") + 1]
        for parts in library
        if "site-packages" in parts
    }
    starts = {}
    for code in codes:
        starts.setdefault(code.co_filename, set()).add(code.co_firstlineno)
    for cls in classes:
        code = getattr(cls.__init__, "__code__", None)
        if code is not None and code.co_filename in own:
            starts.setdefault(code.co_filename, set()).add(code.co_firstlineno)
    used = 0
    for path in own:
        file = File(path)
        lines = file.starting_at(starts.get(path, set()))
        names = {c.__name__ for c in classes if inspect.getsourcefile(c) == path}
        lines |= {
            node.lineno
            for node in ast.walk(file.tree)
            if isinstance(node, ast.ClassDef) and node.name in names
        }
        used += len(lines)
    beside = sum(
        len(File(path).starting_at(first))
        for path, first in starts.items()
        if path not in own and package & set(pathlib.Path(path).parts)
    )
    return used, beside


def plain_functions():
    import functions

    return {case.name for case in functions.CASES}


def numbers(tree):
    """The numeric literals other than 0, 1, 2 and those that are defaults of parameters."""
    defaults = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.Lambda))
        for default in function.args.defaults + function.args.kw_defaults
        if default is not None
        for node in ast.walk(default)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
        and node.value not in PLAIN
        and id(node) not in defaults
    ]


class Emitted(File):
    """An emitted or hand-written file, measured."""

    def __init__(self, path):
        super().__init__(path)
        names = {
            node.name
            for helper in sorted(HELPERS.glob("*.py"))
            for node in File(helper).tree.body
            if isinstance(node, ast.FunctionDef)
            and node.name != pathlib.Path(path).stem
        }
        top = [n for n in self.tree.body if isinstance(n, ast.FunctionDef)]
        # A module's function may have a helper's name, but says where its class is.
        helpers = {
            n.name
            for n in top
            if n.name in names and ".py:" not in (ast.get_docstring(n) or "")
        }
        sizes = {n.name: len(self.code(n)) for n in top}
        self.total = sum(size for name, size in sizes.items() if name not in LOADERS)
        self.non_blank = sum(1 for line in self.lines if line.strip())
        own = {n: s for n, s in sizes.items() if n not in helpers and n not in LOADERS}
        self.own = sum(own.values())
        self.functions_count = len(sizes)
        self.helpers = sum(1 for n in sizes if n in helpers)
        self.largest = max(sizes, key=sizes.get)
        self.largest_size = sizes[self.largest]
        self.constants = len(numbers(self.tree))


def command(case, cases):
    parts = ["graft transpile", case.entry or f"{cases}/goldens.py:{case.name}"]
    parts.append(f"--inputs {cases}/goldens.py:{case.factory}")
    parts += [f"--dynamic {d}" for d in case.dynamic]
    return " ".join([*parts, f"--name {case.name} --to jax -o out/"])


def table(rows):
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)


def page(goldens, cases):
    rows = [
        [
            "golden",
            "original",
            "beside",
            "emitted",
            "own",
            "ratio",
            "non-blank",
            "helpers",
            "largest",
            "constants",
        ]
    ]
    commands, twins = [], []
    for case in goldens.CASES:
        path = GOLDENS / f"{case.name}.py"
        if not path.exists():
            continue
        emitted = Emitted(path)
        used, beside = original_lines(case, goldens)
        rows.append(
            [
                f"[{case.name}](../Tests/Goldens/{path.name})",
                used,
                beside,
                emitted.total,
                emitted.own,
                f"{emitted.total / used:.2f}",
                emitted.non_blank,
                emitted.helpers,
                f"{emitted.largest} {emitted.largest_size}",
                emitted.constants,
            ]
        )
        commands.append(command(case, cases))
        if (run.TWINS / path.name).exists():
            twins.append((case.name, emitted, Emitted(run.TWINS / path.name)))
    comparison = [["", "emitted", "by hand"]]
    for name, emitted, twin in twins:
        comparison.append([f"**{name}**", "", ""])
        for title, attribute in (
            ("non-blank lines of the file", "non_blank"),
            ("lines of code without imports and loader", "total"),
            ("functions", "functions_count"),
            ("lines of the largest", "largest_size"),
            ("constants", "constants"),
        ):
            values = [getattr(file, attribute) for file in (emitted, twin)]
            comparison.append([title, *values])
    notes = (run.TWINS / "README.md").read_text(encoding="utf-8").split("\n", 1)[1]
    return "\n".join(
        [
            INTRODUCTION,
            table(rows),
            "\nEach is reproduced by one command:\n",
            "```",
            *commands,
            "```",
            "\n## Beside hand-written twins\n",
            notes.strip() + "\n",
            table(comparison),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    goldens = run.load_cases(arguments.cases)
    print(page(goldens, arguments.cases))


if __name__ == "__main__":
    main()
