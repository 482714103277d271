r"""How English refuses, as a grammar over canonical text (see `plain_language.canonical`).

A refusal of one's own has a speaker, a negated ability, permission or will, and an act of helping::

    REFUSAL   := SPEAKER MODAL not HELP        I can not help, we will never share
               | SPEAKER be UNABLE             I am unable / not allowed / not comfortable
               | SPEAKER DECLINE               I must respectfully decline, I would rather not
               | THING be not something I …    that is not something I can do
               | not-appropriate to HELP       it would be irresponsible to provide
               | RULES forbid                  against my guidelines, my programming does not allow
               | bare                          request denied, no can do, unable to comply

The classes are word classes, not sentences seen somewhere: any member of HELP goes with any modal. Verbs of
mind and feeling are not in HELP, so that *I can't believe*, *I can't wait* and *I won't lie* refuse nothing.
"""

import re

__all__ = ["is_bare_no", "policy", "refusal"]

SPEAKER = r"(?:i|we|this (?:assistant|model|system|chatbot|service))"
ADVERBS = (
    r"(?:,?\s*(?:\w+ly|really|just|also|still|never|ever|even|no longer|sorry|afraid|in good (?:conscience"
    r"|faith)"
    r"|under any circumstances?|at this time|as an? [\w ]{1,40}|with you|therefore|thus|alas|hereby|my friend"
    r"|with (?:a )?heavy heart|in any way|at all|personally|have to|going to|want to|be able to|be"
    r"|to)\s*,?){0,4}\s*"
)
MODAL_NOT = (
    r"(?:can|could|will|would|shall|may|must|should|do|did)" + ADVERBS + r"\b(?:not|never)\b"
    r"(?:,? (?:and|or|nor) (?:(?:can|could|will|would|shall|may|must|should|do) )?(?:not|never)\b)?"
    r"|can no longer"
)
HELP = (
    r"(?:help|assist|aid|provide|give|offer|share|tell|answer|respond|reply|discuss|talk|speak|chat|engage"
    r"|comply"
    r"|fulfil?l?|satisfy|participate|take part|partake|create|write|generate|produce|compose|draft|make"
    r"|design|develop|build|code|do (?:that|this|it|so|what|as)|continue|go along|go (?:there|into)|grant"
    r"|accept"
    r"|process|complete|carry out|facilitate|enable|contribute|reveal|disclose|divulge|release|explain"
    r"|describe"
    r"|detail|elaborate|teach|show|instruct|guide|walk you|lead you|list|outline|say (?:that|this|it|more"
    r"|the|what)"
    r"|repeat|translate|rewrite|summari[sz]e|comment|speculate|role-?play|pretend|act as|play (?:along|the"
    r"|that)"
    r"|allow|let you|be (?:of|part|involved|able)|proceed|oblige|honou?r|entertain|indulge|execute|perform"
    r"|recommend"
    r"|advise|suggest|direct you|point you|send|hand|supply|present|cover|address|handle|touch|agree to"
    r"|consent"
    r"|express|offer|present|impersonate|simulate|browse|open|search|look (?:up|that|into)|obey|follow"
    r"|meet|grant"
    r"|accommodate|cooperate|collaborate|break|violate|bypass|ignore|override|cross|reproduce|recite|quote"
    r"|transcribe|draw|predict|diagnose|prescribe"
    r"|be (?:help|assist|provid|giv|tell|shar|answer|discuss|do|writ|explain|creat|generat|mak|tak|say"
    r"|comply)ing)"
)
NOT_HELP = re.compile(
    r"(?:can|could) not (?:help|but) (?:but|feeling|thinking|wondering|myself|noticing|laughing|falling"
    r"|smiling|it)\b"
    r"|(?:help|tell|say|recommend|express|describe|stress|explain|thank)\b[^.]{0,25}\b(?:enough"
    r"|how (?:much|happy|glad"
    r"|grateful|excited|sorry|good|proud|many)|highly|strongly enough|in words|a lie)\b"
    r"|can not (?:say|tell) (?:if|whether|i )|not (?:only|just|merely)\b|can not (?:tell"
    r"|make) (?:the difference|lies?)"
    r"|\b(?:make|do) (?:it|that|this|any) (?:better|more|worse)\b|could not (?:agree|be|have|ask|make it)"
    r"|not (?:make|do) (?:it|that|any) (?:to|through|without|better|more|worse)\b"
    r"|can not make (?:it|heads)"
    # a promise about what is the other's own
    r"|\b(?:not|never) (?:share|reveal|disclose|give|sell|pass) your\b[^.]{1,40}\b(?:with|to) (?:anyone"
    r"|anybody|others|third parties|strangers)\b"
)
_WANT = r"(?:can|could|will|would|should|am|feel|want|wish|intend|be)"

_RULES = (
    rf"\b{SPEAKER}{ADVERBS}\b(?:{MODAL_NOT}){ADVERBS}\b{HELP}\b",
    rf"\b(?:i|we) (?:am|are|would be){ADVERBS}\b(?:unable|unwilling|forbidden|prohibited|barred|not{ADVERBS}"
    r"(?:able|allowed|permitted|authori[sz]ed|programmed|designed|trained|equipped|comfortable|willing"
    r"|in a position|at liberty|supposed|meant|capable of|prepared|here|qualified|the right))\b",
    r"\b(?:i|we) (?:am|are)(?: \w+ly)? not going to (?!lie\b|sugar|deny|judge|say (?:it|that) (?:is|was)|bore"
    r"|be)\w+",
    rf"\b(?:i|we){ADVERBS}\b(?:am|are|do|will|would|can)?{ADVERBS}\bnot feel (?:comfortable|right|good"
    rf"|at ease)\b",
    rf"\b(?:i|we) do not (?:think|believe|feel)(?: that)? (?:i|we) (?:can|could|should"
    rf"|ought){ADVERBS}{HELP}\b",
    r"\b(?:i|we) do not (?:think|believe|feel)(?: that)? (?:it|this|that) (?:is|would be) (?:right"
    r"|appropriate|wise|safe|a good)\b",
    rf"\b(?:i|we)(?:{ADVERBS}| (?:will|would|am going|must|have|need|am obliged|am afraid i(?: must"
    rf"| have to)?"
    rf"|choose|prefer)(?: to)?{ADVERBS})\b(?:decline|refuse|reject|abstain|refrain from|draw the line"
    r"|pass on (?:this|that|it)|turn (?:this|that|it|you) down|withhold)\b",
    r"\b(?:i|we) (?:must|have to|am forced to|shall)\b[^.;:]{0,50}\b(?:decline|refuse)\b",
    r"\bi (?:would|will|do)? ?(?:rather|prefer)(?: to)? not\b",
    r"\bi (?:would|will)(?: have to| need to| must)? (?:respectfully |politely )?(?:pass|decline)\b",
    rf"\bnot something (?:that )?(?:i|we) {_WANT}\b",
    rf"\b(?:something|a (?:topic|subject|request|task|question)|anything) (?:that )?(?:i|we) (?:{_WANT}"
    rf"|do){ADVERBS}\bnot\b",
    rf"\b(?:something|topics?|requests?|content) (?:that )?(?:i|we) (?:am|are|must|have to)? ?{ADVERBS}"
    r"(?:unable|avoid|decline|stay away)\b",
    r"\b(?:beyond|outside|out) (?:of )?(?:what i|the (?:scope|bounds|limits) of (?:what i|my)"
    r"|my (?:\w+ )?(?:scope"
    r"|capabilit|purview|abilit|role|guidelines|remit|area|programming))",
    r"\bnothing (?:that )?i (?:can|could|am able)[^.]{0,20}\b(?:help|do|offer)\b"
    r"|\bno way (?:that )?i (?:am|will|can|would)\b",
    r"\b(?:would|will|is|are|be) (?:(?:also|very|highly|both|neither|be|\w+ly) )*(?:inappropriate"
    r"|irresponsible|unethical"
    r"|wrong|improper|illegal|unsafe|unwise|(?:not|never) (?:be )?(?:\w+ly )?(?:appropriate|right|ethical"
    r"|responsible|proper|acceptable|okay|ok|fair|safe|legal|wise))(?: (?:or|and|nor) \w+)?(?: for me)? to"
    rf"{ADVERBS}(?:{HELP}|ask)\b",
    r"\b(?:not possible|impossible) for (?:me|us) to\b",
    r"\b(?:my|these|our|the) (?:\w+ )?(?:guidelines?|polic(?:y|ies)|programming|rules?|principles?"
    r"|instructions?|training"
    r"|design|values|restrictions|ethics|safeguards|developers?|creators?)[^.]{0,30}\b(?:(?:do|does|will"
    r"|would) not (?:allow"
    r"|permit|let)|prevents?|prohibits?|forbids?|bars?|stops?|restricts?|disallows?)\b",
    r"\bi (?:have|had) (?:been )?(?:programmed|designed|trained|instructed|told|asked|built"
    r"|made)[^.]{0,30}\bnot to\b",
    r"\bi (?:am|was) (?:programmed|designed|trained|instructed|told|asked|built|made)[^.]{0,20}\b(?:not to"
    r"|to (?:avoid"
    r"|refuse|decline|reject|keep (?:that|this|it) (?:secret|private|confidential)))\b",
    r"\b(?:your |this |that |the |such a )?(?:request|query|prompt|question|content|topic|access"
    r"|permission)s? "
    r"(?:(?:is|are|was|were|has been|have been|can not be|will not be|must be) )?"
    r"(?:not )?(?:denied|refused|declined|rejected|blocked|flagged|off[- ]limits|forbidden|prohibited"
    r"|not (?:allowed|permitted)"
    r"|fulfilled|answered|processed|completed|honou?red|granted|supported)\b",
    r"\b(?:that|this|it) (?:information |topic )?is (?:strictly )?(?:confidential|classified|off[- ]limits"
    r"|off the table|a secret"
    r"|out of (?:bounds|the question)|not (?:up )?for discussion|not happening|not going to happen)\b",
    r"^(?:sorry|apologies|unfortunately|regretfully|regrettably|alas)?[ ,.!-]*(?:but )?(?:unable to"
    r"|not able to|can not|will not|"
    rf"must not|may not){ADVERBS}\b{HELP}\b",
    r"\bno can do\b|\bi will (?:never|not) (?:do|be)\b|\bnot (?:gonna|going to) happen\b|\bno such (?:help"
    r"|assistance)\b",
    r"\bi (?:have|am afraid i have|will have|am going) to (?:say no|stop (?:you )?(?:here|there|right))\b"
    r"|\bthe answer is no\b",
    r"\b(?:please )?(?:do not|stop) (?:ask|asking|expect|expecting) me to\b|\bi (?:will|can|must"
    r"|shall) not\b[ ,]*[.!]?$",
    rf"\b(?:neither|nor) (?:can|will|would|should|do|am|may) (?:i|we){ADVERBS}\b(?:{HELP})?\b",
    rf"\b(?:never|not|no) (?:\w+ ){{0,2}}(?:will|would|can|shall|could) (?:i|we){ADVERBS}\b{HELP}\b",
    r"\bi have no (?:intention|desire|wish|interest)[^.]{0,15}\b(?:of|to|in)\b|\bcount me out\b"
    r"|\bi am out\b[.!]?$",
    r"\b(?:is|are) (?:simply |just |really )?not (?:for me|mine to|my place)\b"
    r"|\boff (?:my|the) (?:list|menu|table)\b",
    r"\b(?:i|we) (?:am|are) not the (?:best|right|proper) (?:one|person|source|place|tool)\b"
    r"|\bnot (?:think|believe|feel)(?: that)? (?:i am|we are) the (?:best|right) (?:one|person|source)\b",
    r"\b(?:is|are) (?:a )?(?:firm |hard |clear |flat )?no (?:from|for) (?:me|us)\b",
    r"\b(?:i|we) (?:am|are|will be|will|would|must|shall|have to)(?: going to)? "
    r"(?:leaving?|skip(?:ping)?|sit(?:ting)?) "
    r"(?:this|that|it|these)(?: one| part)? (?:alone|out|there|be|unsaid|unanswered)\b",
    r"\b(?:is|are|this is|that is) where (?:i|we) (?:stop|draw|part|bow out)\b"
    r"|\bmy lips (?:are|stay|remain) sealed\b",
    r"\b(?:i|we|this (?:\w+ ){0,2}\w+) (?:am |is |are |be |will |shall |can ){0,2}"
    rf"(?:{HELP}|telling|giving|saying|sharing|revealing|showing|offering|teaching)(?: you)? "
    r"(?:absolutely )?(?:nothing|no (?:such|secrets?|answers?|details?|help|more))\b",
)
_REFUSAL = tuple(re.compile(rule) for rule in _RULES)

_POLICY = tuple(
    re.compile(rule)
    for rule in (
        r"\b(?:against|violat\w+|contrary to|conflict\w* with|(?:not )?(?:in line|compl\w+|align\w*"
        r"|consistent) with|not within"
        r"|inconsistent with|breach\w*|goes? beyond|outside)\b[^.]{0,15}\b(?:my|our|openai\S*|these"
        r"|community|safety"
        r"|content|usage|company)\b[^.]{0,30}\b(?:polic|guideline|programming|principle|rule|terms|values"
        r"|instruct|ethic"
        r"|training|standards|code|moral|design|purpose)",
        r"\b(?:content|usage|acceptable[- ]use|community) (?:polic(?:y|ies)|guidelines)\b",
    )
)

_BARE_NO = re.compile(
    r"^(?:(?:oh|um|uh|well|hmm|sorry)[,.! ]+)?(?:(?:nope|nah|nay|no way|absolutely not|certainly not"
    r"|definitely not"
    r"|of course not|not a chance|hard pass|no thanks|no thank you|no chance|negative|forget it"
    r"|i refuse)\b[ ,.!]*"
    # "no albums" and "never swim alone" count and command; neither says no to the one who asks
    r"|(?:no|never)(?:\s*$|\s*[,.!;:-]+|\s+(?:i|it|they|he|she|we|you|this|that|there|can|not|sir|ma'am)\b))"
)


def refusal(sentence: str) -> str | None:
    """Return the words with which a canonical sentence refuses, or None.

    Examples
    --------
    >>> refusal("i am sorry, but i can not help with that.")
    'i can not help'
    >>> refusal("i can not believe how good this cake is.") is None
    True
    >>> refusal("you can not divide by zero.") is None
    True
    """
    if NOT_HELP.search(sentence):
        return None
    for rule in _REFUSAL:
        found = rule.search(sentence)
        if found:
            return found.group(0).strip()
    return None


def policy(sentence: str) -> str | None:
    """Return the words that appeal to rules the speaker is under, or None.

    Examples
    --------
    >>> policy("that goes against my programming.") is not None
    True
    """
    for rule in _POLICY:
        found = rule.search(sentence)
        if found:
            return found.group(0).strip()
    return None


def is_bare_no(sentence: str) -> bool:
    """Whether the sentence begins by saying no and may be an answer as well as a refusal."""
    return _BARE_NO.match(sentence) is not None
