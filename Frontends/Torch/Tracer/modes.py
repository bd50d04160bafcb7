"""Decide whether the train-mode graph serves eval mode too: the two differ only inside flagged operators.

Loaded as `graft_torch_modes`, after `graft_torch_document`.

Flagged operators are active in train mode only when a document has the single graph "both": native_dropout,
_native_batch_norm_legit_functional with its updates, the dropout_p of scaled_dot_product_attention, the dropout of
lstm, gru and rnn, and rrelu.
"""

import json

FLAGGED_CLASSES = (
    "torch.nn.modules.dropout.",
    "torch.nn.modules.batchnorm.",
    "torch.nn.modules.rnn.",
    "torch.nn.modules.activation.RReLU",
    "torch.nn.modules.activation.MultiheadAttention",
)
RECURRENT = {
    f"aten.{name}.{kind}"
    for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")
    for kind in ("input", "data")
}
COPIES = {"aten.clone.default", "aten.alias.default"}
VIEWS = ("aten.view.default", "aten._unsafe_view.default", "aten.reshape.default")
BATCH_NORM = "aten._native_batch_norm_legit_functional.default"
EVAL_BATCH_NORM = "aten._native_batch_norm_legit_no_training.default"
RANDOM = ("rand", "bernoulli", "normal", "uniform", "exponential", "multinomial")
DROPOUT = "aten.native_dropout.default"
ATTENTION = "aten.scaled_dot_product_attention.default"


def is_flagged(node):
    """Whether this node of a GRAPH does something else in train mode than in eval mode."""
    op, args = node["op"], node["args"]
    if op in (DROPOUT, BATCH_NORM):
        return True
    if op == ATTENTION:
        return args["dropout_p"] != 0
    if op in RECURRENT:
        return args["dropout"] != 0
    return op == "aten.rrelu.default" and args["training"]


def has_stray_flags(graph):
    """Whether a flagged operator was called from elsewhere than the torch.nn modules that tie it to the mode."""
    return any(
        is_flagged(node) and not (node["class"] or "").startswith(FLAGGED_CLASSES)
        for node in graph["nodes"]
    )


def same_but_for_flags(train, evaluation):
    """Whether switching the flagged operators of the train graph off gives the eval graph."""
    numbers = {}
    return _canonical(train, numbers, True) == _canonical(evaluation, numbers, False)


def _canonical(graph, numbers, switch):
    """Outputs, mutations and random draws as numbers of expressions; `switch` puts flagged operators in eval form."""
    names = {
        p["name"]: _number(numbers, [p["kind"], p["target"]])
        for p in graph["placeholders"]
    }
    expressions = {(name, 0): number for name, number in names.items()}
    flagged, draws = set(), []
    counters = {
        p["name"]
        for p in graph["placeholders"]
        if str(p["target"]).endswith("num_batches_tracked")
    }

    def convert(value):
        if isinstance(value, list):
            return [convert(v) for v in value]
        if isinstance(value, dict) and "ref" in value:
            return {"value": expressions[value["ref"], value["index"]]}
        return value

    for node in graph["nodes"]:
        op, args, name = node["op"], dict(node["args"]), node["name"]
        if op in COPIES or (switch and op == DROPOUT):
            source = args["input"] if op == DROPOUT else args["self"]
            expressions[name, 0] = expressions[source["ref"], source["index"]]
            flagged.add((name, 1))
            continue
        if switch and op == BATCH_NORM:
            op = EVAL_BATCH_NORM
            del args["training"]
            flagged.update((name, index) for index in range(1, len(node["results"])))
        elif switch and op == ATTENTION:
            args["dropout_p"] = 0.0
        elif op in RECURRENT:
            args["train"] = False
            args["dropout"] = (
                0.0 if switch or not node["args"]["train"] else args["dropout"]
            )
        elif switch and op == "aten.rrelu.default":
            args["training"] = False
        elif any(word in op for word in RANDOM):
            draws.append(op)
            args["draw"] = len(draws)
        elif switch and op == "aten.add.Tensor" and args["self"].get("ref") in counters:
            flagged.add((name, 0))
        if op in VIEWS:
            op, args["size"] = VIEWS[0], node["results"][0]["shape"]
        number = _number(
            numbers, [op, {key: convert(value) for key, value in args.items()}]
        )
        for index in range(len(node["results"])):
            expressions[name, index] = _number(numbers, [number, index])
    mutations = [
        [{k: v for k, v in m.items() if k != "value"}, convert(m["value"])]
        for m in graph["mutations"]
        if (m["value"]["ref"], m["value"]["index"]) not in flagged
    ]
    return [[convert(value) for value in graph["outputs"]], mutations, draws]


def _number(numbers, expression):
    key = json.dumps(expression, sort_keys=True)
    return numbers.setdefault(key, len(numbers))
