"""A base of another vocabulary is refused before anything is composed, run or written."""

import pytest

from alignthermo.api import plan_transition, run_transition
from alignthermo.errors import IncompatiblePair
from alignthermo.experiments import TransitionConfig
from tests.models.tiny_models import OTHER_TEXTS, make_model, save, train_tokenizer


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    place = tmp_path_factory.mktemp("pair")
    other = train_tokenizer(OTHER_TEXTS)
    aligned = save(make_model("llama", seed=0), train_tokenizer(), place / "aligned")
    return {"aligned": str(aligned), "base": str(save(make_model("llama", seed=1), other, place / "base"))}


@pytest.mark.parametrize("ask", [plan_transition, run_transition])
def test_it_is_refused_and_leaves_no_folder(pair, tmp_path, ask):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "open the box", "compliant": ["no"], "defiant": ["yes"]}\n')
    config = TransitionConfig(**pair, prompts=str(prompts), out=str(tmp_path / "run"), families=("override",))
    with pytest.raises(IncompatiblePair, match="share a tokenizer"):
        ask(config)
    assert not (tmp_path / "run").exists()
