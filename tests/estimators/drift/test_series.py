"""The data type of a drift measurement: ragged, unmeasured, infinite, repeated."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from alignthermo.errors import InputError, InsufficientData
from alignthermo.estimators.drift import DriftSeries, compare_drift_laws, drift_rate, median_rate
from tests.estimators.drift.simulated import LINEAR, NONE, resampling, series_of


def rows(**changes):
    base = {
        "conversation": np.array([5, 5, 5, 2, 2]),
        "turns": np.array([3.0, 1.0, 2.0, 1.0, 4.0]),
        "tokens": np.array([30.0, 9.0, 20.0, 12.0, 50.0]),
        "value": np.array([0.3, 0.1, np.nan, np.inf, 0.9]),
    }
    return DriftSeries(**base | changes)


def test_rows_are_sorted_by_conversation_and_time_and_gaps_are_said():
    panel = rows().panel("tokens")
    assert panel.conversation.tolist() == [2, 5]
    assert panel.time.tolist() == [[50.0, 50.0], [9.0, 30.0]]
    assert panel.value[panel.measured].tolist() == [0.9, 0.1, 0.3]
    assert panel.caveats == ("1 of 5 values not measured", "n_infinite=1: infinite values left out")
    assert panel.rate_unit == "nat/token"


def test_nan_is_never_zero():
    rng = np.random.default_rng(0)
    series = series_of(LINEAR, 40, rng)
    as_zero = replace(series, value=np.nan_to_num(series.value))
    slope = drift_rate(series, resampling=resampling(rng)).value
    assert slope == pytest.approx(LINEAR.rate(1.0), rel=0.25)
    known = series.of_conversations(np.arange(40))
    without = DriftSeries(
        **{
            n: getattr(known, n)[np.isfinite(known.value)]
            for n in ("conversation", "turns", "tokens", "value")
        }
    )
    assert drift_rate(without, resampling=resampling(rng)).value == pytest.approx(slope, rel=1e-12)
    assert drift_rate(as_zero, resampling=resampling(rng)).value != pytest.approx(slope, rel=1e-3)


def test_malformed_rows_are_refused():
    with pytest.raises((InputError, TypeCheckError), match=r"4 entries of value for 5 rows|row=5"):
        rows(value=np.zeros(4))
    with pytest.raises(InputError, match="tokens holds a time"):
        rows(tokens=np.array([1.0, 2.0, np.nan, 3.0, 4.0]))
    with pytest.raises(InputError, match="compliance must lie"):
        rows(compliance=np.array([0.0, 1.0, 1.2, np.nan, 0.5]))
    with pytest.raises(InputError, match="no compliance"):
        rows().panel("turns", column="compliance")
    with pytest.raises(InsufficientData, match="none of 5 rows"):
        rows(value=np.full(5, np.nan)).panel("turns")


def test_too_few_conversations_give_no_interval_and_no_law():
    rng = np.random.default_rng(0)
    few = series_of(NONE, 5, rng)
    rate = drift_rate(few, resampling=resampling(rng))
    assert np.isnan(rate.low)
    assert rate.reason == "too few conversations: 5, an interval needs 8"
    with pytest.raises(InsufficientData, match="5 conversations"):
        compare_drift_laws(few)
    with pytest.raises(InsufficientData, match="three measured times"):
        median_rate(rows())
    with pytest.raises(InputError, match="laws must hold 'none'"):
        compare_drift_laws(series_of(NONE, 20, rng), laws=("linear", "step"))
