"""Words for loops (F-176): on simulated systems, and at the edges of their definition."""

import re

import numpy as np
import pytest

from alignthermo.errors import InputError
from alignthermo.estimators import Resampling
from alignthermo.estimators.critical import loop_verdict
from alignthermo.estimators.laws import HeldRamp, Hysteresis, ReplyRun, hysteresis
from alignthermo.quantities import Estimate
from alignthermo.testsystems.conversational import (
    ConstantResponse,
    DecayingMemory,
    EditRamp,
    EvidenceAccumulator,
    MeanField,
    simulate_ramps,
)

GRID = np.linspace(0.0, 1.0, 9)
ORDERED = MeanField(coupling=1.8, alpha_c=0.5, slope=1.0, tokens_per_spin=8, window=12)
ADDITIVE = EvidenceAccumulator(
    field=0.0, per_instruction_token=0.01, per_adversarial_token=0.01, own_kernel=(0.15,) * 10
)
PERSONA = DecayingMemory(field=0.0, kernel=(0.8, 0.6), own_kernel=(0.6, 0.4, 0.3))


def simulated(law, hold, rng, *, shuffle=False, replicates=80):
    protocol = EditRamp(alphas=tuple(GRID.tolist()), hold=hold, n_turns=48, turn_tokens=8)
    kept = simulate_ramps(law, protocol, replicates=replicates, rng=rng).kept.astype(float)
    kept = np.concatenate([kept[:, 0], kept[:, 1, ::-1]], axis=1).reshape(replicates, -1)
    if shuffle:
        kept = rng.permuted(kept, axis=1)
    field = 1.0 - 2.0 * np.repeat(np.concatenate([GRID, GRID[::-1]]), hold)
    inputs = np.tile(field[None, :, None], (replicates, 1, 1))
    ramp = HeldRamp(run=ReplyRun(kept=kept, inputs=inputs), alphas=GRID, hold=hold, protocol="edit")
    return hysteresis(ramp, resampling=Resampling(rng=np.random.default_rng(hold), n_resamples=100))


def test_a_magnet_has_hysteresis_and_additive_memories_do_not():
    rng = np.random.default_rng(0)
    found = loop_verdict(tuple(simulated(ORDERED, hold, rng) for hold in (1, 4, 16)))
    assert found.label == "hysteresis"
    assert "survives holding" in found.line
    for law in (ADDITIVE, PERSONA):
        loops = tuple(simulated(law, hold, rng) for hold in (1, 4, 16))
        assert loops[0].area.low > 0.05, "a loop alone is no hysteresis"
        assert abs(loops[0].excess.value) < 3.5 * loops[0].excess.stderr
        assert loop_verdict(loops).label == "memory"


def test_shuffled_replies_and_a_deaf_responder_have_no_loop():
    rng = np.random.default_rng(1)
    for law, shuffle in ((ORDERED, True), (ConstantResponse(field=0.0), False)):
        loops = tuple(simulated(law, hold, rng, shuffle=shuffle, replicates=400) for hold in (1, 4))
        assert loop_verdict(loops, resolution=0.08).label == "none"


def test_a_ramp_that_never_crosses_one_half_says_nothing_of_loops():
    rng = np.random.default_rng(2)
    loops = tuple(simulated(ConstantResponse(field=2.5), hold, rng, replicates=400) for hold in (1, 4))
    found = loop_verdict(loops, resolution=0.08)
    assert found.label == "inconclusive"
    assert re.search(r"never crossed 1/2, P\(kept\) was 0\.[89]\d to 0\.9\d", found.line)
    crossed = (loop(1, 0.0, 0.0, error=0.01), loop(4, 0.0, 0.0, error=0.01, kept=(0.6, 0.9)))
    assert loop_verdict(crossed).label == "none", "one hold that crossed is enough"


def estimate(value, error):
    return Estimate(
        value=value, stderr=error, low=value - 2 * error, high=value + 2 * error, n=50, unit="α", method="m"
    )


def loop(hold, area, excess, *, error=0.02, feedback=1.0, protocol="edit", kept=(0.1, 0.9)):
    return Hysteresis(
        hold=hold,
        protocol=protocol,
        area=estimate(area, error),
        null=area - excess,
        excess=estimate(excess, error),
        feedback=feedback,
        lowest=kept[0],
        highest=kept[1],
    )


@pytest.mark.parametrize(
    ("loops", "label"),
    [
        ((loop(1, 0.4, 0.2), loop(16, 0.3, 0.2)), "hysteresis"),
        ((loop(1, 0.4, 0.2), loop(16, 0.05, 0.0)), "memory"),
        ((loop(1, 0.4, 0.0), loop(16, 0.4, 0.0)), "memory"),
        ((loop(1, 0.01, 0.0, error=0.01), loop(16, 0.0, 0.0, error=0.01)), "none"),
        ((loop(1, 0.01, 0.0, error=0.1), loop(16, 0.0, 0.0, error=0.1)), "inconclusive"),
        ((loop(1, 0.4, 0.2), loop(16, 0.3, 0.19, error=0.1)), "inconclusive"),
        ((loop(16, 0.4, 0.4),), "inconclusive"),
    ],
)
def test_each_word_where_it_is_due(loops, label):
    found = loop_verdict(loops)
    assert found.label == label
    assert found.line.startswith("edit: ")
    assert loop_verdict(loops[::-1]).label == label, "the order of the holds does not matter"


def test_a_bistable_null_is_said():
    assert "null bistable" in loop_verdict((loop(1, 0.4, 0.0, feedback=2.4), loop(4, 0.4, 0.0))).line
    assert "bistable" not in loop_verdict((loop(1, 0.4, 0.0), loop(4, 0.4, 0.0))).line


def test_protocols_are_not_mixed():
    with pytest.raises(InputError, match="one protocol"):
        loop_verdict((loop(1, 0.4, 0.2), loop(4, 0.4, 0.2, protocol="append")))
    with pytest.raises(InputError, match="0 loops"):
        loop_verdict(())
