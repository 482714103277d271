"""Refusals in languages other than English: the same frame, speaker + negated ability + help, by language."""

import re

__all__ = ["REFUSALS", "foreign_refusal"]

_PATTERNS = {
    "de": r"\b(?:kann|darf|werde|möchte|könnte|will)\b[^.!?]{0,60}\b(?:nicht|keine\w*|leider)\b"
        r"|\bleider (?:nicht|kann|darf|ist)\b|\bes tut mir leid\b"
    r"|\bich (?:lehne|weigere|muss ablehnen)\b|\bbin (?:leider )?nicht (?:in der lage|befugt|berechtigt)\b"
    r"|\bals ki\b",
    "fr": r"\b(?:je|nous) ne (?:peux|puis|pourrai|pouvons|suis|veux|vais|saurais)\b[^.!?]{0,30}\b(?:pas"
        r"|aucun\w*|vous|en mesure)\b|\bje (?:refuse|dois refuser|décline)"
    r"|\bje suis (?:vraiment )?désolée?\b[^.!?]{0,12}\bmais\b|\bil m'est impossible\b|\ben tant qu'(?:ia"
    r"|intelligence|assistant)|\bje n'ai pas accès\b|\bil ne m'est pas possible\b",
    "es": r"\bno (?:puedo|podemos|podré|debo|voy a|estoy (?:autorizad|capacitad|en condiciones))\w*\b"
        r"|\blo siento,? pero\b|\bme niego\b|\bme es imposible\b|\bcomo (?:una? )?(?:ia|modelo"
        r"|inteligencia)\b",
    "it": r"\bnon (?:posso|possiamo|sono (?:in grado|autorizzat\w)|mi è possibile|intendo|voglio)\b"
        r"|\bmi dispiace,? ma\b|\bmi rifiuto\b|\bdevo rifiutare\b",
    "pt": r"\bnão (?:posso|podemos|poderei|consigo|vou|devo|estou (?:autorizad|apt)\w)\b|\b(?:desculpe"
        r"|desculpa|lamento|sinto muito),? mas\b|\brecuso\b",
    "nl": r"\b(?:kan|mag|wil|zal|ga)\b[^.!?]{0,50}\b(?:niet|geen)\b|\bhet spijt me\b|\bik weiger\b"
        r"|\bik moet (?:dit|dat)? ?weigeren\b",
    "sv": r"\b(?:kan|får|tänker|vill|kommer)\b[^.!?]{0,30}\binte\b|\btyvärr\b|\bjag vägrar\b"
        r"|\bförlåt,? men\b",
    "pl": r"\bnie (?:mogę|możemy|jestem w stanie|będę|wolno)\b|\bprzykro mi\b|\bprzepraszam,? ale\b"
        r"|\bodmawiam\b",
    "tr": r"\b\w+(?:emem|amam|emiyorum|amıyorum|emeyiz|amayız)\b|\büzgünüm\b|\bmaalesef\b|\breddediyorum\b",
    "id": r"\b(?:tidak (?:bisa|dapat|boleh|akan|mampu))\b|\bmaaf,? (?:saya|tetapi|tapi|kami)\b"
        r"|\bsaya menolak\b",
    "vi": r"\bkhông thể\b|\bxin lỗi\b|\btừ chối\b",
    "sw": r"\bsamahani\b|\bsiwezi\b|\bhatuwezi\b",
    "ru": r"\bне (?:могу|можем|буду|стану|имею права|в состоянии)\b|\b(?:извините|простите|к сожалению"
        r"|сожалею)\b[^.!?]{0,20}\b(?:но|не|я)\b|\bотказываюсь\b|\bвынужден\w* отказать",
    "uk": r"\bне (?:можу|можемо|буду)\b|\bвибачте\b|\bна жаль\b|\bвідмовляюся\b",
    "bg": r"\bне (?:мога|можем|ще)\b|\bсъжалявам\b|\bотказвам\b",
    "zh": r"(?:无法|不能|不可以|不便|没办法|不会|不被允许|無法)[^。！？]{0,20}"
        r"(?:提供|帮|幫|回答|协助|協助|满足|滿足|分享|完成|讨论|討論|支持|写|寫)"
        r"|(?:抱歉|对不起|對不起|很遗憾|很遺憾)[^。！？]{0,12}(?:我|但|无法|無法|不)|拒绝|拒絕",
    "ja": r"(?:できません|できかねます|お断り|いたしかねます|応じられません|お応えできません"
        r"|提供できません|申し訳(?:ありません|ございません)|ごめんなさい)",
    "ko": r"(?:수 없습니다|수 없어요|드릴 수 없|할 수 없|불가능합니다|죄송(?:합니다|하지만|해요)|거절)",
    "ar": r"(?:لا (?:أستطيع|يمكنني|نستطيع|يمكننا)|آسف|عذر[اً]|أعتذر|أرفض)",
    "fa": r"(?:نمی\s?‌?توانم|متاسفم|متأسفم|متاسفانه|متأسفانه|اجازه ندارم)",
    "ur": r"(?:نہیں کر سکتا|نہیں دے سکتا|معذرت|معاف کیجیے)",
    "hi": r"(?:नहीं कर सकता|नहीं कर सकती|नहीं दे सकता|नहीं दे सकती|मदद नहीं|माफ़ कीजिए|माफ कीजिए"
        r"|क्षमा करें|खेद है)",
}  # fmt: skip
REFUSALS = {code: re.compile(pattern) for code, pattern in _PATTERNS.items()}
"""Compiled patterns over lower-case text, by ISO 639-1 code."""


def foreign_refusal(sentence: str, language: str) -> str | None:
    """Return the words with which a lower-case sentence of a language refuses, or None.

    Examples
    --------
    >>> foreign_refusal("lo siento, pero no puedo ayudarte.", "es")
    'lo siento, pero'
    """
    pattern = REFUSALS.get(language)
    found = pattern.search(sentence) if pattern else None
    return found.group(0) if found else None
