"""`tokenizer.json`: how texts become ids, for the package `tokenizers`, which cuts and numbers them as netspec does."""

from __future__ import annotations

from typing import Any

from netspec.data.transforms.encoders import TextEncoder

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
WORDS = r"[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s\x1c-\x1f]"
"""Words and signs, `\\w+|[^\\w\\s]` of Python: marks are not a part of words there, as they are in other engines."""
CHARACTERS = r"[\s\S]"


def tokenizer_of(encoder: TextEncoder) -> dict[str, Any]:
    """A word-level model; long texts are truncated at the start, short ones padded with id 0 at the end."""
    unknown = encoder.vocabulary[0]
    pattern = {"Regex": CHARACTERS if encoder.by == "char" else WORDS}
    return {
        "version": "1.0",
        "truncation": {
            "direction": "Left", "max_length": encoder.length, "strategy": "LongestFirst", "stride": 0,
        },
        "padding": {
            "strategy": {"Fixed": encoder.length}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": 0, "pad_type_id": 0, "pad_token": unknown,
        },
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": pattern, "behavior": "Removed", "invert": True},
        "post_processor": None,
        "decoder": {"type": "Fuse"} if encoder.by == "char" else None,
        "model": {
            "type": "WordLevel",
            "vocab": {piece: index for index, piece in enumerate(encoder.vocabulary)},
            "unk_token": unknown,
        },
    }  # fmt: skip


def tokenizer_config(encoder: TextEncoder) -> dict[str, Any]:
    """What `transformers` needs to read it."""
    unknown = encoder.vocabulary[0]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": encoder.length,
        "truncation_side": "left",
        "padding_side": "right",
        "unk_token": unknown,
        "pad_token": unknown,
        "clean_up_tokenization_spaces": False,
    }
