"""What a text says about texting: opt out, back in, help, likely an opt-out, or nothing. Pure.

A keyword is the whole message: any case, punctuation, emoji and blanks around it ignored. Whoever opts out is
understood generously (letters of other alphabets that look the same, accents, spaced letters), whoever opts in
literally. What a reasonable person would take for an opt-out without being a keyword is *likely*: people decide.
"""

import re
import unicodedata
from enum import Enum


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Compared with blanks and dashes removed: "stop all", "opt-out".
OUT_WORDS = _words("stop stopall unsubscribe cancel end quit revoke optout")
IN_WORDS = _words("start unstop")
HELP_WORDS = _words("help info")
# Opts in at carriers. Here it says nothing: it may answer any question, and Carillon asks none.
YES_WORDS = _words("yes")


class Meaning(Enum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    LIKELY_STOP = "likely_stop"
    NOTHING = "nothing"


# Capitals and small letters of other alphabets (Cyrillic, Armenian and Greek; Cherokee; Lisu) that look like the Latin
# ones that opt-out words are made of.
_LOOK_ALIKES = str.maketrans(
    "АВСЕНІЈКМОРԚЅՏТՍХУΑΒΕΗΙΚΜΝΟΡΤΥΧаԁсеһіӏмոоօрԛгѕтսυνуοαερτᎪᏟᎠᎬᏞᎷᏢᏚᎢᏙᎥꓮꓚꓓꓰꓲꓡꓠꓳꓑꓣꓢꓔꓴꓦ",
    "ABCEHIJKMOPQSSTUXYABEHIKMNOPTYXadcehilmnoopqrstuuvyoaeptACDELMPSTVIACDEILNOPRSTUV",
)
# Letters in boxes and circles, small capitals, and what flags are made of: their plain form is in their name only.
# Beside a word some are emoji (a flag, a parking sign), so they count when the whole is spelled with them.
_NAMED_LETTER = re.compile(
    r"(?:NEGATIVE .* CAPITAL LETTER|LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])"
)
_BLANKS_AND_DASHES = re.compile(r"[\s\-‐-―_]+")
_WORDS = re.compile(r"[^\W_]+")
# What stands between sentences, lines, and a name or a greeting and the rest.
_PARTS = re.compile(r"[.,;:!?\n\r|/…]+|\s[\-‐-―]+\s")
_STOP_SIGNS = frozenset("🛑🚫⛔")

# What people put around an opt-out word without changing what it says; other keywords among them.
_FILLERS = (
    IN_WORDS
    | HELP_WORDS
    | YES_WORDS
    | _words(
        "please pls plz now just it this that these those all me ok okay thanks thank you sir maam hey hi hello everything"
        " already immediately sent from my iphone por favor ya and but no spam"
    )
)
# Words that alone, or with fillers, are likely an opt-out, in what people here speak.
_LIKELY_WORDS = OUT_WORDS | _words(
    "remove stopp stahp st0p sotp stpo unsub unsuscribe unsubcribe cease desist"
    " desuscribir cancelar detener baja alto parar pare basta arret arreter arretez desabonner"
    # In Russian, with the letters that look Latin made Latin.
    f" {'стоп'.translate(_LOOK_ALIKES)}"
)
_OUT = "|".join(sorted(OUT_WORDS, key=len, reverse=True))
_RUN_TOGETHER = re.compile(rf"(?=.*(?:{_OUT}))(?:{_OUT}|all|2|to|and)++")
_MESSAGES = r"(?:text|texts|texting|txt|txts|message|messages|messaging|msg|msgs|sms|spam|spamming|alerts?)"
_CONTACT = (
    rf"(?:{_MESSAGES}|contact|contacting|bother|bothering|bugging|harassing|calling|writing|notifications|"
    r"subscriptions?|communicating|communications?)"
)
_BETWEEN = (
    r"(?:(?:the|these|those|this|all|your|my|any|with|me|us|to|of|from|send|sending|getting|receiving|giving|"
    r"sharing|annoying|stupid|unwanted|more|and|blowing|up|phone|by|being) ){0,5}"
)
_MESSAGES_ALL = r"(?:texts|texting|txts|messages|messaging|msgs|sms)"
_SPANISH = r"(?:mensajes?|textos?|sms)"
_LIKELY = re.compile(
    "|".join(
        (
            rf"\b(?:stop|quit|cease|end|discontinue|no more|cancel) {_BETWEEN}{_CONTACT}\b",
            rf"\b(?:please|pls|plz)?(?:stop|quit|cease)(?:sending|getting)?{_MESSAGES}",
            r"\b(?:stop|quit|cease) sending\b",
            rf"\bno (?:further|additional) {_CONTACT}\b",
            rf"^(?:please )?no {_MESSAGES_ALL}(?: please| thanks| thank you)?$",
            r"\b(?:text|txt|reply|send|said|say|texting me) stop\b",
            rf"\bstop (?:to|2) (?:{_OUT})\b",
            r"^(?:please )?(?:no more|go away)(?: please| thanks| thank you)?$",
            r"\b(?:want|like|need)(?: (?:this|it|you|u|these|them))? to stop$",
            rf"\b{_MESSAGES_ALL} (?:must|should|need to|have to) stop$",
            r"\b(?:make (?:it|this|that|these|them)|told (?:you|u) to) stop$",
            r"\bhow (?:do|can) i stop (?:this|that|these|it|them)$",
            r"\b(?:can|could|will|would) (?:you|u) (?:please |pls |plz |just )?stop(?: please| it| this| now)?$",
            rf"\b(?:do not|dont|never) (?:ever )?(?:(?:call|email|write) (?:or|and) )?"
            rf"(?:(?:send|sending) )?(?:me )?(?:any )?(?:more )?{_CONTACT}"
            r"(?: me| us| this| here| again| anymore|$)",
            r"\b(?:do not|dont|never) send (?:me )?(?:anything|any ?more)(?: else| again| ever again| please)?$",
            rf"\b(?:do not|dont|never|no longer) (?:want|wish|need)\b.{{0,40}}\b{_CONTACT}\b",
            r"\bun ?subscribe(?: me| us| this| my| from|$)",
            r"\bopt(?:ing|ed)? (?:me |us )?out\b",
            r"\b(?:remove|delete|take|drop|get) (?:me|us|my (?:cell |phone )?(?:number|name|phone|info))"
            r" ?(?:from|off|out|$)",
            r"\b(?:remove|delete|lose) (?:my |this )?(?:cell |phone )?number\b",
            r"\bremove from (?:the |this |your )?list\b|\bdo not call (?:list|registry)\b",
            r"\bleave me alone\b|\bblock me\b|\bfuck off\b",
            r"\b(?:revok(?:e|ed|ing)|withdraw(?:n|ing)?)\b.{0,30}\bconsent\b",
            r"\b(?:do not|dont|did not|didnt|never) consent\b|\bconsent (?:is )?(?:revoked|withdrawn)\b",
            r"\bwrong (?:number|person)\b",
            rf"\bno (?:quiero|deseo) (?:recibir )?(?:mas )?{_SPANISH}\b|\bnumero equivocado\b|\bda(?:me|rme) de baja\b",
            r"\b(?:borra|elimina)(?:r|n|me)? mi numero\b|\barrete[rz] de m ?(?:envoyer|ecrire|texter)\b",
            rf"\bno mas {_SPANISH}\b|\bdej(?:a|e|en) de (?:mandar|enviar|escribir|textear)",
            r"\bno me (?:envi|mand|escrib|text)(?:e|a|ee|es|as|en|an|een)\b",
        )
    )
)
# What phones text for a tap on one of our texts, which says how to opt out.
_REACTION = re.compile(
    r"\s*(?:(?:dis)?liked|loved|laughed at|emphasi[sz]ed|questioned|removed an? [\w ]+ from|(?:reacted )?[^\w\s]{1,8} to)"
    r"\s+[“\"].*[”\"]\s*",
    re.DOTALL | re.IGNORECASE,
)
# "Don't stop texting me" asks for the contrary; "you didn't stop" does not.
_CONTRARY = re.compile(
    r"\b(?:dont|do not|never|cant|cannot|(?<!you )(?:wont|didnt|did not))(?: ever| want you to| want to)? "
    r"(?:stop|quit|cancel|end|unsubscribe|opt|remove)\b"
)


def understand(text: str) -> Meaning:
    """What the whole of one inbound text says."""
    plain = _plain(text)
    latin = _latin(text)
    if _compact(latin) in OUT_WORDS or _compact(_latin(_spelled(text))) in OUT_WORDS:
        return Meaning.STOP
    if plain in IN_WORDS:
        return Meaning.START
    if plain in HELP_WORDS:
        return Meaning.HELP
    if _REACTION.fullmatch(text):
        return Meaning.NOTHING
    return Meaning.LIKELY_STOP if _is_likely(text, latin) else Meaning.NOTHING


def is_yes(text: str) -> bool:
    return _plain(text) in YES_WORDS


def carriers_meaning(text: str) -> Meaning | None:
    """What carriers take it for, and act on, by themselves: the bare word, in any case; None for all else."""
    word = text.strip().casefold()
    if word in OUT_WORDS:
        return Meaning.STOP
    if word in IN_WORDS | YES_WORDS:
        return Meaning.START
    return Meaning.HELP if word in HELP_WORDS else None


def _is_likely(text: str, latin: str) -> bool:
    words = _WORDS.findall(re.sub("['’ʼ`´]", "", latin))
    if not words:
        return not _STOP_SIGNS.isdisjoint(text)
    telling = {word for word in words if word not in _FILLERS}
    if telling and telling <= _LIKELY_WORDS:
        return True
    joined = "".join(words)
    # s.t.o.p: letters with anything between them.
    if joined in OUT_WORDS and max(map(len, words)) == 1:
        return True
    if len(words) == 1 and _RUN_TOGETHER.fullmatch(joined):
        return True
    if any(_compact(part) in OUT_WORDS for part in _PARTS.split(latin)):
        return True
    said = " ".join(words)
    return bool(_LIKELY.search(said)) and not _CONTRARY.search(said)


def _compact(text: str) -> str:
    return _BLANKS_AND_DASHES.sub("", _strip(text))


def _plain(text: str) -> str:
    return _strip(_visible(text).casefold())


def _visible(text: str) -> str:
    """One form for all ways to write a letter; what nobody sees is taken out."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(
        c for c in composed if unicodedata.category(c) not in ("Cf", "Cc", "Cs", "Co") or c in "\t\n\r"
    )


def _latin(text: str) -> str:
    latin = unicodedata.normalize("NFKD", _visible(text).translate(_LOOK_ALIKES)).casefold()
    return "".join(c for c in latin if not unicodedata.combining(c))


def _spelled(text: str) -> str:
    named = ((c, _NAMED_LETTER.fullmatch(unicodedata.name(c, ""))) for c in text)
    return "".join(letter[1] if letter else c for c, letter in named)


def _strip(text: str) -> str:
    """Without what stands around the outermost letters and digits; single blanks inside."""
    kept = [index for index, c in enumerate(text) if c.isalnum()]
    return " ".join(text[kept[0] : kept[-1] + 1].split()) if kept else ""
