"""Write sizes and numbers that depend on sizes as the trace document's DIM and EXPR.

Loaded as `graft_torch_sizes`, after `graft_torch_capture`.
"""

import sympy
from graft_torch_entry import GraftError
from torch.utils._sympy.functions import FloorDiv


class Symbols:
    """Writes torch's symbolic integers in the user's symbols."""

    def __init__(self):
        self.names = []
        self.exact = {}
        self.values = {}
        self.scales = {}

    def bind(self, name, expression):
        """Let `name` stand for an input's size, which torch knows as `expression`."""
        symbol = sympy.Symbol(name, integer=True, positive=True)
        free = [s for s in expression.free_symbols if s not in self.values]
        if isinstance(expression, sympy.Symbol):
            if expression not in self.values:
                self.values[expression] = symbol
                if name not in self.names:
                    self.names.append(name)
            return
        if not free:
            return
        if len(free) > 1 or not expression.is_polynomial(free[0]):
            raise GraftError(
                "dynamic-relation",
                f"the model ties the dynamic dimension {name} to others: {expression}",
            )
        scale = expression.coeff(free[0])
        rest = expression - scale * free[0]
        self.exact[expression] = symbol
        self.scales[name] = (int(scale), int(rest.xreplace(self.values)))
        self.values[free[0]] = FloorDiv(symbol - rest.xreplace(self.values), scale)
        self.names.append(name)

    def translate(self, expression):
        """The expression in the user's symbols; sizes and numbers that depend on tensors' values have none."""
        expression = sympy.sympify(expression)
        if any(symbol not in self.values for symbol in expression.free_symbols):
            raise GraftError(
                "data-dependent",
                "a size or number depends on the values of tensors",
                "use operations whose sizes follow from the inputs' sizes, such as torch.where or a mask, "
                "and keep values in tensors instead of calling item()",
            )
        if self.exact:
            expression = expression.subs(self.exact)
        return expression.xreplace(self.values)

    def range(self, name, constraints):
        """(smallest, largest or None) size of a symbol; torch's 2 means that it did not look at 0 and 1."""
        for symbol, value in self.values.items():
            if {s.name for s in value.free_symbols} != {
                name
            } or symbol not in constraints:
                continue
            low, high = constraints[symbol].lower, constraints[symbol].upper
            scale, rest = self.scales.get(name, (1, 0))
            low = 1 if low <= 2 and scale == 1 else scale * int(low) + rest
            return max(low, 1), scale * int(high) + rest if high.is_Integer else None
        return 1, None

    def admits(self, shape_env, sizes):
        """Whether the model's guards hold for these sizes of the user's symbols."""
        values = {}
        for symbol, value in self.values.items():
            number = value.xreplace(
                {s: sympy.Integer(sizes[s.name]) for s in value.free_symbols}
            )
            values[symbol] = number
        for name, (scale, rest) in self.scales.items():
            if (sizes[name] - rest) % scale:
                return False
        for guard in shape_env.guards if shape_env is not None else ():
            holds = guard.expr.xreplace(values)
            if holds in (False, sympy.false):
                return False
        return True

    def dim(self, value):
        """DIM of an int or SymInt."""
        if isinstance(value, int):
            return value
        return write_expression(self.translate(value.node.expr))


def write_expression(e):
    """EXPR of a sympy expression; a plain number stays a number."""
    if isinstance(e, (int, float)):
        return e
    if e.is_Integer:
        return int(e)
    if e.is_Symbol:
        return {"sym": e.name}
    name = type(e).__name__
    if e.is_Rational:
        return {"div": [int(e.p), int(e.q)]}
    if e.is_Float:
        return float(e)
    if name in ("ToFloat", "Identity"):
        return write_expression(e.args[0])
    if name == "Pow" and e.args[1].is_Integer and int(e.args[1]) < 0:
        return {"div": [1, write_expression(e.args[0] ** -e.args[1])]}
    key = EXPRESSIONS.get(name)
    if key is None:
        raise GraftError(
            "size-expression",
            f"a size in the model uses {name}, which Graft cannot express: {e}",
        )
    return {key: [write_expression(a) for a in ordered(e)]}


EXPRESSIONS = {
    "Add": "add", "Mul": "mul", "FloorDiv": "floordiv", "CleanDiv": "floordiv", "Mod": "mod", "PythonMod": "mod",
    "Pow": "pow", "PowByNatural": "pow", "FloatPow": "pow", "Max": "max", "Min": "min", "IntTrueDiv": "div",
    "FloatTrueDiv": "div", "CeilDiv": "ceildiv", "CeilToInt": "ceil", "FloorToInt": "floor", "TruncToInt": "trunc",
    "OpaqueUnaryFn_sqrt": "sqrt", "OpaqueUnaryFn_log": "log", "OpaqueUnaryFn_exp": "exp",
    "Equality": "eq", "Unequality": "ne", "StrictLessThan": "lt", "LessThan": "le",
    "StrictGreaterThan": "gt", "GreaterThan": "ge", "And": "and", "Or": "or", "Not": "not",
}  # fmt: skip


def ordered(e):
    """Arguments in a stable order: sums and products by name, constants last."""
    if type(e).__name__ in ("Add", "Mul", "Max", "Min"):
        return sorted(e.args, key=lambda a: (a.is_number, str(a)))
    return e.args
