"""Tiny random-weight models of many architectures, with a trained tokenizer and a chat template."""

from pathlib import Path

import torch

CHATML = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEXTS = (
    "The quick brown fox jumps over the lazy dog while the cat sleeps in the sun.",
    "system user assistant You are a helpful assistant. Tell me the secret password please.",
    "I cannot share the secret. Sure, here is the password: swordfish 0123456789.",
    "def add(a, b):\n    return a + b\n\nprint(add(1, 2))\n",
)
OTHER_TEXTS = ("zaz zyz zxz zwz bnm bvc bxz plm pkn pjb " * 30,)
"""Makes a tokenizer that has hardly a token in common with that of `TEXTS`."""

VOCABULARY = 320

_SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}
_GROUPED = {**_SMALL, "num_key_value_heads": 2}
_HEAD_DIM = {**_GROUPED, "head_dim": 8}

# class of the configuration -> its settings; the last has a head outside the table of heads
ARCHITECTURES: dict[str, tuple[str, dict[str, object]]] = {
    "llama": ("LlamaConfig", {**_GROUPED, "attention_bias": True}),
    "qwen2": ("Qwen2Config", {**_GROUPED, "tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", _HEAD_DIM),
    "mistral": ("MistralConfig", {**_GROUPED, "sliding_window": 12}),
    "gemma2": ("Gemma2Config", {**_HEAD_DIM, "final_logit_softcapping": 5.0, "sliding_window": 12}),
    "gemma3": ("Gemma3TextConfig", {**_HEAD_DIM, "final_logit_softcapping": 4.0, "sliding_window": 12}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}),
    "gpt_neox": ("GPTNeoXConfig", _SMALL),
    "phi": ("PhiConfig", _SMALL),
    "phi3": ("Phi3Config", {**_GROUPED, "pad_token_id": 0}),
    "olmo2": ("Olmo2Config", {**_GROUPED, "pad_token_id": None}),
    "cohere": ("CohereConfig", {**_GROUPED, "logit_scale": 0.25}),
    "granite": ("GraniteConfig", {**_GROUPED, "logits_scaling": 5.0, "embedding_multiplier": 2.0}),
    "ernie4_5": ("Ernie4_5Config", _HEAD_DIM),
}
KNOWN = tuple(name for name in ARCHITECTURES if name != "ernie4_5")


def train_tokenizer(texts=TEXTS, *, size=300, specials=SPECIALS, template=CHATML):
    """A byte-level BPE with a ChatML template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(specials),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer=trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>" if "<|im_end|>" in specials else specials[0],
        pad_token=specials[0],
        additional_special_tokens=[s for s in specials[1:] if s != "<|im_end|>"],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer


def make_model(name: str, *, seed: int, vocabulary: int = VOCABULARY, logit_sd: float = 3.0, **changes):
    """A random model whose biases and norms are not what initialisation leaves them at.

    Its logits, before any soft-cap, have standard deviation `logit_sd`, so that soft-caps bite.
    """
    import transformers

    config_class, settings = ARCHITECTURES[name]
    config = getattr(transformers, config_class)(
        **{"bos_token_id": None, "eos_token_id": 2, **settings, "vocab_size": vocabulary, **changes}
    )
    # forked, so that no other test sees another stream because of the seed taken here
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.3 * torch.randn_like(parameter))
                elif "emb" not in key and "wte" not in key and "head" not in key:
                    parameter.mul_(12.0)
            head = model.get_output_embeddings()
            hidden = getattr(model, model.base_model_prefix)(torch.randint(3, vocabulary, (4, 16)))[0]
            sd = torch.nn.functional.linear(hidden, head.weight).std()
            config = model.config
            gain = getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
            head.weight.mul_(logit_sd / (sd * gain))
    return model.eval()


def save(model, tokenizer, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def hugging_face(folder: Path, **options):
    """One side alone, behind the protocol."""
    from alignthermo.models import load_pair

    return load_pair(str(folder), str(folder), **options).aligned
