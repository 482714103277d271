"""Conversations as token ids at any of their points, with or without a probe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alignthermo.errors import InputError, TemplateError
from alignthermo.prompts import RenderOptions, encode_response
from alignthermo.quantities import Tokenizer
from alignthermo.transcripts.adapting import adaptations
from alignthermo.transcripts.chat_text import ChatText, ChatWriter
from alignthermo.transcripts.encoding import EncodedText, GrowingEncoder
from alignthermo.transcripts.spoken import Spoken, forms_of, named_words
from alignthermo.transcripts.transcript import INSTRUCTING, Speech, Transcript
from alignthermo.transcripts.written import WrittenContext

__all__ = ["PreparedTranscript", "TranscriptWriter"]

_ANYTHING = Speech(role="user", content="x")


@dataclass(frozen=True, kw_only=True)
class PreparedTranscript:
    """A conversation in the form that a template takes.

    Attributes
    ----------
    id : str
    speeches : tuple of Speech
        As they will be written.
    n_instructing : int
        How many of them, at the beginning, are the instruction.
    merged : str
        The instruction's text where the template takes no system message and it stands in the first user
        message; empty otherwise.
    tools : tuple of mappings
    notes : tuple of str
        What reading and the template made necessary.
    rephrased : tuple of str
        The instruction in other words.
    """

    id: str
    speeches: tuple[Speech, ...]
    n_instructing: int
    merged: str = ""
    tools: tuple[Mapping[str, object], ...] = ()
    notes: tuple[str, ...] = ()
    rephrased: tuple[str, ...] = ()

    @property
    def has_instruction(self) -> bool:
        """Whether there is anything to drift from."""
        return bool(self.merged) or self.n_instructing > 0

    @property
    def probe_points(self) -> tuple[int, ...]:
        """How many speeches may stand before a probe: the instruction alone, or all up to an answer."""
        first = max(self.n_instructing, 1 if self.merged else 0)
        answered = [
            n
            for n in range(first + 1, len(self.speeches) + 1)
            if self.speeches[n - 1].role == "assistant" and not self.speeches[n - 1].tool_calls
        ]
        return (() if self.merged else (first,)) + tuple(answered)

    @property
    def answer_points(self) -> tuple[int, ...]:
        """How many speeches stand before an answer of the assistant, given or, at the end, still to come."""
        return tuple(
            n
            for n in range(1, len(self.speeches) + 1)
            if self.speeches[n - 1].role in ("user", "tool")
            and (n == len(self.speeches) or self.speeches[n].role == "assistant")
        )

    def with_instruction(self, text: str) -> "PreparedTranscript":
        """Return the same conversation under another instruction.

        Raises
        ------
        InputError
            It has none that could be replaced, or the text is empty.
        """
        if not text.strip():
            raise InputError(f"transcript {self.id!r}: the instruction is empty")
        if self.merged:
            first = self.speeches[0]
            content = f"{text}{first.content[len(self.merged) :]}"
            speeches = (replace(first, content=content), *self.speeches[1:])
            return replace(self, speeches=speeches, merged=text, rephrased=())
        if not self.n_instructing:
            raise InputError(f"transcript {self.id!r} has no instruction that could be replaced")
        first = replace(self.speeches[0], content=text)
        rest = self.speeches[self.n_instructing :]
        return replace(self, speeches=(first, *rest), n_instructing=1, rephrased=())


class TranscriptWriter:
    """Writes points of conversations with one tokenizer.

    Contexts of one conversation are encoded as they grow: all its points together cost about as much as its
    end.

    Parameters
    ----------
    tokenizer : Tokenizer
        Of the aligned model.
    options : RenderOptions, optional
        ``system_fallback='merge_into_user'`` allows a system text inside the first user message.

    Raises
    ------
    TemplateError
        The tokenizer has no chat template.
    """

    def __init__(self, tokenizer: Tokenizer, *, options: RenderOptions | None = None) -> None:
        self._options = options or RenderOptions()
        self._tokenizer = tokenizer
        self._writer = ChatWriter(tokenizer, self._options)
        self._encoder = GrowingEncoder(
            tokenizer, self._writer.template, literal=self._options.control_tokens == "literal"
        )
        self._counted: dict[str, int] = {}

    def prepare(self, transcript: Transcript) -> PreparedTranscript:
        """Find the form in which the template takes a conversation, changing as little as need be.

        Tried in turn, each on top of the one before: as it is; developer messages as system messages; tool
        calls as text; tool results as user messages; later system messages as user messages; neighbours of
        one role joined; the system text in the user message (only where the options allow it); line breaks as
        blanks. Each change that was made is noted.

        Raises
        ------
        TemplateError
            The template takes it in none of these forms.
        """
        speeches, notes = list(transcript.speeches), [*transcript.notes, *self._writer.notes]
        merge = self._options.system_fallback == "merge_into_user"
        instruction = ""
        refusal = self._refusal(speeches, transcript.tools)
        for note, change in adaptations(merge_system=merge):
            if refusal is None:
                break
            changed = change(speeches)
            if changed == speeches:
                continue
            if instruction:
                instruction = change([Speech(role="system", content=instruction)])[0].content
            if len(changed) < len(speeches) and speeches[0].role == "system" and changed[0].role == "user":
                instruction = speeches[0].content
            speeches = changed
            notes.append(note)
            refusal = self._refusal(speeches, transcript.tools)
        if refusal is not None:
            raise TemplateError(f"transcript {transcript.id!r} cannot be written: {refusal}")
        count = 0
        while not instruction and count < len(speeches) and speeches[count].role in INSTRUCTING:
            count += 1
        return PreparedTranscript(
            id=transcript.id,
            speeches=tuple(speeches),
            n_instructing=count,
            merged=instruction,
            tools=transcript.tools,
            notes=tuple(notes),
            rephrased=transcript.rephrased,
        )

    def context(
        self,
        prepared: PreparedTranscript,
        *,
        upto: int,
        probe: str | None = None,
        generation: bool = True,
    ) -> WrittenContext:
        """Write the first `upto` speeches, then a probe where one is given, then the generation prompt.

        Raises
        ------
        InputError
            A point outside the conversation, or nothing to write.
        TemplateError
            The template refuses what stands there.
        PromptError
            Words that cannot be encoded.
        """
        if not 0 <= upto <= len(prepared.speeches):
            raise InputError(
                f"transcript {prepared.id!r} has {len(prepared.speeches)} messages; there is no point {upto}"
            )
        spoken = _spoken(prepared, upto)
        if probe is not None:
            spoken.append(Spoken.whole(Speech(role="user", content=probe), "probe"))
        if not spoken:
            raise InputError(f"transcript {prepared.id!r}: nothing stands before point 0; give a probe")
        chat, owners = self._write(spoken, prepared, generation=generation)
        return _written(self._encoder.encode(chat), owners)

    def count(self, text: str) -> int:
        """Tokens of a text that stands inside a message.

        Raises
        ------
        PromptError
            The text holds a lone surrogate.
        """
        if text not in self._counted:
            self._counted[text] = len(self.encode_answer(text))
        return self._counted[text]

    def encode_answer(self, text: str) -> tuple[int, ...]:
        """Encode an answer to stand right after a context; see `alignthermo.prompts.encode_response`."""
        return encode_response(text, tokenizer=self._tokenizer)

    def _write(
        self, spoken: Sequence[Spoken], prepared: PreparedTranscript, *, generation: bool
    ) -> tuple[ChatText, list[str]]:
        refused: TemplateError | None = None
        for form in forms_of(spoken, merged=prepared.merged):
            speeches = [one.speech for one in form]
            try:
                chat = self._writer.write(speeches, tools=prepared.tools, generation=generation)
            except TemplateError as error:
                refused = refused or error
            else:
                return named_words(chat, form)
        raise refused or TemplateError(f"transcript {prepared.id!r} can be written in no form")

    def _refusal(self, speeches: Sequence[Speech], tools: Sequence[Mapping[str, object]]) -> str | None:
        """Why the template does not take a conversation with a probe after it; None if it does."""
        probed = [*speeches] if speeches and speeches[-1].role == "user" else [*speeches, _ANYTHING]
        try:
            self._writer.write(probed, tools=tools, generation=True)
        except TemplateError as error:
            return str(error)
        return None


def _spoken(prepared: PreparedTranscript, upto: int) -> list[Spoken]:
    """Name the owner of all speeches, an instruction inside a user message apart from the rest of it."""
    spoken = []
    for number, one in enumerate(prepared.speeches[:upto]):
        owner = "reminder" if one.inserted == "reminder" else one.role
        spoken.append(Spoken.whole(one, "instruction" if number < prepared.n_instructing else owner))
    if spoken and prepared.merged:
        spoken[0] = spoken[0].opened_by(prepared.merged)
    return spoken


def _written(encoded: EncodedText, owners: Sequence[str]) -> WrittenContext:
    by_owner: dict[str, list[tuple[int, int]]] = {}
    for owner, span in zip(owners, encoded.spans, strict=True):
        by_owner.setdefault(owner, []).append(span)
    composition = {owner: sum(b - a for a, b in spans) for owner, spans in by_owner.items()}
    composition["template"] = len(encoded.ids) - sum(composition.values())
    later = [span for owner, span in zip(owners, encoded.spans, strict=True) if owner != "instruction"]
    told = [
        span
        for owner, span in zip(owners, encoded.spans, strict=True)
        if owner not in ("instruction", "probe")
    ]
    instruction = by_owner.get("instruction", [])
    return WrittenContext(
        ids=encoded.ids,
        instruction=tuple(instruction),
        history=tuple(told),
        own=tuple(by_owner.get("assistant", [])),
        reminders=tuple(by_owner.get("reminder", [])),
        probe=tuple(by_owner.get("probe", [])),
        instruction_stop=_block_start(encoded, instruction, later),
        composition=composition,
    )


def _block_start(
    encoded: EncodedText, instruction: Sequence[tuple[int, int]], later: Sequence[tuple[int, int]]
) -> int:
    """Where the first words after the instruction begin: at the last control token before them."""
    if not later:
        return len(encoded.ids)
    first = later[0][0]
    earliest = instruction[-1][1] if instruction else 0
    return max((token for _, token in encoded.anchors if earliest <= token <= first), default=first)
