"""What the other side of a conversation says, out of a file: the same in every arm."""

from dataclasses import dataclass

import numpy as np

from alignthermo.errors import InputError
from alignthermo.experiments.drift.instructions import Instruction
from alignthermo.prompts import PromptSet

__all__ = ["UserTurns"]

_NO_CATEGORY = "uncategorised"


@dataclass(frozen=True, kw_only=True)
class UserTurns:
    """User messages, each with the categories of the rows it stands in.

    Attributes
    ----------
    source : str
    said : tuple of (text, categories)
        In file order, every text once.
    """

    source: str
    said: tuple[tuple[str, frozenset[str]], ...]

    @classmethod
    def of(cls, prompts: PromptSet) -> "UserTurns":
        """Take all user messages of a prompt set; its system and assistant messages are not read.

        Raises
        ------
        InputError
            There is none.
        """
        found: dict[str, frozenset[str]] = {}
        for prompt in prompts.prompts:
            for message in prompt.messages:
                if message.role == "user" and message.content.strip():
                    known = found.get(message.content, frozenset())
                    found[message.content] = known | {prompt.category}
        if not found:
            raise InputError(f"{prompts.source} holds no user message")
        return cls(source=prompts.source, said=tuple(found.items()))

    def drawn(self, instruction: Instruction, *, n: int, rng: np.random.Generator) -> tuple[str, ...]:
        """Draw `n` different messages, none of the instruction's own category.

        Questions of that category ask for what the instruction is about: an answer to one of them would be a
        reminder, or an attack. Rows without a category belong to none.

        Raises
        ------
        InputError
            There are fewer.
        """
        own = {instruction.category} - {_NO_CATEGORY}
        pool = [text for text, categories in self.said if not own & categories]
        if len(pool) < n:
            outside = f" outside the category {instruction.category!r}" if own else ""
            raise InputError(
                f"{self.source} holds {len(pool)} user messages{outside}, fewer than the {n} turns of a "
                "conversation; give more of them, or fewer turns (--turns)"
            )
        return tuple(pool[place] for place in rng.permutation(len(pool))[:n].tolist())
