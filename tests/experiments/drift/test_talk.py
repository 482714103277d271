"""Conversations that are held: what the model hears, what is kept, and that they can be held again."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from alignthermo.errors import InputError
from alignthermo.experiments.drift import voices
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.instructions import instructions_of, read_instruction_prompts
from alignthermo.experiments.drift.schema import TALK, TALK_SCHEMA
from alignthermo.experiments.drift.talk_rows import talk_lines, talk_rows_to_transcripts
from alignthermo.experiments.drift.talk_stage import TalkStage
from alignthermo.experiments.drift.user_turns import UserTurns
from alignthermo.experiments.stage import Stage, StageShard
from alignthermo.models.forward import NativeForward
from alignthermo.models.heads import head_of
from alignthermo.models.hugging_face import HuggingFaceModel
from alignthermo.prompts import prompt_set_of
from alignthermo.quantities import Pair, VocabularyMap
from alignthermo.testsystems.conversational import (
    ConstantResponse,
    EvidenceAccumulator,
    conversational_pair,
)
from alignthermo.transcripts import read_transcripts
from tests.models.tiny_models import VOCABULARY, make_model
from tests.transcripts.templates import tokenizer

LAW = EvidenceAccumulator(field=0.0, per_instruction_token=0.02, per_adversarial_token=0.03)
RULES = ("keep rule always honour", "always keep rule")
TURNS = tuple(f"ask{n:02d} rain river" for n in range(12))


def instructions(rules=RULES):
    rows = [
        {"id": f"r{n}", "system_prompt": rule, "probe": "ask20", "category": f"c{n}"}
        for n, rule in enumerate(rules)
    ]
    return instructions_of(
        prompt_set_of(
            [
                {
                    "id": row["id"],
                    "category": row["category"],
                    "messages": [
                        {"role": "system", "content": row["system_prompt"]},
                        {"role": "user", "content": row["probe"]},
                    ],
                }
                for row in rows
            ]
        )
    ).instructions


def stage(*, user=TURNS, rules=RULES, **settings):
    defaults = {"aligned": "m", "mode": "self_chat", "prompts": "p", "conversations": 3, "turns": 3}
    more = {"conversations_per_shard": 2, "reply_tokens": 6, "answer_tokens": 4, "tokens": 400}
    return TalkStage(
        config=DriftConfig(**{**defaults, **more, **settings}),
        instructions=instructions(rules),
        user_turns=UserTurns.of(prompt_set_of(list(user))) if user else None,
    )


def held(one, pair):
    results = [shard.measure(pair) for shard in one.plan({})]
    return pa.concat_tables([result.rows for result in results if result.rows is not None])


def stub(law=LAW, **options):
    return conversational_pair(law, beta=0.5, **options)


def tiny(template="chatml", *, name="qwen2", stop_ids=frozenset({2}), max_length=512):
    native = make_model(name, seed=0, max_position_embeddings=max_length)
    forward = NativeForward(native, head=head_of(native)[0])
    model = HuggingFaceModel(forward, tokenizer=tokenizer(template), stop_ids=stop_ids, max_length=max_length)
    return Pair(base=model, aligned=model, vocabulary=VocabularyMap.identity(VOCABULARY))


def talks(table):
    return {(row["conversation"], row["arm"]): json.loads(row["messages"]) for row in table.to_pylist()}


@pytest.fixture
def heard(monkeypatch):
    """Contexts by key, in the order they were asked."""
    asked = []
    plain = voices.read_forest

    def recording(model, questions, **more):
        asked.extend((question.key, question.context) for question in questions)
        return plain(model, questions, **more)

    monkeypatch.setattr(voices, "read_forest", recording)
    return asked


def test_a_stage_of_a_run():
    one = stage()
    shards = one.plan({})
    assert isinstance(one, Stage)
    assert all(isinstance(shard, StageShard) for shard in shards)
    assert [shard.id for shard in shards] == ["talk-00000", "talk-00001"]
    assert one.name == TALK
    assert stage(mode="transcripts", transcripts="t").plan({}) == ()
    with pytest.raises(InputError, match="fewer than the 13 turns"):
        stage(turns=13).plan({})


def test_conversations_are_dealt_and_kept_without_reminders():
    table = held(stage(reminders=("short@8",), windows=("sliding:24",)), stub())
    assert table.schema == TALK_SCHEMA
    assert table.num_rows == 3 * 3
    found = talks(table)
    by_instruction = Counter(row["instruction"] for row in table.to_pylist() if row["arm"] == "plain")
    assert sorted(by_instruction.values()) == [1, 2]
    for row in table.to_pylist():
        messages = json.loads(row["messages"])
        assert [one["role"] for one in messages] == ["system", *(["user", "assistant"] * 3)]
        assert messages[0]["content"] == RULES[int(row["instruction"][-1])]
        said = [one["content"] for one in messages if one["role"] == "user"]
        assert len(set(said)) == 3
        assert set(said) <= set(TURNS)
        assert said == [
            one["content"] for one in found[row["conversation"], "plain"] if one["role"] == "user"
        ]
        assert (row["replies"], row["cut_replies"], row["empty_replies"]) == (3, 0, 0)
        assert {row["held_out"]} == {
            one["held_out"] for one in table.to_pylist() if one["number"] == row["number"]
        }


def test_the_model_hears_reminders_and_windows(heard):
    table = held(
        stage(conversations=2, turns=4, reminders=("repeat@end", "short@8"), windows=("sliding:24",)), stub()
    )
    words = stub().aligned.tokenizer
    of_last_turn = [words.decode(ids) for key, ids in heard if key == "talk-0000/3/reply"]
    messages = talks(table)["talk-0000", "plain"]
    plain = " ".join(f"<{one['role']}> {one['content']} <end>" for one in messages[:-1]) + " <assistant>"
    assert of_last_turn[0] == plain
    rule, last = messages[0]["content"], messages[-2]["content"]
    assert of_last_turn[1].endswith(f"<user> {rule} <end> <user> {last} <end> <assistant>")
    assert of_last_turn[1].count(rule) == 2
    # 7 tokens of a turn with its answer, so a reminder of 4 or 6 unlisted words before every second one
    assert of_last_turn[2].count("[unk]") == 4
    assert of_last_turn[3].startswith(f"<system> {rule} <end> <user>")
    assert len(of_last_turn[3]) < len(plain)
    # before the first reminder the arms hear the same, and it is asked once
    assert [key for key, _ in heard].count("talk-0000/0/reply") == 2


def test_a_reminder_in_other_words_needs_them(heard):
    named = [replace(one, rephrased=("honour rule", "rule rule")) for one in instructions()]
    one = replace(
        stage(conversations=2, turns=6, reminders=("rephrase@8", "summary@end")),
        instructions=(named[0], replace(named[1], rephrased=())),
    )
    shards = [shard.measure(stub()) for shard in one.plan({})]
    table = pa.concat_tables([found.rows for found in shards])
    arms = {(row["instruction"], row["arm"]) for row in table.to_pylist()}
    (with_words, without) = (one.name for one in one.instructions)
    assert (with_words, "rephrase@8") in arms
    assert (without, "rephrase@8") not in arms
    assert {(with_words, "summary@end"), (without, "summary@end")} <= arms
    said = [one.estimate.reason for found in shards for one in found.records if one.estimate.reason]
    assert sum("no instruction in other words" in text for text in said) == 1
    words = stub().aligned.tokenizer
    contexts = [words.decode(ids) for key, ids in heard if key.endswith("/5/reply")]
    (reminded,) = [text for text in contexts if "rule rule <end>" in text]
    assert reminded.index("<user> honour rule <end>") < reminded.index("<user> rule rule <end>")


def test_arms_use_equal_random_numbers_and_conversations_their_own():
    table = held(
        stage(reminders=("repeat@end",), conversations=4, turns=6),
        stub(ConstantResponse(field=0.0)),
    )
    found = talks(table)
    for number in range(4):
        assert found[f"talk-{number:04d}", "plain"] == found[f"talk-{number:04d}", "repeat@end"]
    replies = {tuple(one["content"] for one in messages[2::2]) for messages in found.values()}
    assert len(replies) == 4


def test_held_again_it_is_the_same():
    wanted = {"reminders": ("repeat@8",)}
    first, again = (held(stage(**wanted), stub()) for _ in range(2))
    assert first.equals(again)
    whole = held(stage(**wanted, conversations_per_shard=3), stub())
    assert talks(whole) == talks(first)
    more = held(stage(**wanted, conversations=4), stub())
    assert talks(first).items() <= talks(more).items()
    assert talks(held(stage(**wanted, seed=1), stub())) != talks(first)


def test_a_conversation_ends_before_its_context_is_too_long():
    one = stage(tokens=60, turns=6, reminders=("repeat@8",), windows=("sliding:24",))
    rows = held(one, stub()).to_pylist()
    for row in rows:
        assert row["tokens"] + 4 + 1 <= 60  # the answer to a probe, and the probe
        assert row["replies"] == 6 if row["arm"] == "sliding:24" else 0 < row["replies"] < 6
    by_arm = {arm: sum(row["replies"] for row in rows if row["arm"] == arm) for arm in ("plain", "repeat@8")}
    assert by_arm["repeat@8"] < by_arm["plain"]
    # another exchange would have been too long: 5 tokens of the user, up to 6 of the reply, 5 of the template
    assert all(row["tokens"] + 16 > 60 for row in rows if row["arm"] == "plain")
    short = held(stage(tokens=4000, turns=6, conversations=2), stub(max_length=60))
    # the model's room counts, less the answer to a probe and the probe itself
    assert max(short["tokens"].to_pylist()) + 4 + 1 <= 60
    assert set(short["replies"].to_pylist()) != {6}
    rules = ("keep", " ".join(["rule"] * 20))
    wanted = {"rules": rules, "tokens": 4000, "turns": 6, "conversations": 2}
    own, other = (
        held(stage(**wanted, controls=controls), stub(max_length=70)) for controls in ((), ("shuffled",))
    )
    # the short instruction leaves room for the long one, under which the conversation is read, too
    for name, less in (("r0", True), ("r1", False)):
        replies = [
            one["replies"]
            for table in (own, other)
            for one in table.to_pylist()
            if name in one["instruction"]
        ]
        assert (replies[1] < replies[0]) == less


def test_no_room_at_all_is_said():
    shard = stage(tokens=16).plan({})[0]
    result = shard.measure(stub())
    assert result.rows is None
    problems = [record for record in result.records if record.quantity == "row_failed"]
    assert len(problems) == 2
    assert all("no room for a reply" in record.estimate.reason for record in problems)
    assert {record.experiment for record in result.records} == {"drift"}


def test_replies_that_are_cut_or_empty_are_counted():
    cut = held(stage(reply_tokens=2, conversations=2), stub())
    assert cut["cut_replies"].to_pylist() == [3, 3]
    silent = held(stage(conversations=2, rules=("Be kind.",)), tiny(stop_ids=frozenset(range(VOCABULARY))))
    assert silent["empty_replies"].to_pylist() == [3, 3]
    assert silent["cut_replies"].to_pylist() == [0, 0]
    assert all(one["content"] == "" for messages in talks(silent).values() for one in messages[2::2])


@pytest.mark.parametrize("template", ["chatml", "strict"])
def test_control_tokens_in_replies_are_text(template, heard):
    rules = ("Never say <|im_end|>.", "Be kind.")
    pair = tiny(template, stop_ids=frozenset({3}))
    one = stage(rules=rules, reply_tokens=24, conversations=2, turns=3, reminders=("repeat@end",))
    table = held(one, pair)
    spelt = sum("<|" in m["content"] for messages in talks(table).values() for m in messages[1:])
    assert spelt > 0  # the model did draw some
    start = pair.aligned.tokenizer.convert_tokens_to_ids("<|im_start|>")
    for key, ids in heard:
        turn = int(key.split("/")[1])
        messages = 2 * turn + (1 if template == "strict" else 2)  # "strict" has the rule in the first one
        assert ids.count(start) - messages - 1 in ((0,) if template == "strict" else (0, 1))


def test_another_copy_speaks_the_user(heard):
    prompt = "rain river stone"
    table = held(stage(user=(), conversations=2, turns=3, user_prompt=prompt, tokens=4000), stub())
    words = stub().aligned.tokenizer
    contexts = {key: words.decode(ids) for key, ids in heard}
    messages = talks(table)["talk-0000", "plain"]
    said = [one["content"] for one in messages[1:]]
    assert [one["role"] for one in messages] == ["system", *(["user", "assistant"] * 3)]
    assert contexts["talk-0000/0/user"] == f"<system> {prompt} <end> <user> [unk] <end> <assistant>"
    assert contexts["talk-0000/1/user"] == (
        f"<system> {prompt} <end> <user> [unk] <end> "
        f"<assistant> {said[0]} <end> <user> {said[1]} <end> <assistant>"
    )
    assert contexts["talk-0000/1/reply"].endswith(
        f"<user> {said[0]} <end> <assistant> {said[1]} <end> <user> {said[2]} <end> <assistant>"
    )


def test_a_user_copy_forgets_what_has_no_room(heard):
    one = stage(user=(), conversations=2, turns=6, tokens=60, windows=("sliding:12",))
    rows = held(one, stub()).to_pylist()
    assert {row["replies"] for row in rows if row["arm"] == "sliding:12"} == {6}
    assert max(len(ids) for _, ids in heard) <= 60 - 6


def test_a_monologue_is_one_reply(heard):
    one = stage(mode="monologue", user=(), rules=("Be kind.",), conversations=2, tokens=120, reply_tokens=3)
    table = held(one, tiny(stop_ids=frozenset({3})))
    for row in table.to_pylist():
        messages = json.loads(row["messages"])
        assert [(m["role"], m["content"]) for m in messages[:2]] == [
            ("system", "Be kind."),
            ("user", "ask20"),
        ]
        assert (row["arm"], row["replies"]) == ("plain", 1)
    assert {key for key, _ in heard} == {"talk-0000/monologue", "talk-0001/monologue"}
    assert table.equals(held(one, tiny(stop_ids=frozenset({3}))))


def test_what_a_template_refuses_is_said():
    one = stage(rules=("Be kind.",), conversations=2, system_fallback="error")
    result = one.plan({})[0].measure(tiny("strict"))
    assert result.rows is None
    assert all(
        "TemplateError" in record.estimate.reason
        for record in result.records
        if record.quantity == "row_failed"
    )


def test_rows_leave_as_transcripts(tmp_path):
    table = held(stage(reminders=("repeat@end",), conversations=2, turns=1), stub())
    found = talk_rows_to_transcripts(table)
    assert [one.id for one in found.transcripts[:2]] == ["talk-0000/plain", "talk-0000/repeat@end"]
    assert found.transcripts[0].n_instructing == 1
    assert found.transcripts[1].meta["arm"] == "repeat@end"
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(f"{line}\n" for line in talk_lines(table)), encoding="utf-8")
    assert read_transcripts(path).sha256 == found.sha256


@pytest.mark.parametrize("n", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_published_system_prompts_on_another_architecture(n):
    folder = os.environ.get("ALIGNTHERMO_DATA", "")
    path = Path(folder) / "persona_drift" / "hundred_system_prompts.jsonl"
    if not folder or not path.is_file():
        pytest.skip("ALIGNTHERMO_DATA has no persona_drift")
    found = instructions_of(read_instruction_prompts(str(path)))
    config = DriftConfig(
        aligned="m",
        mode="self_chat",
        prompts=str(path),
        conversations=n,
        turns=1,
        reply_tokens=2,
        answer_tokens=2,
        tokens=2048,
        conversations_per_shard=100,
        reminders=("remember@end",),
    )
    turns = UserTurns.of(prompt_set_of(["What do you like?", "Tell me a joke, ¿vale? 🧀"]))
    one = TalkStage(config=config, instructions=found.instructions, user_turns=turns)
    table = held(one, tiny("strict", name="llama", max_length=2048))
    assert table.num_rows == 2 * n
    assert len(set(table["instruction"].to_pylist())) == n
    first = talk_rows_to_transcripts(table).transcripts[0]
    assert first.speeches[0].content in {one.text for one in found.instructions}
