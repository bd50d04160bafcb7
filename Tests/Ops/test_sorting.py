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
few = torch.randint(0, 4, (3, 12))
case("mode", lambda a: torch.mode(a), few)
case("mode first axis", lambda a: torch.mode(a, dim=0), few)
case("mode keepdim", lambda a: a.mode(1, keepdim=True), few.int())
case("mode floats", lambda a: a.mode(), few * 0.5)
case("mode all different", lambda a: a.mode(), x)
case("mode bool", lambda a: a.mode(-1), few > 1)
case("mode value", lambda a: a.mode(0).values, torch.tensor([2, 1, 1, 2]))
case("mode of a scalar", lambda a: a.mode(), torch.tensor(2.0))
unit = torch.rand(5, 7)
case("histc", lambda a: torch.histc(a, bins=4, min=0.2, max=0.9), unit, gradients=False)
case("histc ints", lambda a: torch.histc(a, 5, -2, 2), x, gradients=False)
case("histc of the range", lambda a: a.histc(6), unit, gradients=False)
case("histc of one value", lambda a: a.histc(3), torch.ones(4), gradients=False)
case(
    "histc edges",
    lambda a: torch.histc(a, 4, 0, 4),
    torch.tensor([0.0, 1.0, 2.0, 4.0, 4.5, -1.0, float("nan")]),
    gradients=False,
)


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

wave, hann = torch.randn(2, 40), torch.hann_window(8)


def stft(a, *args, **kwargs):
    return torch.stft(a, *args, return_complex=True, **kwargs)


case("stft", lambda a, w: stft(a, 8, 4, window=w), wave, hann)
case("stft of a vector", lambda a, w: stft(a, 8, window=w), wave[0], hann)
case("stft without window", lambda a: stft(a, 8, 3), wave)
case("stft not centred", lambda a, w: stft(a, 8, 5, window=w, center=False), wave, hann)
case("stft padded", lambda a: stft(a, 8, 4, pad_mode="constant"), wave)
case("stft replicated", lambda a: stft(a, 8, 4, pad_mode="replicate"), wave)
case("stft two-sided", lambda a, w: stft(a, 8, 4, window=w, onesided=False), wave, hann)
case("stft normalised", lambda a: stft(a, 9, 4, normalized=True), wave)
case("stft short window", lambda a, w: stft(a, 13, 4, 8, w), wave, hann)
case("stft short, no window", lambda a: stft(a, 8, 4, 5), wave)
case(
    "stft of complex numbers",
    lambda a: stft(a, 8, 4),
    torch.complex(wave, wave.flip(1)),
)
case(
    "stft as reals",
    lambda a, w: torch.view_as_real(a.stft(8, 4, window=w, return_complex=True)),
    wave,
    hann,
)
case(
    "stft magnitude, own window",
    lambda a: stft(a, 8, 4, window=torch.hann_window(8)).abs().square(),
    wave,
)
bins = stft(wave, 8, 2, window=hann)
case("istft", lambda s, w: torch.istft(s, 8, 2, window=w), bins, hann)
case("istft one signal", lambda s, w: torch.istft(s, 8, 2, window=w), bins[0], hann)
case("istft without window", lambda s: torch.istft(s, 8, 3), bins)
case(
    "istft not centred",
    lambda s, w: torch.istft(s, 8, 2, window=w + 0.1, center=False),
    bins,
    hann,
)
for length in (20, 37, 45):
    case(
        f"istft length {length}",
        lambda s, w, length=length: torch.istft(
            s, 8, 2, window=w + 0.1, length=length, normalized=True
        ),
        bins,
        hann,
    )
case(
    "istft two-sided",
    lambda s, w: torch.istft(s, 8, 2, window=w, onesided=False),
    stft(wave, 8, 2, window=hann, onesided=False),
    hann,
)
case(
    "istft complex",
    lambda s: torch.istft(s, 8, 3, 6, onesided=False, return_complex=True),
    torch.complex(torch.randn(2, 8, 6), torch.randn(2, 8, 6)),
)
case(
    "stft and back",
    lambda a, w: torch.istft(stft(a, 8, 2, window=w), 8, 2, window=w, length=40),
    wave,
    hann,
)

main()
