"""The hysteresis experiment on stubs, against the exact loops of the test systems."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from alignthermo.errors import ConfigError
from alignthermo.estimators import Resampling
from alignthermo.experiments.own_turns import (
    SpeakSettings,
    measure_arm,
    measure_loops,
    ramp_record,
    self_test,
)
from alignthermo.testsystems.conversational import (
    AppendRamp,
    ConversationalModel,
    DecayingMemory,
    EditRamp,
    MeanField,
    exact_ramp,
)
from tests.experiments.own_turns.stubs import TURN_TOKENS, append_plan, edit_plan, grid

pytestmark = pytest.mark.slow

MAGNET = MeanField(coupling=1.8, alpha_c=0.5, slope=1.0, tokens_per_spin=4, window=6)
PERSONA = DecayingMemory(field=0.0, kernel=(0.8, 0.6, 0.4), own_kernel=(0.6, 0.4, 0.2))
ALPHAS = grid(5)
FAST = SpeakSettings(replies="candidates")


def how(seed=0):
    return Resampling(rng=np.random.default_rng(seed), n_resamples=100)


def agrees(estimate, truth):
    return abs(estimate.value - truth) < 4.0 * estimate.stderr


@pytest.mark.parametrize("law", [MAGNET, PERSONA], ids=["magnet", "persona"])
@pytest.mark.parametrize("protocol", ["edit", "append"])
def test_loop_areas_are_the_exact_ones(law, protocol):
    if protocol == "edit":
        plan = edit_plan(ALPHAS, hold=2, n_turns=6)
        ramp = EditRamp(alphas=ALPHAS, hold=2, n_turns=6, turn_tokens=TURN_TOKENS)
    else:
        plan, ramp = append_plan(ALPHAS, hold=2), AppendRamp(alphas=ALPHAS, hold=2, turn_tokens=TURN_TOKENS)
    truth = exact_ramp(law, ramp)
    arm = measure_arm(ConversationalModel(law=law), plan, replicates=20, settings=FAST, resampling=how())
    assert agrees(arm.hysteresis.area, truth.loop_area())
    assert agrees(arm.expected_area, truth.loop_area())
    gap = truth.log_odds[0, :, -1] - truth.log_odds[1, :, -1]
    assert agrees(arm.field_area, float(np.trapezoid(gap, ALPHAS)))
    assert arm.left_out == 0
    assert arm.candidate_mass == pytest.approx(1.0)
    # planted wrong: the ways taken for each other
    assert not agrees(arm.expected_area, -truth.loop_area())


def test_without_own_replies_everything_is_equal_to_the_last_bit():
    for law in (MAGNET, PERSONA):
        for settings in (FAST, SpeakSettings(replies="sampled", max_new_tokens=5)):
            result = self_test(
                ConversationalModel(law=law),
                edit_plan(ALPHAS, hold=2, n_turns=6),
                replicates=3,
                settings=settings,
            )
            assert result.passed
            assert (result.field_gap, result.reply_gap) == (0.0, 0)


@dataclass(frozen=True, kw_only=True)
class Tired:
    """A law whose field changes with every call: an apparatus that carries state from turn to turn."""

    calls: list[int]
    order_memory: int = 0
    own_memory: int = 0

    def log_odds(self, contexts):
        self.calls.append(1)
        return np.full(contexts.n_rows, 1e-12 * len(self.calls))

    def tilted(self, shift):
        return self


def test_the_self_test_sees_a_faulty_apparatus():
    model = ConversationalModel(law=Tired(calls=[]))
    assert self_test(model, edit_plan(ALPHAS), replicates=2, settings=FAST).field_gap > 0.0
    result = measure_loops(
        model, edit_plan(ALPHAS), replicates=8, settings=FAST, resampling=how(), holds=(1, 2)
    )
    assert result.verdict.label == "inconclusive"
    assert "apparatus" in result.verdict.line


def test_the_neutral_arm_hears_nothing_of_itself():
    model = ConversationalModel(law=PERSONA)
    alphas = grid(3)
    result = measure_loops(
        model, edit_plan(alphas, n_turns=3), replicates=12, settings=FAST, resampling=how(), holds=(1, 2)
    )
    assert result.self_test.passed
    for arm in result.neutral:
        # the material is all that is left, and it is the same on both ways
        assert arm.field_area.value == 0.0
        assert arm.expected_area.value == 0.0
    for own, pair in zip(result.own, result.self_minus_neutral, strict=True):
        assert pair.value == pytest.approx(own.expected_area.value)
    assert "Σw" in result.verdict.line
    assert [arm.hysteresis.hold for arm in result.own] == [1, 2]


def test_the_append_only_loop_of_neutral_replies_is_that_of_the_inputs():
    plan = append_plan(ALPHAS, arm="neutral")
    ramp = AppendRamp(alphas=ALPHAS, hold=1, turn_tokens=TURN_TOKENS)
    deaf = replace(PERSONA, own_kernel=())
    arm = measure_arm(ConversationalModel(law=PERSONA), plan, replicates=8, settings=FAST, resampling=how())
    # without own replies h follows from the material alone, so the expected area has no noise at all
    assert arm.expected_area.value == pytest.approx(exact_ramp(deaf, ramp).loop_area(), abs=1e-12)
    assert arm.expected_area.value > 0.02
    np.testing.assert_allclose(arm.context_alpha[0, -1], np.mean(plan.labels[:5] < 0))


def test_inputs_of_the_null_hold_material_and_requests():
    plan = replace(append_plan(ALPHAS), requests=append_plan(ALPHAS).requests * 3)
    model = ConversationalModel(law=PERSONA)
    arm = measure_arm(model, plan, replicates=8, settings=FAST, resampling=how())
    ramp = ramp_record(plan, arm.recording).held(np.arange(8) != 3)
    assert ramp.run.inputs.shape == (7, 10, 9 + 2)
    np.testing.assert_array_equal(ramp.run.inputs[0, :, 0], plan.labels)
    np.testing.assert_array_equal(ramp.run.inputs[0, 3:, 3], plan.labels[:-3])
    older = np.cumsum(plan.labels)[: 10 - 8] / np.sqrt(10)
    np.testing.assert_allclose(ramp.run.inputs[0, 8:, 8], older)
    assert (ramp.run.inputs[:, :, 9:].sum(axis=2) <= 1.0).all()


def test_plans_of_another_arm_are_refused():
    model = ConversationalModel(law=PERSONA)
    for plan, n in ((edit_plan(ALPHAS, arm="neutral"), 8), (edit_plan(ALPHAS), 7)):
        with pytest.raises(ConfigError, match="measure_loops"):
            measure_loops(model, plan, replicates=n, settings=FAST, resampling=how())
