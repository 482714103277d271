"""Loops out of recordings: paired arms (F-196), the self-test, and records that do not fit."""

import numpy as np
import pytest
from scipy.special import expit

from alignthermo.errors import InputError
from alignthermo.estimators import Resampling
from alignthermo.experiments.own_turns import RampRecord, name_loops, self_minus_neutral, self_test_of
from tests.experiments.simulated_dialogues import recording

ALPHAS = np.array([0.0, 0.5, 1.0])


def ramp(h, *, kept=None):
    kept = h > 0.0 if kept is None else kept
    return RampRecord(
        recording=recording(kept, h),
        alphas=ALPHAS,
        hold=1,
        protocol="edit",
        inputs=np.zeros((*h.shape, 1)),
        context_alphas=np.zeros(h.shape),
    )


def how():
    return Resampling(rng=np.random.default_rng(0), n_resamples=200)


def test_arms_are_paired_replicate_by_replicate():
    rng = np.random.default_rng(0)
    shared = np.repeat(rng.standard_normal((40, 1)), 6, axis=1)
    # the way up is 1 nat above the way down in the own arm, and equal in the neutral one
    gap = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    own, neutral = ramp(shared + gap), ramp(shared)
    found = self_minus_neutral(own, neutral, resampling=how())
    by_hand = np.mean(expit(shared[:, 0] + 1.0) - expit(shared[:, 0]))
    assert found.value == pytest.approx(by_hand)
    assert found.low > 0.0
    # planted wrong: other replicates of the neutral arm, where the pairs no longer cancel
    late = np.array([0.0, 0.0, 0.0, 3.0, 3.0, 3.0])
    crossed = self_minus_neutral(own, ramp(shared + late), resampling=how())
    assert crossed.value > found.value
    with pytest.raises(InputError, match="paired"):
        self_minus_neutral(own, ramp(shared[:10]), resampling=how())


def test_the_self_test_is_exact():
    h = np.tile([1.0, 0.5, -1.0, -1.0, 0.5, 1.0], (4, 1))
    assert self_test_of(ramp(h)).passed
    off = h.copy()
    off[2, 4] = np.nextafter(0.5, 1.0)
    tested = self_test_of(ramp(off))
    assert not tested.passed
    assert 0.0 < tested.field_gap < 1e-15
    other = h > 0.0
    other[0, 5] = False
    assert self_test_of(ramp(h, kept=other)).reply_gap == 1
    off[0, 0] = np.nan
    assert not self_test_of(ramp(off)).passed
    assert name_loops([], self_test_of(ramp(off))).label == "inconclusive"


def test_shapes_that_do_not_fit_are_refused():
    h = np.zeros((4, 6))
    with pytest.raises(InputError, match="RampRecord"):
        RampRecord(
            recording=recording(h > 0, h),
            alphas=ALPHAS,
            hold=1,
            protocol="edit",
            inputs=np.zeros((4, 5, 1)),
            context_alphas=h[:, :5],
        )
