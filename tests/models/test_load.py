"""Loading a pair: what comes out, and what is refused with a reason."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from alignthermo.errors import (
    ConfigError,
    IncompatiblePair,
    ModelError,
    NonFiniteLogits,
    TemplateError,
    WeightsError,
)
from alignthermo.models import LoadOptions, load_pair
from alignthermo.models.checkpoint import place
from alignthermo.models.heads import readout_logits
from alignthermo.prompts.render import render
from alignthermo.quantities import HeadReadout, LogitReadout, Message, Prompt
from tests.models.tiny_models import KNOWN, OTHER_TEXTS, make_model, save, train_tokenizer

IDS = [[5, 6, 7, 8, 9], [10, 11]]
POSITIONS = [[0, 4], [1]]


def logits(model):
    return readout_logits(model.read(IDS, positions=POSITIONS))


@pytest.fixture
def copy(checkpoint, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint("llama"), folder)
    return folder


def edit_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("name", [*KNOWN, "ernie4_5"])
def test_every_architecture_loads_and_reads_as_stock_transformers(name, checkpoint):
    from transformers import AutoModelForCausalLM

    folder = checkpoint(name)
    pair = load_pair(str(folder), str(folder))
    readout = pair.aligned.read(IDS, positions=POSITIONS)
    assert isinstance(readout, LogitReadout if name == "ernie4_5" else HeadReadout)
    assert ("logits in chunks" in pair.provenance["base_head"]) == (name == "ernie4_5")
    stock = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        expected = [stock(torch.tensor([ids])).logits[0, at] for ids, at in zip(IDS, POSITIONS, strict=True)]
    torch.testing.assert_close(readout_logits(readout), torch.cat(expected), rtol=1e-5, atol=2e-5)


def test_provenance_names_what_a_number_depends_on(checkpoint):
    base, aligned = checkpoint("gemma2"), checkpoint("gemma2", seed=1)
    facts = load_pair(str(base), str(aligned)).provenance
    assert all(isinstance(value, str) for value in facts.values())
    assert facts["base_id"] == str(base)
    assert facts["aligned_weights_sha256"].startswith("model.safetensors:")
    assert facts["base_weights_sha256"] != facts["aligned_weights_sha256"]
    assert facts["base_dtype"] == "float32"
    assert facts["base_device"] == "cpu"
    assert "soft-cap 5" in facts["base_head"]
    assert facts["vocabulary_policy"] == "identical"
    assert "padding" in facts["vocabulary_notes"]
    assert facts["version_transformers"]


def test_precision_is_float32_on_a_cpu_unless_asked(checkpoint):
    folder = checkpoint("llama")
    assert (
        load_pair(str(folder), str(folder)).aligned.read(IDS, positions=POSITIONS).hidden.dtype
        == torch.float32
    )
    double = load_pair(str(folder), str(folder), dtype="float64").aligned
    assert double.read(IDS, positions=POSITIONS).hidden.dtype == torch.float64
    for wrong in ({"dtype": "int8"}, {"device": "abacus"}):
        with pytest.raises(ConfigError, match="choose auto"):
            load_pair(str(folder), str(folder), **wrong)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="no CUDA device"):
            place("auto", "cuda", ())


def test_same_folder_is_loaded_once_and_agrees_with_itself(checkpoint):
    pair = load_pair(str(checkpoint("llama")), str(checkpoint("llama")))
    assert torch.equal(logits(pair.base), logits(pair.aligned))


def test_base_and_aligned_stop_alike(checkpoint, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(checkpoint("llama"), base)
    (base / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 7]}))
    pair = load_pair(str(base), str(checkpoint("llama", seed=1)))
    assert pair.base.stop_ids == pair.aligned.stop_ids == {0, 2, 7}


def test_neither_or_both(checkpoint):
    folder = str(checkpoint("llama"))
    with pytest.raises(ConfigError, match="neither"):
        load_pair(folder)
    with pytest.raises(ConfigError, match="both"):
        load_pair(folder, folder, adapter=folder)
    with pytest.raises(ConfigError, match="whole model"):
        load_pair(folder, adapter=folder)


def test_missing_tensor_is_never_filled_with_noise(copy):
    edit_weights(copy, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(WeightsError, match=r"1 tensor.*missing.*layers.1.mlp.up_proj.*random"):
        load_pair(str(copy), str(copy))


def test_tied_head_is_not_missing(checkpoint):
    folder = checkpoint("qwen2")
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    load_pair(str(folder), str(folder))


def test_wrong_shape_is_refused(copy):
    def shrink(tensors):
        tensors["model.norm.weight"] = tensors["model.norm.weight"][:8].clone()

    edit_weights(copy, shrink)
    with pytest.raises(ModelError, match="copy"):
        load_pair(str(copy), str(copy))


def test_unused_tensor_is_noted(copy):
    edit_weights(copy, lambda tensors: tensors.update({"v_head.weight": torch.zeros(3)}))
    assert "v_head.weight" in load_pair(str(copy), str(copy)).provenance["notes"]


def test_cut_off_file_is_refused(copy):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(WeightsError):
        load_pair(str(copy), str(copy))


def test_nan_weights_are_noticed_at_once(copy):
    edit_weights(copy, lambda tensors: tensors["model.layers.0.mlp.up_proj.weight"].fill_(torch.nan))
    with pytest.raises(NonFiniteLogits, match="NaN"):
        load_pair(str(copy), str(copy))


def test_nan_in_one_embedding_is_noticed_when_it_is_read(copy):
    edit_weights(copy, lambda tensors: tensors["model.embed_tokens.weight"][17].fill_(torch.nan))
    model = load_pair(str(copy), str(copy)).aligned
    model.read([[5, 6]], positions=[[1]])
    with pytest.raises(NonFiniteLogits, match="1 of 2 positions"):
        model.read([[5, 17], [8]], positions=[[1], [0]])


def test_other_tokenizer_is_refused(checkpoint, tmp_path):
    other = train_tokenizer(OTHER_TEXTS)
    folder = save(make_model("llama", seed=0), other, tmp_path / "other")
    with pytest.raises(IncompatiblePair, match="share a tokenizer"):
        load_pair(str(checkpoint("llama")), str(folder))


def test_chat_tokens_the_base_lacks(tmp_path):
    plain = train_tokenizer(specials=("<|endoftext|>",), template=None)
    chat = train_tokenizer(specials=("<|endoftext|>",))
    chat.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    base = save(make_model("llama", seed=0, vocabulary=300), plain, tmp_path / "base")
    aligned = save(make_model("llama", seed=1, vocabulary=302), chat, tmp_path / "aligned")
    with pytest.raises(IncompatiblePair, match=r"im_start.*--template-policy raw"):
        load_pair(str(base), str(aligned))
    pair = load_pair(str(base), str(aligned), template_policy="raw")
    assert (pair.vocabulary.size, pair.vocabulary.policy) == (300, "by_string")


def test_missing_template_is_noted_and_raised_when_rendering(checkpoint, tmp_path):
    folder = save(make_model("llama", seed=1), train_tokenizer(template=None), tmp_path / "plain")
    pair = load_pair(str(checkpoint("llama")), str(folder))
    assert "no chat template" in pair.provenance["notes"]
    prompt = Prompt(id="p", messages=(Message(role="user", content="Hello"),))
    with pytest.raises(TemplateError, match="no chat template"):
        render(prompt, tokenizer=pair.aligned.tokenizer)


def test_missing_tokenizer(copy):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    with pytest.raises(ModelError, match="tokenizer cannot be loaded"):
        load_pair(str(copy), str(copy))


def test_digests_can_be_left_out(checkpoint):
    folder = str(checkpoint("llama"))
    pair = load_pair(folder, folder, options=LoadOptions(digests=False))
    assert pair.provenance["base_weights_sha256"] == ""


def test_loading_restores_the_settings_of_transformers(checkpoint):
    from transformers.utils import logging

    before = (logging.get_verbosity(), logging.is_progress_bar_enabled(), torch.get_default_dtype())
    load_pair(str(checkpoint("llama")), str(checkpoint("llama")))
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled(), torch.get_default_dtype()) == before
