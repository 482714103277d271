"""The settings of a drift run: what a config file, the command line and Python all fill in."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alignthermo.errors import ConfigError
from alignthermo.experiments.drift.arms import CONTROLS, DriftArm, parse_reminders, parse_window
from alignthermo.transcripts import Treatment

__all__ = ["DriftConfig"]


class DriftConfig(BaseModel):
    """Experiment 3: whether an instruction holds over a long conversation, and what holds it.

    Attributes
    ----------
    aligned : str or None
        The model that is measured: hub id (``org/name@revision``), folder, or ``shipped:MEMBER``.
    base : str or None
        Its base, for the relaxation; left out, one model is measured.
    adapter : str or None
        PEFT adapter; `aligned` is then the base with the adapter switched on.
    mode : str
        ``transcripts``: recorded conversations. ``self_chat``: the model talks with itself, or with written
        user turns. ``monologue``: one long reply, read as it grows.
    transcripts : str or None
        JSONL of OpenAI-style `messages`, or an Inspect log.
    prompts : str or None
        Instructions with their probes: rows of `system_prompt` and `probe`, or `messages` that begin with a
        system message. For transcripts: further probes, asked of every one of them.
    user_turns : str or None
        Prompts whose user messages are the other side of a self-chat; without them another copy of the model
        speaks it under `user_prompt`.
    user_prompt : str
        System text of that copy.
    compliant, defiant : tuple of str
        Reference answers for probes that have none of that side.
    wish : str or None
        What an adversary would have as the instruction.
    conversations, turns, tokens : int
        How many conversations are held; replies in each; most tokens that are read, a probe and its answer
        among them: a conversation ends while there is room for both.
    reply_tokens, temperature
        Of what is said in a conversation.
    every : int
        A probe after the first reply that ends at least so many tokens after the last one, and at the
        beginning. The last of them stands at the end of the conversation.
    probes : int
        Probes at each point, of those that belong to the instruction.
    answers, answer_tokens : int
        Answers drawn for each probe (temperature 1), and their budget.
    literal, attention : bool
        Measure also each reply as it was given; attention on the instruction.
    reminders : tuple of str
        Arms ``FORM@WHERE``: ``repeat@start``, ``repeat@end``, ``remember@256`` …; forms are those of
        `alignthermo.contexts.texts.REMINDERS`, ``rephrase`` (other words for the instruction, which its row
        brings along), ``summary`` (the sentences of it that bind), and ``own``.
    reminder_texts : tuple of str
        Phrasing of the form ``own``; ``{rule}`` is the instruction's text, ``{summary}`` its gist.
    reminder_role : {"user", "system"}
    windows : tuple of str
        Arms ``POLICY:TOKENS``: ``truncate:512``, ``sliding:512``, ``compaction:512``.
    controls : tuple of str
        ``neutral`` (history of equal length), ``shuffled`` (another conversation's instruction),
        ``no_instruction``.
    neutral_text : str or None
        Neutral text, read round and round; small talk unless given.
    bound : float or None
        What a schedule must keep; None: no schedule is looked for.
    bound_on : {"drift", "non_compliance"}
    horizon : int or None
        Tokens over which it must be kept; those of the longest conversation unless given.
    held_out : float
        Share of the conversations on which the schedule is verified, and nothing else is chosen.
    conversations_per_shard : int
        Conversations committed together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str | None = None
    aligned: str | None = None
    adapter: str | None = None
    mode: Literal["transcripts", "self_chat", "monologue"] = "transcripts"
    transcripts: str | None = None
    prompts: str | None = None
    user_turns: str | None = None
    user_prompt: str = "You are a person who talks with an assistant. Write the next thing you say."
    compliant: tuple[str, ...] = ()
    defiant: tuple[str, ...] = ()
    wish: str | None = None
    out: str | None = None
    limit: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    dtype: Literal["auto", "float32", "float64", "bfloat16", "float16"] = "auto"
    device: str = "auto"
    shard: str | None = Field(default=None, pattern=r"^\d+/\d+$")
    conversations: int = Field(default=30, ge=2)
    turns: int = Field(default=8, ge=1)
    tokens: int = Field(default=4096, ge=16)
    reply_tokens: int = Field(default=128, ge=1)
    temperature: float = Field(default=1.0, ge=0.0)
    every: int = Field(default=128, ge=1)
    probes: int = Field(default=1, ge=1)
    answers: int = Field(default=2, ge=1)
    answer_tokens: int = Field(default=64, ge=1)
    literal: bool = True
    attention: bool = False
    reminders: tuple[str, ...] = ()
    reminder_texts: tuple[str, ...] = ()
    reminder_role: Literal["user", "system"] = "user"
    windows: tuple[str, ...] = ()
    controls: tuple[Literal["neutral", "shuffled", "no_instruction"], ...] = ("neutral",)
    neutral_text: str | None = None
    bound: float | None = Field(default=None, gt=0.0)
    bound_on: Literal["drift", "non_compliance"] = "drift"
    horizon: int | None = Field(default=None, ge=1)
    held_out: float = Field(default=0.4, ge=0.0, lt=1.0)
    system_fallback: Literal["error", "merge_into_user"] = "merge_into_user"
    template_kwargs: dict[str, str | bool | int | float] = Field(default_factory=dict)
    level: float = Field(default=0.95, gt=0.5, lt=1.0)
    resamples: int = Field(default=2000, ge=200)
    conversations_per_shard: int = Field(default=4, ge=1)
    max_cached_tokens: int = Field(default=32_768, ge=1)
    fail_if: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> "DriftConfig":
        if self.aligned is None and self.adapter is None:
            raise ValueError("name the model to measure (--aligned ID), or an adapter on --base (--adapter)")
        if self.adapter is not None and self.base is None:
            raise ValueError("an adapter needs the model it belongs to (--base ID)")
        if self.mode == "transcripts" and self.transcripts is None:
            raise ValueError(
                "give the recorded conversations (a file, the argument of the verb), or another --mode"
            )
        if self.mode != "transcripts" and self.prompts is None:
            raise ValueError(f"the mode {self.mode} needs instructions with their probes (--prompts FILE)")
        if self.mode != "transcripts" and self.transcripts is not None:
            raise ValueError(f"transcripts are not read in the mode {self.mode}: leave one of the two out")
        return self

    @model_validator(mode="after")
    def _arms_can_be_read(self) -> "DriftConfig":
        for names in (self.reminders, self.windows, self.controls):
            if len(set(names)) != len(names):
                raise ValueError(f"something is named twice: {', '.join(names)}")
        try:
            for name in self.reminders:
                parse_reminders(name, own=self.reminder_texts, role=self.reminder_role)
            for name in self.windows:
                parse_window(name)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if self.mode == "monologue" and (self.reminders or self.windows):
            raise ValueError("a monologue has no turns between which a reminder could stand")
        if self.bound is not None and not self.reminders and not self.windows:
            raise ValueError("a bound asks what keeps it: name reminders or windows to try")
        return self

    @property
    def arms(self) -> tuple[DriftArm, ...]:
        """Every way the conversations are run or read: plain, each reminder, each window, each control."""
        treatments = [Treatment()]
        treatments += [
            Treatment(reminders=parse_reminders(name, own=self.reminder_texts, role=self.reminder_role))
            for name in self.reminders
        ]
        treatments += [Treatment(window=parse_window(name)) for name in self.windows]
        return (
            *(DriftArm(name=treatment.name, treatment=treatment) for treatment in treatments),
            *(
                DriftArm(name=name, treatment=Treatment(), instruction=CONTROLS[name])
                for name in self.controls
                if name in CONTROLS
            ),
        )

    def arm(self, name: str) -> DriftArm:
        """Return the arm of that name.

        Raises
        ------
        ConfigError
            These settings have no such arm.
        """
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise ConfigError(f"there is no arm {name!r}; there are {', '.join(arm.name for arm in self.arms)}")
