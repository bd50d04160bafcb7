"""What programs that measure have in common: their options and results as files, ratios of figures, tables in Markdown.

Results are figures by contestant and key, such as `{"graft": {"median": 0.1, "peak": 5e7}}`, in seconds and bytes.
"""

import json
import os
import pathlib
import shlex
import statistics

TITLES = {
    "graft": "Graft",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "torch": "torch",
    "torch_compile": "torch.compile",
    "jax": "JAX",
}

# Options that say where files go, which are no part of what was measured.
PLACES = ("folder", "json")


def changed_options(parser, options):
    """The options of a run that differ from their defaults, as they are written in a shell."""
    words = []
    for name, value in vars(options).items():
        if name not in PLACES and value != parser.get_default(name):
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return shlex.join(words)


def write_json(path, value):
    """Write a file that is there as a whole or not at all."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(json.dumps(value, indent=1))
    os.replace(unfinished, path)


def figure(results, contestant, key="median"):
    """What was measured of a contestant, or None."""
    return results.get(contestant, {}).get(key)


def ratio(results, peer, key="median"):
    """Graft's figure by another's, or None where one is missing."""
    own, other = figure(results, "graft", key), figure(results, peer, key)
    return None if own is None or other is None else own / other


def geometric_mean(values):
    """The mean of those that are not None, or None."""
    found = [value for value in values if value is not None]
    return statistics.geometric_mean(found) if found else None


def mean_ratio(cases, peer, key="median"):
    """The geometric mean of the ratios in the results of cases."""
    return geometric_mean(ratio(case["results"], peer, key) for case in cases)


def relative_differences(own, reference):
    """Of each number to the one at the same place in the reference."""
    return [abs(a - b) / abs(b) for a, b in zip(own, reference)]


def cell(value, form, scale=1):
    """A number times `scale` in the format `form`, a dash for None."""
    return "-" if value is None else format(value * scale, form)


def table(header, rows):
    """The Markdown of a table, of the cells' texts."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def commands(program, runs):
    """The Markdown of a list of what was run, by the arguments of each run."""
    return "\n".join(f"- `{f'{program} {arguments}'.rstrip()}`" for arguments in runs)
