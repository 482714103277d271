"""Published templates, behaviours and system prompts through chat templates of other architectures."""

import os
from pathlib import Path

import pytest

from alignthermo.contexts import (
    ContextComposer,
    Design,
    Material,
    Query,
    Task,
    fixed_length_sizes,
    instruction_text,
    override_turns,
    prefix_counts,
    read_templates,
    reminder_turns,
    system_units,
    template_turns,
)
from alignthermo.prompts import load_prompt_set
from tests.contexts.test_counts import check_identities

DATA = os.environ.get("ALIGNTHERMO_DATA")
pytestmark = pytest.mark.skipif(
    DATA is None, reason="ALIGNTHERMO_DATA is not set: the public sets themselves are not here"
)


def test_every_published_template_is_read_or_named():
    folder = Path(DATA) / "jailbreak_templates"
    counts = {
        name: (len(found.templates), len(found.problems))
        for name in ("gptfuzzer_templates", "gptfuzzer_seed_short_25", "self_reminder_jailbreak_prompts")
        for found in [read_templates(folder / f"{name}.csv")]
    }
    # SOURCE.txt of the folder: 77 with a slot, 25 with a slot, 73 of 75
    assert counts == {
        "gptfuzzer_templates": (77, 0),
        "gptfuzzer_seed_short_25": (25, 0),
        "self_reminder_jailbreak_prompts": (73, 2),
    }


@pytest.mark.parametrize("name", ["chatml", "strict", "reference"])
def test_public_material_end_to_end(tokenizers, name):
    behaviours = load_prompt_set("jailbreakbench").limited(4).prompts
    rule = next(p for p in load_prompt_set("realguardrails").prompts if len(p.messages[0].content) < 900)
    templates = read_templates(Path(DATA) / "jailbreak_templates" / "gptfuzzer_seed_short_25.csv").templates
    short = sorted(templates, key=lambda template: len(template.text))[:3]
    composer = ContextComposer(tokenizers[name], refused_turns="adapt")
    system = system_units(rule)
    reminders = reminder_turns(instruction_text(system))
    attacks = {
        "template": template_turns(short, behaviours[2:]),
        "override": override_turns(reply="Understood."),
    }
    tasks = [
        Task(
            query=Query.of(asked, template=short[0] if family == "override" else None),
            material=Material(family=family, system=system, instruction=reminders, adversarial=attack),
        )
        for family, attack in attacks.items()
        for asked in behaviours[:2]
    ]
    length = 5 * max(composer.cost(unit) for unit in (*system, *attacks["template"]))
    design = Design(sizes=fixed_length_sizes([0.3, 0.7], [length]), share="sweep")
    found = list(composer.sweep(design, tasks))
    assert len(found) == len(tasks) * len(design)
    for context in found:
        check_identities(context)
        assert abs(context.alpha - context.wanted.alpha) < 0.2
    assert prefix_counts([context.ids for context in found]).saving > 1.3
