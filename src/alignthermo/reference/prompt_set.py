"""The shipped prompts: held-out entities in held-out wordings, one JSON object per line.

The five core categories come first and have most of the prompts; every other category has enough
for its free energy to be compared with theirs. Prompts with many canonical responses (all wrong
values of a fact, in every style) fill the file, so there are fewer of those.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from alignthermo.errors import ConfigError
from alignthermo.reference.candidates import candidates_for
from alignthermo.reference.conversations import Composer, Conversation
from alignthermo.reference.corpus import TopicTable
from alignthermo.reference.world import Category, World

CORE_CATEGORIES = ("secret", "harm", "task", "persona", "fact")
"""Categories every number of the family is given for; others enter ranges and medians."""

PROMPTS_PER_CATEGORY = 48
OTHERS_SHARE = 0.25
MANY_RESPONSES = 8
MANY_SHARE = 2 / 3


@dataclass(frozen=True, kw_only=True)
class NumberedConversation:
    """A conversation with the id it ships under.

    `rule` is the style it asks for: exchanges in another style answer another instruction.
    """

    id: str
    conversation: Conversation
    rule: str | None = None


def held_out_prompts(
    world: World, *, rng: np.random.Generator, per_category: int = PROMPTS_PER_CATEGORY
) -> list[NumberedConversation]:
    """Distinct single-question prompts of every category, none of which alignment has seen.

    There is no earlier turn, and the rule of the question's own axis is stated in half of them:
    what the base would do is then far from what is asked, and the free energy far from zero.

    Parameters
    ----------
    per_category : int
        Prompts of a core category; the others have a quarter of it, and those with more than
        eight canonical responses two thirds of what they would have.

    Raises
    ------
    ConfigError
        If a category has too few held-out combinations.
    """
    composer = Composer(world=world, split="held_out", own_rule_rate=0.5, other_rule_rate=0.4, history=(1.0,))
    table = TopicTable(world, keep="held_out")
    prompts: list[NumberedConversation] = []
    for category in sorted(world.categories, key=_rank):
        count = prompt_count(world, category, per_category=per_category)
        drawn = _distinct(composer, category, table, count=count, rng=rng)
        prompts += [
            NumberedConversation(
                id=f"{category.name}-{index:03d}",
                conversation=conversation,
                rule=conversation.rules.get(world.style_axis),
            )
            for index, conversation in enumerate(drawn)
        ]
    return prompts


def _rank(category: Category) -> int:
    """Core categories in their order, then the others in the world's."""
    return CORE_CATEGORIES.index(category.name) if category.name in CORE_CATEGORIES else len(CORE_CATEGORIES)


def prompt_count(world: World, category: Category, *, per_category: int) -> int:
    """Count the prompts of one category, at least one."""
    rules = {world.style_axis: next(iter(world.styles))}
    responses = len(candidates_for(world, category, category.topics[0], rules).texts)
    share = 1.0 if category.name in CORE_CATEGORIES else OTHERS_SHARE
    if responses > MANY_RESPONSES:
        share *= MANY_SHARE
    return max(1, round(share * per_category))


def _distinct(
    composer: Composer, category: Category, table: TopicTable, *, count: int, rng: np.random.Generator
) -> list[Conversation]:
    """Draw until `count` conversations differ, giving up when that is hopeless."""
    found: dict[tuple[str, ...], Conversation] = {}
    for _ in range(100 * count):
        drawn = composer.draw(category, table, rng)
        found.setdefault(tuple(message.content for message in drawn.messages), drawn)
        if len(found) == count:
            return list(found.values())
    raise ConfigError(
        f"category {category.name!r} has {len(found)} held-out prompts, {count} are wanted: "
        "add topics or wordings to its table"
    )


def prompt_record(prompt: NumberedConversation) -> dict[str, object]:
    """One line of ``prompts.jsonl``, in the package's prompt schema."""
    conversation = prompt.conversation
    return {
        "id": prompt.id,
        "messages": [message.as_dict() for message in conversation.messages],
        "category": conversation.category,
        "compliant": list(conversation.candidates.compliant),
        "defiant": list(conversation.candidates.defiant),
        "response": conversation.candidates.compliant[0],
        "meta": {"entity": conversation.entity},
        **({} if prompt.rule is None else {"rule": prompt.rule}),
    }


def prompts_jsonl(prompts: Iterable[NumberedConversation]) -> str:
    """Write the whole file, without blanks between the fields."""
    records = (prompt_record(prompt) for prompt in prompts)
    return "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in records)
