"""A small deterministic experiment that runs through a folder, to be interrupted by the tests."""

import math
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from alignthermo.quantities import Estimate, Record
from alignthermo.runs import TOKEN_SCHEMA, RunConfig, RunFolder

ROWS = 40
CONFIG = RunConfig(experiment="synthetic", given={}, resolved={"seed": 7}, weights={"base": "sha256:0"})


def shard_ids(count):
    return tuple(f"on_policy-{index:04d}" for index in range(count))


def tokens_of(shard_id):
    rng = np.random.default_rng(int(shard_id[-4:]))
    columns = {}
    for field in TOKEN_SCHEMA:
        if pa.types.is_string(field.type):
            columns[field.name] = pa.array([f"{shard_id}:{row}" for row in range(ROWS)])
        elif pa.types.is_floating(field.type):
            columns[field.name] = pa.array(rng.normal(size=ROWS))
        else:
            columns[field.name] = pa.array(rng.integers(0, 2, size=ROWS)).cast(field.type)
    return pa.table(columns, schema=TOKEN_SCHEMA)


def records_of(shard_id):
    rng = np.random.default_rng(int(shard_id[-4:]) + 1)
    return [
        Record(
            experiment="synthetic",
            unit_id=f"{shard_id}:{index}",
            slice={"category": "x"},
            quantity="f_align",
            estimate=Estimate(
                value=float(rng.normal()), high=math.inf, n=1, unit="nat", method="drawn", caveats=("toy",)
            ),
        )
        for index in range(3)
    ]


def run(path, *, count, seconds=0.0):
    """Do what is pending, as an experiment would; return the folder."""
    folder = RunFolder.open(path, config=CONFIG)
    for shard_id in folder.pending(shard_ids(count)):
        with folder.lease(shard_id) as ours:
            if ours:
                time.sleep(seconds)
                folder.commit(shard_id, records=records_of(shard_id), tokens=tokens_of(shard_id))
    if not folder.pending(shard_ids(count)):
        folder.write_summary(estimates=folder.read_records())
        folder.write_report("<!doctype html><p>done")
    return folder


def tables(folder):
    """All rows, in the order the folder gives them."""
    return folder.read_tokens(), [(r.unit_id, r.estimate.value) for r in folder.read_records()]


def expected(count):
    """What an uninterrupted run must hold, made without a folder."""
    ids = shard_ids(count)
    tokens = pa.concat_tables([tokens_of(one) for one in ids])
    return tokens, [(r.unit_id, r.estimate.value) for one in ids for r in records_of(one)]


def assert_complete(folder, *, count):
    tokens, records = tables(folder)
    wanted_tokens, wanted_records = expected(count)
    assert tokens.equals(wanted_tokens)
    assert records == wanted_records
    left_over = [p.name for p in Path(folder.path).rglob("*.tmp")]
    assert left_over == []
