"""The models that several benchmarks build, and texts for them. Nothing is dropped in training."""

import torch
import transformers
from torch import nn


def mlp():
    """Classes of [batch, 784]."""
    return nn.Sequential(
        nn.Linear(784, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


def transformer_encoder(width=256, heads=8, layers=4):
    """States of sequences [batch, length, width]."""
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True
    )
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


class EncoderClassifier(nn.Module):
    """Classes of sequences [batch, length, width] by the mean of a transformer's last states."""

    def __init__(self, width=256, heads=8, layers=4, classes=10):
        super().__init__()
        self.encoder = transformer_encoder(width, heads, layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


class LSTMClassifier(nn.Module):
    """Classes of sequences [batch, length, features] by the last state of two recurrent layers."""

    def __init__(self, features, width, classes=10):
        super().__init__()
        self.lstm = nn.LSTM(features, width, 2, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])


def minilm():
    """The encoder of all-MiniLM-L6-v2."""
    config = transformers.BertConfig(
        vocab_size=30522,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return transformers.BertModel(config, add_pooling_layer=False)


class LanguageModel(nn.Module):
    """GPT-2's scores of the next tokens, [batch, length, vocabulary], without a cache."""

    def __init__(self):
        super().__init__()
        config = transformers.GPT2Config(
            use_cache=False, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0
        )
        self.model = transformers.GPT2LMHeadModel(config)

    def forward(self, input_ids):
        return self.model(input_ids).logits


def token_ids(vocabulary, *shape, mask=False):
    """Random tokens, and a mask that leaves none out, by the names of a text model's inputs."""
    ids = torch.randint(0, vocabulary, shape)
    masks = {"attention_mask": torch.ones_like(ids)} if mask else {}
    return {"input_ids": ids, **masks}
