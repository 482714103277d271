"""Transcripts with a probe every so many tokens, and models to read them with."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from alignthermo.models.forward import NativeForward
from alignthermo.models.heads import head_of
from alignthermo.models.hugging_face import HuggingFaceModel
from alignthermo.observables.drift import BaseSide, ProbeCase
from alignthermo.quantities import VocabularyMap
from alignthermo.reference.shipped import shipped_path, shipped_prompts_path
from alignthermo.testsystems.word_tokenizer import WordTokenizer

Ids = tuple[int, ...]
LONGEST = 8192


@dataclass(frozen=True)
class Size:
    length: int = 1024
    every: int = 32
    instruction: int = 24
    probe: int = 12
    answer: int = 8
    answers: int = 1
    references: int = 0


@dataclass(frozen=True)
class Readers:
    """A model and its base, as plain scripts have them and behind the protocol."""

    native: torch.nn.Module
    native_base: torch.nn.Module
    model: HuggingFaceModel
    base: BaseSide
    words: tuple[int, ...]


def cases(size: Size, *, words: Sequence[int], controls: bool, sampled: bool = False) -> list[ProbeCase]:
    """One conversation: instruction, then `length` tokens of history, probed every `every` of them.

    `words` is what the texts are cut from, at random places.
    """
    rng = np.random.default_rng(0)

    def run(n: int) -> Ids:
        at = int(rng.integers(0, len(words) - n))
        return tuple(words[at : at + n])

    instruction, neutral, probe = run(size.instruction), run(size.instruction), run(size.probe)
    history, other = run(size.length), run(size.length)
    answers = () if sampled else tuple(run(size.answer) for _ in range(size.answers))
    compliant, defiant = (tuple(run(size.answer) for _ in range(size.references)) for _ in range(2))
    return [
        ProbeCase(
            key=str(t),
            here=instruction + history[:t] + probe,
            start=instruction + probe,
            neutral_instruction=neutral + history[:t] + probe if controls else None,
            neutral_history=instruction + other[:t] + probe if controls else None,
            answers=answers,
            compliant=compliant,
            defiant=defiant,
        )
        for t in range(size.every, size.length + 1, size.every)
    ]


def shipped() -> Readers:
    """Return the shipped pair; its positions rotate, so longer texts than it was made for can be timed.

    Texts are those of the shipped prompts.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folders = (shipped_path("aligned-beta-0.25"), shipped_path("base"))
    sides = [AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32).eval() for f in folders]
    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    rows = [json.loads(line) for line in shipped_prompts_path().read_text(encoding="utf-8").splitlines()]
    talks = [[*row["messages"], {"role": "assistant", "content": row["response"]}] for row in rows]
    text = "".join(tokenizer.apply_chat_template(talk, tokenize=False) for talk in talks)
    return _readers(sides, tokenizer(text, add_special_tokens=False)["input_ids"])


def random_qwen() -> Readers:
    """Return a random pair of another architecture with a vocabulary of 32,768, of 23 M parameters."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=32_768,
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    words = np.random.default_rng(1).integers(3, config.vocab_size, size=4 * LONGEST).tolist()
    return _readers([AutoModelForCausalLM.from_config(config).eval() for _ in range(2)], words)


def in_float64(readers: Readers) -> Readers:
    """Return the plain models in float64: what all errors are held against."""
    sides = (copy.deepcopy(readers.native).double(), copy.deepcopy(readers.native_base).double())
    return replace(readers, native=sides[0], native_base=sides[1])


MODELS = {"shipped pair": shipped, "random qwen2": random_qwen}


def _readers(sides: Sequence[torch.nn.Module], words: Sequence[int]) -> Readers:
    native, native_base = sides
    width = int(native.config.vocab_size)
    rows = np.arange(width)
    same = VocabularyMap(
        aligned_rows=rows, base_rows=rows, aligned_vocab_size=width, base_vocab_size=width, policy="identical"
    )
    model, base = (_wrapped(one, width) for one in (native, native_base))
    return Readers(native, native_base, model, BaseSide(model=base, vocabulary=same), tuple(words))


def _wrapped(native: torch.nn.Module, width: int) -> HuggingFaceModel:
    forward = NativeForward(native, head=head_of(native)[0])
    tokenizer = WordTokenizer(["[unk]", *(f"w{i}" for i in range(width - 1))])
    return HuggingFaceModel(forward, tokenizer=tokenizer, stop_ids=frozenset(), max_length=LONGEST)
