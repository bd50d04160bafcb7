"""The programs whose emitted files are kept in Tests/Goldens."""

import itertools

import functions
import torch
import transformers_models
from cases import CaseList
from torch import nn

CASES = CaseList(globals(), factories=True)


def image_inputs():
    return {"x": torch.randn(2, 3, 224, 224)}


def token_inputs():
    return {"input_ids": torch.randint(0, 50, (2, 7))}


class DoubleConv(nn.Module):
    """Two convolutions, each normalised in groups of channels."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(4, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(4, outputs)
        self.act = nn.SiLU()

    def forward(self, x):
        x = self.act(self.norm1(self.conv1(x)))
        return self.act(self.norm2(self.conv2(x)))


class Down(nn.Module):
    """Half the height and width, and more channels."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x):
        return self.conv(self.pool(x))


class Up(nn.Module):
    """Twice the height and width, joined with what the way down had at that size."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv = DoubleConv(2 * outputs, outputs)

    def forward(self, x, skip):
        x = self.up(x)
        return self.conv(torch.cat([skip, x], dim=1))


class UNet(nn.Module):
    """Scores of each class at each pixel (Ronneberger et al., 2015), small."""

    def __init__(self, channels=3, classes=5, width=8, depth=3):
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.stem = DoubleConv(channels, width)
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(widths))
        widths.reverse()
        self.ups = nn.ModuleList(Up(a, b) for a, b in itertools.pairwise(widths))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images):
        x = self.stem(images)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(x)
        for up in self.ups:
            x = up(x, skips.pop())
        return self.head(x)


class LSTMClassifier(nn.Module):
    """Classes of texts: embeddings, a bidirectional LSTM, the mean over time."""

    def __init__(self, vocabulary=50, width=12, hidden=8, classes=4):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, 2, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(2 * hidden, classes)

    def forward(self, tokens):
        embedded = self.dropout(self.embedding(tokens))
        outputs, _ = self.lstm(embedded)
        pooled = outputs.mean(dim=1)
        return self.classifier(self.dropout(pooled))


class WindowAttention(nn.Module):
    """Attention within windows of 4 by 4 pixels; shifted by 2, without what wraps around."""

    def __init__(self, dim, num_heads, shift):
        super().__init__()
        self.num_heads = num_heads
        self.shift = shift
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        n, h, w, c = x.shape
        if self.shift:
            x = torch.roll(x, (-2, -2), (1, 2))
        x = x.view(n, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)
        q, k, v = (
            self.qkv(x)
            .view(-1, 16, 3, self.num_heads, c // self.num_heads)
            .permute(2, 0, 3, 1, 4)
        )
        attn = q @ k.transpose(-2, -1)
        if self.shift:
            region = x.new_zeros((h, w))
            region[:-2, :-2] = 1
            region[-2:, -2:] = 2
            region = region.view(h // 4, 4, w // 4, 4).transpose(1, 2).reshape(-1, 16)
            same = region[:, None] == region[:, :, None]
            attn = attn.view(n, -1, self.num_heads, 16, 16).masked_fill(
                ~same[:, None], -100.0
            )
            attn = attn.view(-1, self.num_heads, 16, 16)
        x = (attn.softmax(-1) @ v).transpose(1, 2).reshape(-1, 16, c)
        x = (
            self.proj(x)
            .view(n, h // 4, w // 4, 4, 4, c)
            .transpose(2, 3)
            .reshape(n, h, w, c)
        )
        return torch.roll(x, (2, 2), (1, 2)) if self.shift else x


class Merge(nn.Module):
    """Half the height and width, and twice the channels."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim)

    def forward(self, x):
        n, h, w, c = x.shape
        x = (
            x.view(n, h // 2, 2, w // 2, 2, c)
            .transpose(2, 3)
            .reshape(n, h // 2, w // 2, 4 * c)
        )
        return self.reduction(self.norm(x))


class Windows(nn.Module):
    """Three stages of attention within windows (Liu et al., 2021), small."""

    def __init__(self):
        super().__init__()
        self.stage1 = nn.Sequential(
            WindowAttention(12, 2, False), WindowAttention(12, 2, True)
        )
        self.merge1 = Merge(12)
        self.stage2 = nn.Sequential(
            WindowAttention(24, 3, False), WindowAttention(24, 3, True)
        )
        self.merge2 = Merge(24)
        self.stage3 = nn.Sequential(
            WindowAttention(48, 6, False), WindowAttention(48, 6, True)
        )

    def forward(self, x):
        x = self.merge1(x + self.stage1(x))
        x = self.merge2(x + self.stage2(x))
        return x + self.stage3(x)


def golden(name, target, inputs, *dynamic, **options):
    CASES.add(name, target, inputs, dynamic=dynamic, **options)


# The extent of the corner of an image that is enough in bfloat16: XLA computes such convolutions one product at a time.
BFLOAT16_CORNERS = {"resnet18": 32}

# Too large to verify each time; `torchvision/resnet18` and `torchvision/vit_b_16` are verified.
for model in ("resnet18", "vit_b_16"):
    golden(
        model,
        f"torchvision.models:{model}",
        image_inputs,
        "x=N,3,224,224",
        verify=False,
    )
golden(
    "gpt2",
    transformers_models.gpt2_lm,
    token_inputs,
    "input_ids=N,T",
    repeat=True,
    trained=True,
)
golden("llama", transformers_models.llama, token_inputs, "input_ids=N,T", trained=True)
golden(
    "t5",
    transformers_models.t5,
    transformers_models.encoder_decoder_inputs,
    *transformers_models.NT,
    "decoder_input_ids=N,S",
    trained=True,
)
golden(
    "windows",
    Windows,
    lambda: {"x": torch.randn(2, 32, 32, 12)},
    "x=N,32,32,12",
    trained=True,
)
golden(
    "lstm_classifier",
    LSTMClassifier,
    lambda: {"tokens": torch.randint(0, 50, (2, 7))},
    "tokens=N,T",
)
golden(
    "unet",
    UNet,
    lambda: {"images": torch.randn(2, 3, 32, 32)},
    "images=N,3,32,32",
    repeat=True,
)
golden(
    "pairwise_distances",
    functions.pairwise_distances,
    lambda: {"a": torch.randn(5, 3), "b": torch.randn(4, 3)},
    "a=N,D",
    "b=M,D",
    trained=True,
)
golden(
    "box_iou",
    functions.box_iou,
    functions.two_box_sets,
    "boxes=N,4",
    "others=M,4",
    repeat=True,
    trained=True,
)
golden(
    "box_regression_losses",
    functions.box_regression_losses,
    functions.two_box_sets,
    "boxes=N,4",
    "others=M,4",
    repeat=True,
    trained=True,
)
golden(
    "rotary_embedding",
    functions.rotary_embedding,
    lambda: {"x": torch.randn(2, 5, 3, 8)},
    "x=N,T,3,8",
    trained=True,
)
golden(
    "top_k_mask",
    functions.top_k_mask,
    lambda: {"logits": torch.randn(4, 9)},
    "logits=N,9",
    trained=True,
)
golden(
    "focal_loss",
    functions.focal_loss,
    lambda: {"logits": torch.randn(6, 4), "labels": torch.randint(0, 4, (6,))},
    "logits=N,4",
    "labels=N",
    trained=True,
)
