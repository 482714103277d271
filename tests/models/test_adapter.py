"""A PEFT adapter: one set of weights, switched off for the base."""

import json
import shutil

import pytest
import torch

from alignthermo.errors import ConfigError, ModelError, WeightsError
from alignthermo.models import diagnose, load_pair
from alignthermo.models.heads import readout_logits
from alignthermo.models.side_by_side import each_has_a_core
from tests.models.tiny_models import hugging_face

peft = pytest.importorskip("peft", reason="the peft extra is not installed")

# peft asks transformers for an attribute under its old name; the package silences it where it calls peft.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")

IDS, POSITIONS = [[5, 6, 7, 8], [9, 10]], [[1, 3], [1]]


def logits(model):
    return readout_logits(model.read(IDS, positions=POSITIONS))


def write_adapter(folder, base, **settings):
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_pretrained(base)
        config = peft.LoraConfig(
            **{"r": 4, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM", **settings}
        )
        wrapped = peft.get_peft_model(model, config)
        with torch.no_grad():
            for name, parameter in wrapped.named_parameters():
                if "lora_" in name:
                    parameter.normal_(std=0.3)
        wrapped.save_pretrained(folder, save_embedding_layers=False)
    return folder


@pytest.fixture(scope="module")
def base(checkpoint):
    return checkpoint("llama")


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory):
    return write_adapter(tmp_path_factory.mktemp("adapter"), base)


def test_base_is_the_plain_base_bit_for_bit_and_aligned_is_the_merged_model(base, adapter, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    pair = load_pair(str(base), adapter=str(adapter))
    assert torch.equal(logits(pair.base), logits(hugging_face(base)))
    assert not torch.allclose(logits(pair.aligned), logits(pair.base), atol=1e-2)
    assert torch.equal(logits(pair.base), logits(hugging_face(base)))  # after the adapter was on
    plain = AutoModelForCausalLM.from_pretrained(base)
    merged = peft.PeftModel.from_pretrained(plain, str(adapter)).merge_and_unload()
    merged.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path)
    torch.testing.assert_close(logits(pair.aligned), logits(hugging_face(tmp_path)), rtol=1e-4, atol=1e-4)
    assert pair.provenance["aligned_kind"] == "adapter"
    assert pair.provenance["aligned_weights_sha256"].startswith("adapter_model.safetensors:")
    assert "hidden states and head" in pair.provenance["aligned_head"]


def test_an_adapter_folder_given_as_the_aligned_model(base, adapter):
    pair = load_pair(str(base), str(adapter))
    expected = load_pair(str(base), adapter=str(adapter))
    assert torch.equal(logits(pair.aligned), logits(expected.aligned))


def test_its_sides_are_never_read_at_once(base, adapter):
    """One switch serves both."""
    pair = load_pair(str(base), adapter=str(adapter))
    assert pair.aligned.shares_weights_with(pair.base)
    assert not each_has_a_core({"aligned": pair.aligned, "base": pair.base})


def test_prefixes_are_kept_apart(base, adapter):
    pair = load_pair(str(base), adapter=str(adapter))
    for model in (pair.base, pair.aligned):
        prefix = model.extend(IDS[0][:2])
        after = readout_logits(model.read([IDS[0][2:]], positions=[[1]], prefix=prefix))
        torch.testing.assert_close(after[0], logits(model)[1], rtol=1e-4, atol=1e-4)


def test_adapted_output_layer_is_read_through_logits(base, tmp_path):
    folder = write_adapter(tmp_path / "head", base, target_modules=["q_proj", "lm_head"])
    pair = load_pair(str(base), adapter=str(folder))
    assert "logits in chunks" in pair.provenance["aligned_head"]
    torch.testing.assert_close(logits(pair.base), logits(hugging_face(base)), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(logits(pair.aligned), logits(pair.base), atol=1e-2)


def test_adapter_as_the_base_is_refused(base, adapter):
    with pytest.raises(ConfigError, match="probably exchanged"):
        load_pair(str(adapter), str(base))
    diagnosis = diagnose(str(adapter), str(base))
    assert not diagnosis.comparable
    assert "probably exchanged" in diagnosis.verdict


def test_doctor_accepts_an_adapter_and_compares_what_it_was_made_for(base, adapter, tmp_path):
    diagnosis = diagnose(str(base), adapter=str(adapter))
    assert diagnosis.comparable, str(diagnosis)
    assert any(f.check == "adapter" and f.level == "ok" for f in diagnosis.findings)
    other = tmp_path / "elsewhere"
    shutil.copytree(adapter, other)
    config = json.loads((other / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "someone/else"
    (other / "adapter_config.json").write_text(json.dumps(config))
    found = diagnose(str(base), adapter=str(other))
    assert any(
        f.check == "adapter" and f.level == "warn" and "someone/else" in f.message for f in found.findings
    )


def test_adapter_of_another_shape_or_kind(checkpoint, adapter, tmp_path):
    other = tmp_path / "kind"
    shutil.copytree(adapter, other)
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps(config | {"peft_type": "PREFIX_TUNING"}))
    with pytest.raises(ModelError, match="PREFIX_TUNING"):
        load_pair(str(checkpoint("llama")), adapter=str(other))
    with pytest.raises(WeightsError, match="does not fit the base"):
        load_pair(str(checkpoint("gpt2")), adapter=str(adapter))


def test_pickled_adapter_is_refused(base, adapter, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(adapter, folder)
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(WeightsError, match="pickled"):
        load_pair(str(base), adapter=str(folder))
