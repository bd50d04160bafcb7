"""The page of how closely native training follows PyTorch's, from the results of one or several runs of `parity.py`."""

import dataclasses
import sys
from collections.abc import Callable

from report import cell, commands, relative_differences, table

EARLY = 50

HEAD = """# Training parity

Models trained by `torch.optim.AdamW` and by Graft's native `Trainer`, both in float32 but for `resnet18_float64`, from the same
start on the same batches, with nothing dropped. Reproduced by `make parity`; what was run:"""

RESNET = """ResNet-18 in float32 does not stay as close, neither natively nor in PyTorch itself, whose float32 parts from its float64 as far:
batch normalisation divides by what varies among few values, and enlarges roundings until rectifiers switch. At a rate of 1e-3 PyTorch's two are
2e-2 apart after three steps. Tried, and as sensitive: SGD with momentum at 1e-2 and 1e-3; images interpolated instead of repeated, and with noise. Residual branches that begin at zero
delay it: 5e-4 after 200 steps at 1e-5. In float64, where roundings are 1e-9 as large, the two trainings agree."""


def loss_row(name, losses):
    reference = losses["torch"]
    found = relative_differences(losses["graft"], reference)
    exact = losses.get("exact")
    rounding = max(relative_differences(reference, exact)) if exact else None
    row = [name, f"{reference[0]:.4f}", f"{reference[-1]:.4f}"]
    return [*row, *(cell(x, ".1e") for x in (max(found), max(found[:EARLY]), rounding))]


def loss_table(losses):
    header = ["model", "first loss", "last loss", "largest difference"]
    header += [f"after {EARLY} steps", "float64 beside float32, both torch"]
    return table(header, [loss_row(*item) for item in losses.items()])


def accuracy_table(shares):
    rows = []
    for seed, share in shares.items():
        torch, graft = share["torch"], share["graft"]
        rows.append([seed, f"{torch:.2f}", f"{graft:.2f}", f"{graft - torch:+.2f}"])
    return table(["seed", "PyTorch, %", "Graft, %", "difference, points"], rows)


def setting(runs, option):
    """An option's value, which has to be the same in all runs."""
    values = {run[option] for run in runs}
    if len(values) > 1:
        sys.exit(f"parity: the runs differ in --{option}: {sorted(values)}")
    return values.pop()


def merged(runs, key):
    """What the runs were asked for, and the results by name, of the last run that has one."""
    asked = [name for run in runs for name in run[key]["asked"]]
    found = {name: x for run in runs for name, x in run[key]["found"].items()}
    return asked, found


def listed(names):
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page: a kind of results, the option that chooses among them, and one that is the same for all."""

    title: str
    text: str
    chooser: str
    option: str
    table: Callable[[dict], str]

    def blocks(self, runs, names):
        """A table of the results, then which of `names` are not in it, and why."""
        runs = [run for run in runs if run[self.chooser]["asked"]]
        asked, found = merged(runs, self.chooser)
        names = dict.fromkeys([*names, *asked])
        yield f"## {self.title}"
        if runs:
            yield self.text.format(**{self.option: setting(runs, self.option)})
        if found:
            yield self.table({name: found[name] for name in names if name in found})
        if left_out := [name for name in names if name not in asked]:
            yield f"Left out with `--{self.chooser}`: {listed(left_out)}."
        if unfinished := [name for name in asked if name not in found]:
            yield f"Not here yet, as the run ended before: {listed(unfinished)}."


LOSSES = Section(
    "Losses",
    """{steps} steps of each model. **largest difference** is the largest of the steps' `|native - torch| / |torch|`. The last column says
how much of it is rounding: the same training in PyTorch in float64, compared in the same way, for small models alone as it takes long.""",
    chooser="models",
    option="steps",
    table=loss_table,
)
ACCURACY = Section(
    "Accuracy on digits",
    """The digits that scikit-learn ships: {epochs} epochs of the digits CNN on 1437 images, judged on the other 360.""",
    chooser="seeds",
    option="epochs",
    table=accuracy_table,
)


def page(runs, models, seeds):
    """The paragraphs and tables of the page; `models` and `seeds` are all that a whole run has results for, in order."""
    yield HEAD
    yield commands("parity.py", [run["arguments"] for run in runs])
    yield from LOSSES.blocks(runs, models)
    yield RESNET
    yield from ACCURACY.blocks(runs, seeds)
