"""The doctor: a verdict in seconds, without loading weights."""

import json
import shutil
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from alignthermo.models import diagnose
from tests.models.tiny_models import ARCHITECTURES, CHATML, OTHER_TEXTS, make_model, save, train_tokenizer

NO_SYSTEM = (
    "{%- if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{%- endif %}"
)


def finding(diagnosis, check, level=None):
    found = [f for f in diagnosis.findings if f.check == check and level in (None, f.level)]
    assert found, str(diagnosis)
    return found[0]


@pytest.fixture
def copy(checkpoint, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint("llama", seed=1), folder)
    return folder


def edit(folder, name, **changes):
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | changes))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sound_pair_is_comparable(name, checkpoint):
    diagnosis = diagnose(str(checkpoint(name)), str(checkpoint(name, seed=1)))
    assert diagnosis.comparable, str(diagnosis)
    assert diagnosis.template_policy == "same_ids"
    assert finding(diagnosis, "tensors").level == "ok"
    warnings = {f.check for f in diagnosis.findings if f.level == "warn"}
    assert warnings == ({"head"} if name == "ernie4_5" else set())
    assert "comparable with --template-policy same_ids" in str(diagnosis)


def test_no_weights_are_loaded(copy, checkpoint, monkeypatch):
    import transformers

    def refuse(*args, **kwargs):
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", refuse)
    started = time.perf_counter()
    assert diagnose(str(checkpoint("llama")), str(copy)).comparable
    assert time.perf_counter() - started < 10


def test_only_the_base_has_a_template(checkpoint, tmp_path):
    plain = save(make_model("llama", seed=0), train_tokenizer(template=None), tmp_path / "plain")
    swapped = diagnose(str(checkpoint("llama")), str(plain))
    assert "probably exchanged" in finding(swapped, "sides").message
    assert finding(swapped, "sides").level == "warn"
    assert finding(swapped, "template").level == "error"
    assert not swapped.comparable
    right = diagnose(str(plain), str(checkpoint("llama")))
    assert right.comparable
    assert not [f for f in right.findings if f.check == "sides"]


def test_untrained_chat_tokens_suggest_raw(checkpoint, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(checkpoint("llama"), base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.embed_tokens.weight"][1] *= 1e-4
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    diagnosis = diagnose(str(base), str(checkpoint("llama", seed=1)))
    assert "'<|im_start|>'" in finding(diagnosis, "chat_tokens", "warn").message
    assert "'<|im_end|>'" not in finding(diagnosis, "chat_tokens", "warn").message
    assert (diagnosis.comparable, diagnosis.template_policy) == (True, "raw")
    tensors["model.embed_tokens.weight"][1] = tensors["model.embed_tokens.weight"][2]  # equal rows
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    assert "'<|im_end|>'" in finding(diagnose(str(base), str(base)), "chat_tokens", "warn").message


def test_chat_tokens_the_base_lacks(tmp_path):
    chat = train_tokenizer(specials=("<|endoftext|>",))
    chat.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    plain = train_tokenizer(specials=("<|endoftext|>",), template=None)
    base = save(make_model("llama", seed=0, vocabulary=300), plain, tmp_path / "base")
    aligned = save(make_model("llama", seed=1, vocabulary=302), chat, tmp_path / "aligned")
    diagnosis = diagnose(str(base), str(aligned))
    assert "does not have the chat tokens" in finding(diagnosis, "chat_tokens", "warn").message
    assert diagnosis.template_policy == "raw"
    assert "by_string" in finding(diagnosis, "vocabulary").message


def test_system_role_refused(checkpoint, tmp_path):
    folder = save(
        make_model("llama", seed=1), train_tokenizer(template=NO_SYSTEM + CHATML), tmp_path / "gemma"
    )
    found = finding(diagnose(str(checkpoint("llama")), str(folder)), "system_role", "warn")
    assert "System role not supported" in found.message
    assert "merge_into_user" in found.mend


def test_generation_that_runs_past_the_turn(copy, checkpoint):
    edit(copy, "generation_config.json", eos_token_id=0)
    edit(copy, "tokenizer_config.json", eos_token="<|endoftext|>")
    found = finding(diagnose(str(checkpoint("llama")), str(copy)), "turn_end", "warn")
    assert "'<|im_end|>'" in found.message
    assert "add 2 to eos_token_id" in found.mend


def test_lengths_and_architectures_that_differ(copy, checkpoint):
    edit(copy, "config.json", max_position_embeddings=64)
    assert "64" in finding(diagnose(str(checkpoint("llama")), str(copy)), "length", "warn").mend
    diagnosis = diagnose(str(checkpoint("llama")), str(checkpoint("qwen3")))
    assert "llama and qwen3" in finding(diagnosis, "architecture", "warn").message
    assert diagnosis.comparable


def test_other_tokenizer(checkpoint, tmp_path):
    other = train_tokenizer(OTHER_TEXTS)
    folder = save(make_model("llama", seed=1), other, tmp_path / "other")
    diagnosis = diagnose(str(checkpoint("llama")), str(folder))
    assert "tokens" in finding(diagnosis, "vocabulary", "error").message
    assert "share a tokenizer" in finding(diagnosis, "vocabulary").mend
    assert diagnosis.verdict.startswith("not comparable")


def test_missing_and_misshapen_tensors(copy, checkpoint):
    tensors = load_file(copy / "model.safetensors")
    removed = {k: v for k, v in tensors.items() if k != "model.norm.weight"}
    save_file(removed, copy / "model.safetensors", metadata={"format": "pt"})
    found = finding(diagnose(str(checkpoint("llama")), str(copy)), "tensors", "error")
    assert "aligned: 1 tensors missing" in found.message
    tensors["model.norm.weight"] = torch.zeros(5)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    assert "1 of the wrong shape" in finding(diagnose(str(copy), str(copy)), "tensors", "error").message


def test_files_that_cannot_be_used(copy, checkpoint, tmp_path):
    sound = str(checkpoint("llama"))
    nowhere = diagnose(sound, "no such/model/anywhere")
    assert "neither a folder nor a hub id" in finding(nowhere, "files").message
    weights = copy / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    assert "cut off" in finding(diagnose(sound, str(copy)), "files").message
    weights.write_bytes(b"garbage")
    assert "not a safetensors file" in finding(diagnose(sound, str(copy)), "files").message
    weights.rename(copy / "pytorch_model.bin")
    assert "pickled" in finding(diagnose(str(copy), sound), "files").message
