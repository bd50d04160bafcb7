"""Stand-ins for functions that torch.export cannot follow, or whose effects it hides.

Loaded as `graft_torch_replaced`, after `graft_torch_inputs`.
"""

import contextlib
import math

import torch
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
    """nn.CrossMapLRN2d.forward, which is a legacy autograd function, in differentiable steps.

    Its running sum over channels never gives up the first channel; neither does this one.
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
_REPLACED = (
    (torch, "instance_norm", instance_norm),
    (functional, "gaussian_nll_loss", gaussian_nll_loss),
    (torch.nn.CrossMapLRN2d, "forward", cross_map_lrn),
    (torch.nn.AdaptiveLogSoftmaxWithLoss, "forward", adaptive_log_softmax),
)


@contextlib.contextmanager
def replaced_functions():
    """Use the stand-ins, and let ctc_loss with tensor lengths be traced whole."""
    from torch._subclasses import fake_impls

    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in _REPLACED]
    table = fake_impls.op_implementations_dict
    rules = {operator: _fake_rule(shapes) for operator, shapes in _RECURRENT}
    rules[torch.ops.aten._ctc_loss.Tensor] = _fake_ctc_loss
    before = {operator: table.get(operator) for operator in rules}
    table.update(rules)
    for owner, name, function in _REPLACED:
        setattr(owner, name, function)
    try:
        with recurrent_shapes():
            yield
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)
        for operator, rule in before.items():
            if rule is None:
                table.pop(operator, None)
            else:
                table[operator] = rule
