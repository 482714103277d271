"""Conversations of a model with written user turns, or with another copy of itself."""

from collections.abc import Callable, Sequence

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.seat import Room, Seat
from alignthermo.experiments.drift.voices import Voice, Waiting
from alignthermo.quantities import Progress, silent
from alignthermo.transcripts import Speech, TranscriptWriter, WrittenContext

__all__ = ["hold_self_chats"]


def hold_self_chats(
    seats: Sequence[Seat],
    config: DriftConfig,
    *,
    voice: Voice,
    writer: TranscriptWriter,
    room: Room,
    progress: Progress = silent,
) -> None:
    """Let conversations grow turn by turn until they have all their replies, or no room for another.

    The protocol of Li et al.: the user's turns are written, or spoken by another copy of the model, which
    reads the conversation with the roles exchanged under a system text of its own. What the model reads
    before a reply has the reminders and the window of its arm; what is kept of the conversation has not. A
    reply draws its random numbers by conversation and turn, so all arms use equal ones. A conversation that a
    template refuses ends with its reason, and the others go on.

    Parameters
    ----------
    seats : sequence of Seat
        Filled with what is said.
    config : DriftConfig
    voice : Voice
    writer : TranscriptWriter
    room : Room
    progress : Progress
        Called after every turn with stage ``talk``.

    References
    ----------
    Li, Liu, Bashkansky, Bau, Viégas, Pfister & Wattenberg, arXiv:2402.10962.
    """
    stage = _Stage(config, voice, writer, room)
    for turn in range(config.turns):
        stage.user_speaks([one for one in seats if one.open], turn)
        stage.model_replies([one for one in seats if one.open], turn)
        progress("talk", turn + 1, config.turns, "")


class _Stage:
    def __init__(self, config: DriftConfig, voice: Voice, writer: TranscriptWriter, room: Room) -> None:
        self._config, self._voice, self._writer, self._room = config, voice, writer, room

    def user_speaks(self, seats: Sequence[Seat], turn: int) -> None:
        """Give every conversation its next user message."""
        unwritten = []
        for seat in seats:
            if seat.talk.user_turns:
                seat.said.append(Speech(role="user", content=seat.talk.user_turns[turn]))
            else:
                unwritten.append(seat)
        room = min(self._room.talk, self._room.model) - self._config.reply_tokens

        def context(seat: Seat) -> WrittenContext | None:
            written = seat.user_context(self._writer, prompt=self._config.user_prompt, room=room)
            return written if len(written.ids) <= room else None

        self._speak(unwritten, context, role="user", stream=f"{turn}/user")

    def model_replies(self, seats: Sequence[Seat], turn: int) -> None:
        """Let the model reply in every conversation that has room for it; the others end."""
        self._speak(seats, self._reply_context, role="assistant", stream=f"{turn}/reply")

    def _reply_context(self, seat: Seat) -> WrittenContext | None:
        written = seat.context(self._writer)
        probing = seat.probing(self._writer, written, self._room)
        left = self._room.left(len(written.ids), probing=probing)
        return written if left >= self._config.reply_tokens else None

    def _speak(
        self,
        seats: Sequence[Seat],
        context: Callable[[Seat], WrittenContext | None],
        *,
        role: str,
        stream: str,
    ) -> None:
        speaking: list[Seat] = []
        waiting: list[Waiting] = []
        for seat in seats:
            try:
                written = context(seat)
            except AlignthermoError as error:
                seat.fail(error)
                continue
            if written is None:
                seat.open = False
                continue
            speaking.append(seat)
            key = f"{seat.talk.id}/{stream}"
            waiting.append(Waiting(key=key, ids=written.ids, budget=self._config.reply_tokens))
        for seat, one, said in zip(speaking, waiting, self._voice.speak(waiting), strict=True):
            seat.hear(role, said, context=len(one.ids))
