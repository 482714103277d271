"""Intervals of probabilities end where probabilities do."""

import math

import numpy as np
import pyarrow as pa

from alignthermo.errors import InsufficientData
from alignthermo.estimators import cluster_mean
from alignthermo.experiments import TransitionConfig
from alignthermo.experiments.possible_range import DIFFERENCE, SHARE, within
from alignthermo.experiments.transition_curves import CurveMaker, known_or_reason, mean_record
from alignthermo.experiments.transition_sweeps import Cut
from alignthermo.quantities import Estimate

SKEWED = np.array([0.999, 0.999, 0.998, 0.999, 0.997, 0.999, 0.999, 0.05])


def test_the_mean_of_few_skewed_probabilities_promises_none_above_one():
    config = TransitionConfig(aligned="stub", prompts="stub", resamples=400)
    maker = CurveMaker(
        config=config, cut=Cut(rows=pa.table({"prompt_id": ["p0"]}), where={"category": "all"})
    )
    plain = cluster_mean(SKEWED, rng=np.random.default_rng(0), n_resamples=400, unit="1")
    assert plain.high > 1.0  # else this tests nothing
    found = mean_record(maker, "p_kept", SKEWED).estimate
    assert found.value == SKEWED.mean()
    assert (found.low < found.value, found.high) == (True, 1.0)
    fall = mean_record(maker, "drop_attack", 1.0 - SKEWED, DIFFERENCE).estimate
    assert (0.0 < fall.low < fall.value, fall.high) == (True, 1.0)


def test_an_interval_that_is_unknown_or_possible_stays():
    blank = within(Estimate(value=0.5, n=3, unit="1", method="m"), SHARE)
    assert math.isnan(blank.low)
    assert math.isnan(blank.high)
    inner = Estimate(value=0.5, low=0.4, high=0.6, n=30, unit="1", method="m")
    assert within(inner, SHARE) == inner


def test_a_reason_is_for_readers_and_does_not_name_the_estimator():
    def fails():
        raise InsufficientData("compare_laws: 3 prompts, it needs 8")

    assert known_or_reason(fails) == (None, "3 prompts, it needs 8")
