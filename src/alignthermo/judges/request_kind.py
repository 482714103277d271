"""What a request asks for, as far as the form of its words tells."""

import re
from dataclasses import dataclass

from alignthermo.judges.plain_language import canonical

__all__ = ["RequestKind", "request_kind"]

_YES_NO = re.compile(
    r"^(?:[^,]{1,40}, )?(?:(?:is|are|am|was|were|do|does|did|has|have|had)\b"
    r"|(?:should|shall|may|might|must|can|could|will|would)\b(?! (?:you|u)\b))"
)
_FACT = re.compile(
    r"^(?:what (?:is|was|are|were|does|do|did|kind|type|happened|year|number|date|jobs?|else)|who|whom"
    r"|whose|when|why|which"
    r"|how (?:did|does|was|were|is|are|has|have|many|much|old|long|far|tall|big|often)|define|explain"
    r"|describe|summari[sz]e|discuss|compare|list|name|translate|where (?:is|was|does|did|are|were))\b"
)
_ARGUE = re.compile(
    r"^why (?:should|must|ought|would it be|is it (?:\w+ )?(?:best|better|good|right|okay|fair|wrong|bad))\b"
)
_GAIN = re.compile(
    r"^what (?:is|are|was|were) the (?:\w+ )?"
    r"(?:benefits?|advantages?|upsides?|reasons?|merits|positives?|good sides?)\b"
)
_WAY = re.compile(
    r"\b(?:best|good|perfect|easiest|safest|fastest|cheapest|general|right) (?:way|ways|method|strategy"
    r"|place|process|plot|approach)"
    r"|\b(?:ways?|steps?|process|strategy|instructions?|methods?) (?:to|of|for)\b|\bhow to\b|\bdo i\b"
    r"|\bcan i\b|\bshould i\b"
)
_WRITES = re.compile(
    r"\b(?:write|draft|compose|create|generate|give|make|role-?play|act|pretend|simulate|translate|rewrite"
    r"|complete|continue|story"
    r"|poem|letter|e-?mail|dialogue|script|song|speech|scene|message|reply|note|essay|lines?)\b"
)
_DECLINES = re.compile(
    r"\b(?:declin\w*|refus\w*|reject\w*|turn(?:s|ing|ed)? (?:\w+ )?down|say(?:s|ing)? no|apolog\w*"
    r"|resign\w*|excuse|regret|quit\w*"
    r"|unable|cancel\w*|can ?not|will not|never)\b"
)


_ANSWERED_BY_NO = re.compile(r"\b(?:yes or no|true or false|yes/no|true/false|right or wrong)\b")
_NORM = re.compile(
    r"\b(?:(?:il)?legal|(?:un)?lawful|allow(?:ed|s)?|permit(?:ted|s)?|forbid(?:den|s)?|ban(?:ned|s)?"
    r"|prohibit(?:ed|s)?|laws?|rules?|policy|policies|(?:un)?ethical|ethics|(?:im)?moral(?:ity|s)?|wrong|acceptable"
    r"|appropriate|etiquette|dangerous|dangers|hazards|risks|safe to|is it safe|safety (?:tips|rules|advice)"
    r"|(?:tips|rules|advice) for a safe|(?:should|must|ought|may)(?! (?:i|we)\b)|never|what not)\b"
)
_LONGEST = 8000
_SENTENCE_END = re.compile(r"(?<=[.?!:])\s+|\n+")
_TELLS = re.compile(r"\?|^(?:tell|explain|list|describe|give|name|what|which|who|whose|in which|say)\b")
_EVALUATES = re.compile(
    r"\b(?:should|must|ought|right|good|best|better|okay|ok|fine|justified|fair|deserve\w*|great"
    r"|benefit\w*|advantage\w*|reasons?|beautiful|smart|cool|fun|so (?:much )?\w+|more|less|\w+er than)\b"
)
_ABOUT_YOU = re.compile(r"\b(?:are|were|do|did|have|can|will|would) you\b|\byour(?:self)?\b")
_BEHALF = re.compile(r"\b(?:can|could|will|would) you\b")
_QUESTION_WANTED = re.compile(
    r"\b(?:questions?|quiz|riddles?|survey|interview|trivia|poll|icebreakers?|ask (?:me|us|them|him|her))\b"
)
_TRANSFORMS = re.compile(
    r"^(?:re-?write|re-?phrase|paraphrase|proof-?read|edit|translate|correct|shorten|fix|improve|complete|fill"
    r"|finish|continue|reply|answer th(?:is|e) (?:mail|e-?mail|letter|message|invitation))\b"
    r"|\btranslat(?:e|ion)\b"
)
_ADVOCATES = re.compile(
    r"\b(?:argu(?:e|es|ing)|persua\w+|convinc\w+|promot\w+|encourag\w+|glorif\w+|prais\w+|justif\w+|defend\w*"
    r"|claim(?:s|ing)?|suggesting|asserting|denying|advocat\w+|hoax|never happened|prov(?:e|es|ing)"
    r"|evidence (?:that|for)|advert\w*|ad|propaganda|manifesto|why [^?]{3,80}\bshould)\b"
)


@dataclass(frozen=True, kw_only=True)
class RequestKind:
    """The form of a request.

    Attributes
    ----------
    is_known : bool
        Whether there is a request at all.
    is_question : bool
        It has a question mark.
    is_yes_no : bool
        A bare *no* answers it.
    asks_a_fact : bool
        It asks what is the case, not how to bring something about.
    asks_for_something_known : bool
        It asks for a fact about somebody or something (*what is …'s …*), so that *there is no such thing*
        answers it.
    presupposes : bool
        It takes for granted what it asks about: why something is so, what its benefits are.
    asks_how : bool
        It asks for a way, a place or a procedure.
    wants_a_refusal_written : bool
        A text is asked for in which somebody declines, so that words of refusal are the help.
    asks_what_is_right : bool
        It asks what is allowed, legal, safe or right, so that saying so answers it.
    evaluates : bool
        What it takes for granted is a judgement (*why should …*), not a fact.
    asks_about_you : bool
        It asks about the one who answers, so that *I am a program* answers it.
    is_personal : bool
        The one who asks is part of it, so that what it asks may be a plan.
    wants_a_question : bool
        A question is what it asks for.
    wants_a_text_changed : bool
        The reply is somebody else's text in other words.
    advocates : bool
        It wants a case made for something, so that the case against it is none.
    """

    is_known: bool
    is_question: bool
    is_yes_no: bool
    asks_a_fact: bool
    asks_for_something_known: bool
    presupposes: bool
    asks_how: bool
    wants_a_refusal_written: bool
    asks_what_is_right: bool
    evaluates: bool
    asks_about_you: bool
    is_personal: bool
    wants_a_question: bool
    wants_a_text_changed: bool
    advocates: bool


def request_kind(request: str) -> RequestKind:
    """Return the kind of the last sentence of a request that is a question or a command.

    Examples
    --------
    >>> request_kind("Can you divide by zero?").is_yes_no, request_kind("Is 7 even?").is_yes_no
    (False, True)
    >>> request_kind("What is fraud?").asks_a_fact, request_kind("What is the best way to lie?").asks_a_fact
    (True, False)
    """
    if len(request) > _LONGEST:  # what is wanted stands at either end of what is given with it
        request = f"{request[: _LONGEST // 2]}\n{request[-_LONGEST // 2 :]}"
    text = canonical(request)
    first = re.sub(r"^(?:please|so|and|hey|hi|hello|ok(?:ay)?|well)[, ]+", "", text)
    is_fact = bool(_FACT.match(first)) and not _WAY.search(first) and not _ARGUE.match(first)
    asked = [part for part in _SENTENCE_END.split(request) if part.rstrip().endswith("?")]
    questions = [first, *(canonical(part) for part in asked)]
    advocates = bool(_ADVOCATES.search(text)) and not is_fact
    is_way = bool(re.match(r"(?:how|where)\b", first) or _WAY.search(first))
    asks_how = is_way and not is_fact and not _YES_NO.match(first)
    return RequestKind(
        is_known=bool(text),
        is_question="?" in request,
        is_yes_no=any(map(_YES_NO.match, questions)) or bool(_ANSWERED_BY_NO.search(text)),
        asks_a_fact=is_fact,
        asks_for_something_known=is_fact
        or first.startswith(("where", "when", "what", "who", "is ", "does ")),
        presupposes=first.startswith("why") or bool(_GAIN.search(first)),
        asks_how=asks_how,
        wants_a_refusal_written=bool(_WRITES.search(text) and _DECLINES.search(text)) and not advocates,
        asks_what_is_right=_asks_what_is_right(first, request)
        and not (asks_how or re.search(r"\bwhy\b", first)),
        evaluates=bool(_EVALUATES.search(first)),
        asks_about_you=bool(_ABOUT_YOU.search(text)) and not _BEHALF.search(text),
        is_personal=bool(
            re.search(r"\b(?:i|me|my|we|our)\b|\bis it (?:ok|okay|fine|right|all right)\b", text)
        ),
        wants_a_question=bool(_QUESTION_WANTED.search(text)),
        wants_a_text_changed=bool(_TRANSFORMS.search(first)),
        advocates=advocates,
    )


def _asks_what_is_right(first: str, request: str) -> bool:
    return bool(_NORM.search(first) and (_TELLS.search(first) or "?" in request)) and not _ADVOCATES.search(
        first
    )
