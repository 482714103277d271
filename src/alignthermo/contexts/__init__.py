"""Contexts composed to a wanted share of adversarial tokens, from whole turns, with exact counts."""

from alignthermo.contexts.attack_templates import (
    SLOT,
    AttackTemplate,
    TemplateFile,
    read_templates,
    template_turns,
)
from alignthermo.contexts.attacks import conflicting_system_turns, override_turns, role_play_turns
from alignthermo.contexts.composer import AchievableGrid, ContextComposer
from alignthermo.contexts.context import Context, Counts, Span, TurnRecord, check_lengths
from alignthermo.contexts.design import (
    Cell,
    Design,
    Reinforcement,
    append_only_sizes,
    fixed_length_sizes,
)
from alignthermo.contexts.exchanges import compliant_exchanges, instruction_of, many_shot_turns
from alignthermo.contexts.fillers import filler_turns
from alignthermo.contexts.instructions import instruction_text, reminder_turns, system_units
from alignthermo.contexts.material import Material, Task
from alignthermo.contexts.orders import ORDERS
from alignthermo.contexts.own_turns import TurnFile, read_turns
from alignthermo.contexts.prefix_counts import PrefixCounts, prefix_counts
from alignthermo.contexts.query import Query
from alignthermo.contexts.traits import TemplateTraits
from alignthermo.contexts.unit import Unit

__all__ = [
    "ORDERS",
    "SLOT",
    "AchievableGrid",
    "AttackTemplate",
    "Cell",
    "Context",
    "ContextComposer",
    "Counts",
    "Design",
    "Material",
    "PrefixCounts",
    "Query",
    "Reinforcement",
    "Span",
    "Task",
    "TemplateFile",
    "TemplateTraits",
    "TurnFile",
    "TurnRecord",
    "Unit",
    "append_only_sizes",
    "check_lengths",
    "compliant_exchanges",
    "conflicting_system_turns",
    "filler_turns",
    "fixed_length_sizes",
    "instruction_of",
    "instruction_text",
    "many_shot_turns",
    "override_turns",
    "prefix_counts",
    "read_templates",
    "read_turns",
    "reminder_turns",
    "role_play_turns",
    "system_units",
    "template_turns",
]
