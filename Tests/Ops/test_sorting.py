"""Sorting, and Fourier transforms."""

import torch
from harness import case, main

torch.manual_seed(0)
x = torch.randn(4, 5)
y = torch.randn(2, 3, 6)
i = torch.tensor([[3, 1, 3, 2], [0, 5, 0, -1]])
z = torch.complex(torch.randn(3, 4), torch.randn(3, 4))

case("sort", lambda a: a.sort(), x)
case("sort values", lambda a: a.sort(0, descending=True).values, x)
case("sort descending", lambda a: a.sort(-1, descending=True), y)
case("sort stable", lambda a: torch.sort(a, stable=True, descending=True), i)
case("argsort", lambda a: a.argsort(0), x)
case("argsort stable", lambda a: torch.argsort(a, stable=True), i)
case("msort", lambda a: torch.msort(a), x)
case(
    "sort nan",
    lambda a: a.sort().values,
    torch.tensor([2.0, float("nan"), 1.0]),
    gradients=False,
)
case("topk", lambda a: a.topk(2), x)
case("topk values", lambda a: a.topk(3, dim=0).values, x)
case("topk indices", lambda a: a.topk(1, dim=-1)[1], y)
case("topk smallest", lambda a: a.topk(2, dim=1, largest=False), x)
case("topk first axis", lambda a: a.topk(2, dim=0), x)
case("kthvalue", lambda a: a.kthvalue(2, dim=1), x)
case("kthvalue keepdim", lambda a: a.kthvalue(1, keepdim=True).values, x)


case("fft", lambda a: torch.fft.fft(a), z)
case("fft of reals", lambda a: torch.fft.fft(a, dim=0), x)
case("fft n", lambda a: torch.fft.fft(a, n=6), z)
case("fft shorter", lambda a: torch.fft.fft(a, n=2, dim=0, norm="ortho"), z)
case("ifft", lambda a: torch.fft.ifft(a, norm="forward"), z)
case("rfft", lambda a: torch.fft.rfft(a), x)
case("rfft n", lambda a: torch.fft.rfft(a, n=8, dim=1, norm="ortho"), y)
case("irfft", lambda a: torch.fft.irfft(a), z)
case("irfft odd", lambda a: torch.fft.irfft(a, n=5), z)
case(
    "rfft and back",
    lambda a: torch.fft.irfft(
        torch.fft.rfft(a, norm="forward"), n=a.shape[-1], norm="forward"
    ),
    x,
)
case("fft2", lambda a: torch.fft.fft2(a), y)
case("fft2 s", lambda a: torch.fft.fft2(a, s=(4, 4)), y)
case("rfft2", lambda a: torch.fft.rfft2(a), y)
case("irfft2", lambda a: torch.fft.irfft2(torch.fft.rfft2(a), s=a.shape[-2:]), y)
case("fftn", lambda a: torch.fft.fftn(a), y)
case("rfftn axes", lambda a: torch.fft.rfftn(a, dim=(0, 2)), y)
case("fftshift", lambda a: torch.fft.fftshift(a), y)
case("ifftshift", lambda a: torch.fft.ifftshift(a, dim=-1), x)
case(
    "long convolution",
    lambda a, k: torch.fft.irfft(
        torch.fft.rfft(a, n=12) * torch.fft.rfft(k, n=12), n=12
    )[..., :6],
    y,
    y[0],
)

main()
