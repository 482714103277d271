import math
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignthermo.quantities import Estimate, Record
from alignthermo.runs.schema import (
    RECORD_SCHEMA,
    TOKEN_SCHEMA,
    check_tokens,
    parquet_bytes,
    records_from_table,
    records_to_table,
    storable,
)

TEXT = st.text(max_size=20)  # hypothesis leaves surrogates out unless asked; NUL and all planes are in
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
MAPS = st.dictionaries(TEXT, TEXT, max_size=3)


# Plain values, made into records by the test itself: the run-time type checker looks at random items of a
# tuple, which hypothesis does not allow while it draws.
ESTIMATES = st.fixed_dictionaries(
    {
        **dict.fromkeys(("value", "stderr", "low", "high", "level", "n_eff"), FLOATS),
        **dict.fromkeys(("unit", "method", "reason"), TEXT),
        "n": st.integers(-(2**63), 2**63 - 1),
        "caveats": st.lists(TEXT, max_size=3),
    }
)
RECORDS = st.fixed_dictionaries(
    {
        **dict.fromkeys(("experiment", "unit_id", "quantity"), TEXT),
        **dict.fromkeys(("slice", "policies"), MAPS),
        "estimate": ESTIMATES,
    }
)


def made(values):
    estimate = {**values["estimate"], "caveats": tuple(values["estimate"]["caveats"])}
    return Record(**{**values, "estimate": Estimate(**estimate)})


def bits(record):
    """Everything in a record, floats as their eight bytes so that NaN equals itself."""
    estimate = record.estimate
    numbers = [estimate.value, estimate.stderr, estimate.low, estimate.high, estimate.level, estimate.n_eff]
    rest = (estimate.n, estimate.unit, estimate.method, estimate.caveats, estimate.reason)
    own = (record.experiment, record.unit_id, dict(record.slice), record.quantity, dict(record.policies))
    return ([struct.pack("<d", number) for number in numbers], rest, own)


def through_parquet(rows):
    content = parquet_bytes(records_to_table(rows))
    return records_from_table(pq.read_table(pa.BufferReader(content)))


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=4))
def test_records_survive_parquet_bit_for_bit(drawn):
    rows = [made(values) for values in drawn]
    assert [bits(record) for record in through_parquet(rows)] == [bits(record) for record in rows]


def nan_with_payload(payload):
    return struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0000 | payload))[0]


def test_nan_payloads_and_signed_zeros_are_not_merged():
    values = [nan_with_payload(7), math.nan, nan_with_payload(9), 0.0, -0.0, math.inf, -math.inf, 5e-324]
    estimates = [Estimate(value=v, n=1, unit="nat", method="m", reason="r") for v in values]
    rows = [
        Record(experiment="e", unit_id=str(i), slice={}, quantity="q", estimate=one)
        for i, one in enumerate(estimates)
    ]
    back = [record.estimate.value for record in through_parquet(rows)]
    assert [struct.pack("<d", v) for v in back] == [struct.pack("<d", v) for v in values]


def test_the_bit_comparison_has_teeth():
    one = Record(
        experiment="e",
        unit_id="u",
        slice={},
        quantity="q",
        estimate=Estimate(value=0.0, n=1, unit="nat", method="m"),
    )
    other = Record(
        experiment="e",
        unit_id="u",
        slice={},
        quantity="q",
        estimate=Estimate(value=-0.0, n=1, unit="nat", method="m"),
    )
    assert one == other
    assert bits(one) != bits(other)


def test_lone_surrogates_are_spelled_out_and_noted():
    record = Record(
        experiment="e",
        unit_id="half\ud83d",
        slice={"category\udc00": "x"},
        quantity="q",
        estimate=Estimate(value=1.0, n=1, unit="nat", method="m"),
    )
    (back,) = through_parquet([record])
    assert back.unit_id == "half\\ud83d"
    assert dict(back.slice) == {"category\\udc00": "x"}
    assert any("lone surrogates" in caveat for caveat in back.estimate.caveats)


def test_clean_text_gets_no_caveat():
    record = Record(
        experiment="e",
        unit_id="𝄞\x00﻿",
        slice={"b": "1", "a": "2"},
        quantity="q",
        estimate=Estimate(value=math.nan, n=1, unit="nat", method="m", reason="r"),
    )
    (back,) = through_parquet([record])
    assert back.estimate.caveats == ()
    assert back.unit_id == "𝄞\x00﻿"


def test_storable_leaves_good_text_alone():
    assert storable("a\\ud800 é\x00") == "a\\ud800 é\x00"


def test_no_records_give_an_empty_table_of_the_schema():
    assert records_to_table([]).schema.equals(RECORD_SCHEMA)
    assert through_parquet([]) == ()


def token_table(**columns):
    values = {
        field.name: pa.array([1, 2], pa.int32()).cast(pa.float64()).cast(field.type)
        if not pa.types.is_string(field.type)
        else pa.array(["a", "b"])
        for field in TOKEN_SCHEMA
    }
    return pa.table({**values, **columns})


def test_token_columns_come_in_order_with_extras_last():
    table = token_table(sample=pa.array([0, 1]))
    shuffled = table.select(sorted(table.column_names))
    checked = check_tokens(shuffled)
    assert checked.column_names == [*TOKEN_SCHEMA.names, "sample"]
    assert checked.schema.field("position").type == pa.int64()


def test_token_columns_are_widened_but_never_narrowed():
    narrow = token_table().set_column(4, "position", pa.array([0, 1], pa.int32()))
    assert check_tokens(narrow).schema.field("position").type == pa.int64()
    lossy = token_table().set_column(4, "position", pa.array([0.5, 1.0]))
    with pytest.raises(ValueError, match="truncated"):
        check_tokens(lossy)


def test_a_missing_token_column_is_named():
    with pytest.raises(ValueError, match="rank_in_base"):
        check_tokens(token_table().drop_columns(["rank_in_base"]))


def test_the_same_rows_give_the_same_bytes():
    assert parquet_bytes(token_table()) == parquet_bytes(token_table())
