"""Stand-ins for functions that torch.export cannot follow, or whose effects it hides.

Loaded as `graft_torch_replaced`, after `graft_torch_inputs`.
"""

import contextlib
import math

import torch
from graft_torch_entry import GraftError
from torch.nn import functional


def instance_norm(
    input, weight, bias, mean, var, use_input_stats, momentum, eps, cudnn
):
    """torch.instance_norm with the update of its running statistics written out."""
    if mean is None or not use_input_stats:
        return _instance_norm(
            input, weight, bias, mean, var, use_input_stats, momentum, eps, cudnn
        )
    with torch.no_grad():
        axes = list(range(2, input.dim()))
        batch_mean = input.mean(axes).mean(0)
        batch_var = input.var(axes, unbiased=True).mean(0)
        mean.mul_(1 - momentum).add_(batch_mean, alpha=momentum)
        var.mul_(1 - momentum).add_(batch_var, alpha=momentum)
    return _instance_norm(input, weight, bias, None, None, True, momentum, eps, cudnn)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """functional.gaussian_nll_loss without its check that every variance is positive."""
    if not isinstance(var, torch.Tensor):
        var = var * torch.ones_like(input)
    if var.size() != input.size() and input.size()[:-1] == var.size():
        var = var.unsqueeze(-1)
    var = var + (var.clamp(min=eps) - var).detach()
    loss = 0.5 * (torch.log(var) + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def cross_map_lrn(self, input):
    """nn.CrossMapLRN2d.forward, an autograd function with a backward of its own, in differentiable steps.

    Its running sum over channels never gives up the first channel; neither does this one. Its backward is not the
    derivative of its forward: each window of the gradient is shifted by a channel.
    """
    reach = (self.size - 1) // 2
    square = input.square()
    padded = functional.pad(square, (0, 0, 0, 0, reach, reach))
    channels = input.shape[1]
    total = sum(padded[:, k : k + channels] for k in range(2 * reach + 1))
    if channels > reach + 1:
        kept = square[:, :1].expand(-1, channels - reach - 1, -1, -1)
        total = total + functional.pad(kept, (0, 0, 0, 0, reach + 1, 0))
    return input * (self.k + self.alpha / self.size * total) ** -self.beta


def batch_norm(self, input):
    """The forward of nn.BatchNorm layers: without a momentum, with the update of the statistics written out.

    Their cumulative average divides by the number of batches, which the original reads as a Python number.
    """
    updates = self.training and self.track_running_stats
    if self.momentum is not None or not updates or self.num_batches_tracked is None:
        return _batch_norm(self, input)
    self._check_input_dim(input)
    with torch.no_grad():
        self.num_batches_tracked.add_(1)
        axes = [axis for axis in range(input.dim()) if axis != 1]
        for running, batch in (
            (self.running_mean, input.mean(axes)),
            (self.running_var, input.var(axes, unbiased=True)),
        ):
            running.add_((batch - running) / self.num_batches_tracked)
    return functional.batch_norm(
        input, None, None, self.weight, self.bias, True, 0.0, self.eps
    )


def getitem(self, index):
    """`tensor[index]` where scalar tensors of integers are positions that the trace does not know."""
    items = index if isinstance(index, tuple) else (index,)
    found = scalar_positions(self, items)
    if not found:
        return _getitem(self, index)
    positions, rest = found
    picked = torch.ops.aten.index.Tensor(self, positions)
    picked = _getitem(picked, rest) if rest else picked
    _picked.append((picked, picked._version))
    return picked


def setitem(self, index, value):
    """`tensor[index] = value`, likewise."""
    items = index if isinstance(index, tuple) else (index,)
    found = scalar_positions(self, items)
    if not found:
        return _setitem(self, index, value)
    # `tensor[index] += ...` changes what was picked, and puts it back.
    _picked[:] = [pair for pair in _picked if pair[0] is not value]
    positions, rest = found
    if not rest:
        view, wanted = self, positions
    elif any(isinstance(item, (torch.Tensor, list)) for item in rest):
        return _setitem(self, index, value)
    else:
        # The other items make a view, which keeps a whole axis for each of the scalars.
        kept = [slice(None) if is_unknown(item) else item for item in items]
        view, wanted = _getitem(self, tuple(kept)), positions_in_view(self, items)
    if not isinstance(value, torch.Tensor):
        value = torch.full((), value, dtype=self.dtype, device=self.device)
    torch.ops.aten.index_put_.default(view, wanted, value.to(self.dtype))
    return None


@contextlib.contextmanager
def unchanged_picks():
    """Refuse, at the end of the block, changes in place of what a scalar tensor picked: it is a copy in the trace."""
    _picked.clear()
    try:
        yield
        if any(tensor._version != version for tensor, version in _picked):
            raise GraftError(
                "data-dependent",
                "the model changes in place what it picked by an index that is a scalar tensor",
                "assign to the subscript instead: `x[i] = ...` or `x[i] += ...`",
            )
    finally:
        _picked.clear()


def is_unknown(item):
    """Whether an item of a subscript is a scalar integer tensor whose value the trace does not know."""
    return (
        isinstance(item, torch._subclasses.FakeTensor)
        and item.dim() == 0
        and item.constant is None
        and item.dtype not in (torch.bool, torch.uint8)
        and not item.is_floating_point()
        and not item.is_complex()
    )


def axes_taken(item):
    """How many of a tensor's axes an item of a subscript other than an ellipsis stands for."""
    if item is None or isinstance(item, bool):
        return 0
    if isinstance(item, torch.Tensor) and item.dtype in (torch.bool, torch.uint8):
        return item.dim()
    return 1


def scalar_positions(tensor, items):
    """For each axis up to the last that a scalar picks from, the scalar or None, and the other items; or None."""
    if not any(is_unknown(item) for item in items):
        return None
    taken = sum(axes_taken(item) for item in items if item is not Ellipsis)
    positions, rest = [], []
    for item in items:
        if item is Ellipsis:
            positions += [None] * (tensor.dim() - taken)
        elif is_unknown(item):
            positions.append(item)
            continue
        else:
            positions += [None] * axes_taken(item)
        rest.append(item)
    while positions[-1] is None:
        positions.pop()
    return positions, tuple(rest)


def positions_in_view(tensor, items):
    """As `scalar_positions`, in the view that the other items make of the tensor."""
    taken = sum(axes_taken(item) for item in items if item is not Ellipsis)
    positions = []
    for item in items:
        if item is Ellipsis:
            positions += [None] * (tensor.dim() - taken)
        elif is_unknown(item):
            positions.append(item)
        elif item is None or isinstance(item, slice):
            positions.append(None)
    while positions[-1] is None:
        positions.pop()
    return positions


def refuse_packing(*_):
    """Say why sequences cannot be packed."""
    raise GraftError(
        "packed-sequence",
        "torch.export cannot trace packed sequences (nn.utils.rnn.pack_padded_sequence and pack_sequence): "
        "their layout depends on the values of the lengths",
        "pass padded sequences through the layer and mask what lies beyond each length",
    )


def adaptive_log_softmax(self, input_, target_):
    """nn.AdaptiveLogSoftmaxWithLoss.forward, which picks rows by their values, from the whole distribution."""
    is_batched = target_.dim() > 0
    input = input_ if is_batched else input_.unsqueeze(0)
    target = target_ if is_batched else target_.unsqueeze(0)
    output = self.log_prob(input).gather(1, target.unsqueeze(1)).squeeze(1)
    loss = -output.mean()
    return _AdaptiveOutput(output if is_batched else output.squeeze(0), loss)


def _fake_rule(shapes):
    def rule(mode, func, *args, **kwargs):
        with mode:
            return shapes(*args, **kwargs)

    return rule


def _fake_ctc_loss(mode, func, log_probs, targets, *args, **kwargs):
    batch = () if log_probs.dim() == 2 else (log_probs.shape[1],)
    states = (*batch, log_probs.shape[0], 2 * targets.shape[-1] + 1)
    with mode:
        return log_probs.new_empty(batch), log_probs.new_empty(states)


def _fractional_max_pool3d(self, kernel_size, output_size, random_samples):
    values = self.new_empty((*self.shape[:-3], *output_size))
    return values, torch.empty_like(values, dtype=torch.int64)


def _recurrent(operator, cell):
    """The result shapes of lstm, gru and rnn; torch's own rule unrolls time, which would fix the sequence length."""

    def shapes(
        input,
        hx,
        params,
        has_biases,
        num_layers,
        dropout,
        train,
        bidirectional,
        batch_first,
    ):
        hidden = hx[0] if cell else hx
        directions = 2 if bidirectional else 1
        output = input.new_empty((*input.shape[:-1], hidden.shape[-1] * directions))
        if cell:
            return output, torch.empty_like(hx[0]), torch.empty_like(hx[1])
        return output, torch.empty_like(hx)

    return operator, shapes


_RECURRENT = (
    _recurrent(torch.ops.aten.lstm.input, True),
    _recurrent(torch.ops.aten.gru.input, False),
    _recurrent(torch.ops.aten.rnn_tanh.input, False),
    _recurrent(torch.ops.aten.rnn_relu.input, False),
)


@contextlib.contextmanager
def recurrent_shapes():
    """Give lstm, gru and rnn shape rules that keep the sequence length dynamic."""
    keys = torch._C.DispatchKey
    table = torch._decomp.decomposition_table
    saved = []
    for operator, shapes in _RECURRENT:
        saved.append((operator, dict(operator.py_kernels), table.get(operator)))
        table[operator] = shapes
        for key in (keys.CompositeImplicitAutograd, keys.Autograd, keys.Meta):
            operator.py_kernels[key] = shapes
        operator._dispatch_cache.clear()
    try:
        yield
    finally:
        for operator, kernels, decomposition in saved:
            operator.py_kernels.clear()
            operator.py_kernels.update(kernels)
            operator._dispatch_cache.clear()
            if decomposition is None:
                del table[operator]
            else:
                table[operator] = decomposition


_AdaptiveOutput = torch.nn.modules.adaptive._ASMoutput
_instance_norm = torch.instance_norm
_BatchNorm = torch.nn.modules.batchnorm._BatchNorm
_batch_norm = _BatchNorm.forward
_picked = []
_getitem, _setitem = torch.Tensor.__getitem__, torch.Tensor.__setitem__
_REPLACED = (
    (torch, "instance_norm", instance_norm),
    (torch._VF, "_pack_padded_sequence", refuse_packing),
    (torch.Tensor, "__getitem__", getitem),
    (torch.Tensor, "__setitem__", setitem),
    (_BatchNorm, "forward", batch_norm),
    (functional, "gaussian_nll_loss", gaussian_nll_loss),
    (torch.nn.CrossMapLRN2d, "forward", cross_map_lrn),
    (torch.nn.AdaptiveLogSoftmaxWithLoss, "forward", adaptive_log_softmax),
)


@contextlib.contextmanager
def replaced_functions():
    """Use the stand-ins, and let ctc_loss with tensor lengths be traced whole."""
    from torch._subclasses import fake_impls

    originals = [(owner, name, vars(owner).get(name)) for owner, name, _ in _REPLACED]
    table = fake_impls.op_implementations_dict
    rules = {operator: _fake_rule(shapes) for operator, shapes in _RECURRENT}
    rules[torch.ops.aten._ctc_loss.Tensor] = _fake_ctc_loss
    # torch's own rule fixes the batch size.
    rules[torch.ops.aten.fractional_max_pool3d.default] = _fake_rule(
        _fractional_max_pool3d
    )
    before = {operator: table.get(operator) for operator in rules}
    table.update(rules)
    for owner, name, function in _REPLACED:
        setattr(owner, name, function)
    try:
        with recurrent_shapes():
            yield
    finally:
        for owner, name, function in originals:
            if function is None:
                delattr(owner, name)
            else:
                setattr(owner, name, function)
        for operator, rule in before.items():
            if rule is None:
                table.pop(operator, None)
            else:
                table[operator] = rule
