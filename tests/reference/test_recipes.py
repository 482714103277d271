"""Every recipe trains through the one seam, resumes to the bit, and refuses foreign checkpoints."""

import copy
import functools
from dataclasses import replace

import pytest
import torch

from alignthermo.errors import RunConflict
from alignthermo.reference.architecture import SMOKE_SHAPE, new_model
from alignthermo.reference.members import (
    MEMBERS,
    SMOKE,
    DeepAlignment,
    GibbsAlignment,
    PolicyGradientAlignment,
    Pretraining,
    SupervisedAlignment,
    with_parents,
)
from alignthermo.reference.recipes import train_aligned
from tests.reference.alignment_bench import run_in

RECIPES = {
    "gibbs": (GibbsAlignment(parent="base", beta=0.25), SMOKE.fit.steps.count),
    "supervised": (SupervisedAlignment(parent="base"), SMOKE.supervised.steps.count),
    "deep": (DeepAlignment(parent="base", beta=0.25), SMOKE.deep.fit.steps.count),
    "rl": (PolicyGradientAlignment(parent="base", beta=0.25), SMOKE.policy_gradient.steps.count),
}


@pytest.fixture(scope="module")
def base(encoder):
    return new_model(SMOKE_SHAPE, encoder, seed=0)


@pytest.fixture(scope="module")
def start(base):
    """Not quite the base: nothing it says is rewarded, but it has a divergence to pay for."""
    model = copy.deepcopy(base)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "self_attn" in name:
                parameter *= 3.0
    return model


class Killed(Exception):
    pass


def killed_at(step):
    def progress(stage, done, total, detail):
        if stage == "align" and done == step:
            raise Killed

    return progress


@pytest.fixture(scope="module")
def train(world, encoder, base, start):
    def run(recipe, run):
        model = copy.deepcopy(start)
        history = train_aligned(
            recipe, model=model, base=base, encoder=encoder, world=world, scale=SMOKE, seed=0, run=run
        )
        return model, history

    return run


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    """Train a recipe to its end, once for all tests: its folder, model and history."""

    @functools.cache
    def whole(name):
        folder = tmp_path_factory.mktemp(name)
        return folder, *train(RECIPES[name][0], run_in(folder))

    return whole


@pytest.mark.parametrize("name", RECIPES)
def test_an_interrupted_run_ends_with_the_same_weights(train, trained, start, tmp_path, name):
    recipe, steps = RECIPES[name]
    _, whole, history = trained(name)
    assert len(history) == steps
    with pytest.raises(Killed):
        train(recipe, run_in(tmp_path, progress=killed_at(steps - 1)))
    assert (tmp_path / "state.pt").exists()
    resumed, again = train(recipe, run_in(tmp_path))
    assert again == history
    moved = []
    for (weight, one), other, old in zip(
        whole.named_parameters(), resumed.parameters(), start.parameters(), strict=True
    ):
        assert torch.equal(one, other)
        moved += [weight] if not torch.equal(one, old) else []
    assert moved
    assert all("self_attn" in weight for weight in moved)


@pytest.mark.parametrize("name", RECIPES)
def test_checkpoints_of_another_recipe_are_refused(train, trained, name):
    folder, *_ = trained(name)
    for other, (foreign, _) in RECIPES.items():
        if other != name:
            with pytest.raises(RunConflict, match="another recipe"):
                train(foreign, run_in(folder))


@pytest.mark.parametrize("name", ["deep", "rl"])
def test_a_checkpoint_of_another_beta_is_refused(train, trained, name):
    folder, *_ = trained(name)
    with pytest.raises(RunConflict, match="another recipe"):
        train(replace(RECIPES[name][0], beta=0.5), run_in(folder))


def test_every_member_says_its_parent_and_its_beta():
    names = [member.name for member in MEMBERS]
    for member in MEMBERS:
        recipe = member.recipe
        if isinstance(recipe, Pretraining):
            assert (recipe.parent, recipe.beta) == (None, None)
        else:
            assert names.index(recipe.parent) < names.index(member.name)
            assert (recipe.beta is None) == isinstance(recipe, SupervisedAlignment)


@pytest.mark.parametrize("name", ["aligned-sft", "aligned-deep", "aligned-rl"])
def test_parents_come_along(name):
    assert [member.name for member in with_parents([name])] == ["base", name]
