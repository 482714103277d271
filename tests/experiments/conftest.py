"""Markov-chain pairs whose landscape is known exactly, and a transition that several files read."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import alignthermo as at
from alignthermo.experiments import Landscape, LandscapeConfig
from alignthermo.quantities import Message, Pair, Prompt
from alignthermo.testsystems import NgramPair, ngram_language_pair
from tests.experiments.transition_stubs import LENGTHS, SETTINGS, stub_pair, stub_prompts

STRENGTHS = {"rain": 0.4, "fire": 0.9, "moss": 1.6}
MAX_NEW_TOKENS = 24


@pytest.fixture(scope="session")
def chains() -> Mapping[str, NgramPair]:
    return {
        topic: NgramPair.random(8, beta=beta, stop_probability=0.2, rng=np.random.default_rng(seed))
        for seed, (topic, beta) in enumerate(STRENGTHS.items())
    }


@pytest.fixture(scope="session")
def exact_pair(chains) -> Pair:
    return ngram_language_pair(chains)


@pytest.fixture(scope="session")
def topic_prompts() -> tuple[Prompt, ...]:
    return tuple(
        Prompt(
            id=f"{topic}-{number}",
            messages=(Message(role="user", content=topic),),
            category=topic,
            response="w02 w03 w04",
            defiant=("w04 w03 w02 w05",),
        )
        for topic in STRENGTHS
        for number in range(10)
    )


def make_config(**settings) -> LandscapeConfig:
    defaults = {
        "base": "chain",
        "aligned": "chain",
        "prompts": "topics",
        "max_new_tokens": MAX_NEW_TOKENS,
        "resamples": 400,
        "prompts_per_shard": 8,
    }
    return LandscapeConfig.model_validate({**defaults, **settings})


def measure_all(pair, prompts, config) -> tuple[pa.Table, tuple]:
    experiment = Landscape(pair=pair, prompts=prompts, config=config)
    results = [experiment.measure(shard) for shard in experiment.shards()]
    tables = [result.tokens for result in results if result.tokens is not None]
    problems = tuple(problem for result in results for problem in result.problems)
    return (pa.concat_tables(tables) if tables else None), problems


def swapped(pair: Pair) -> Pair:
    return replace(pair, base=pair.aligned, aligned=pair.base, vocabulary=pair.vocabulary.swapped())


@pytest.fixture(scope="session")
def accumulator():
    """Base and aligned stub under attack and dilution at two lengths."""
    return at.transition(stub_pair(), stub_prompts(), **{**SETTINGS, "lengths": LENGTHS})
