"""What a text says about texting: opt out, back in, help, likely an opt-out, or nothing. Pure.

A keyword is the whole message: any case, punctuation, emoji and blanks around it ignored. Whoever opts out is
understood generously (letters of other alphabets that look the same, accents, spaced letters), whoever opts in
literally. What a reasonable person would take for an opt-out without being a keyword is *likely*: people decide.
"""

import re
import unicodedata
from enum import Enum

OUT_WORDS = frozenset(
    [
        "stop",
        "stopall",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "revoke",
        "optout",
    ]  # "stop all", "opt-out": blanks removed
)
IN_WORDS = frozenset({"start", "unstop"})
HELP_WORDS = frozenset({"help", "info"})
# Opts in at carriers. Here it says nothing: it may answer any question, and Carillon asks none.
YES_WORDS = frozenset({"yes"})


class Meaning(Enum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    LIKELY_STOP = "likely_stop"
    NOTHING = "nothing"


# Capitals and small letters of Cyrillic and Greek that look like the Latin ones that opt-out words are made of.
_LOOK_ALIKES = str.maketrans(
    "АВСЕНІЈКМОРԚЅТՍХУΑΒΕΗΙΚΜΝΟΡΤΥΧаԁсеһіӏмոорԛгѕтսυνуοαερτ",
    "ABCEHIJKMOPQSTUXYABEHIKMNOPTYXadcehilmnopqrstuuvyoaept",
)
_BLANKS_AND_DASHES = re.compile(r"[\s\-‐-―_]+")
_WORDS = re.compile(r"[^\W_]+")

# What people put around an opt-out word without changing what it says.
_FILLERS = frozenset(
    [
        "please",
        "pls",
        "plz",
        "now",
        "just",
        "it",
        "this",
        "that",
        "these",
        "those",
        "all",
        "me",
        "ok",
        "okay",
        "thanks",
        "thank",
        "you",
        "sir",
        "maam",
        "hey",
        "hi",
        "hello",
        "everything",
        "already",
        "immediately",
        "sent",
        "from",
        "my",
        "iphone",
    ]
)
# Words that alone, or with fillers, are likely an opt-out, in what people here speak.
_LIKELY_WORDS = (
    OUT_WORDS
    | frozenset(
        [
            "remove",
            "stopp",
            "stahp",
            "unsub",
            "unsuscribe",
            "unsubcribe",
            "desuscribir",
            "cease",
            "desist",
            "alto",
            "parar",
            "pare",
            "basta",
            "arret",
        ]
        # "стоп" in Russian, with the letters that look Latin made Latin.
    )
    | {"стоп".translate(_LOOK_ALIKES)}
)
_MESSAGES = r"(?:text|texts|texting|txt|txts|message|messages|messaging|msg|msgs|sms|spam|spamming|alerts?)"
_CONTACT = (
    rf"(?:{_MESSAGES}|contact|contacting|bother|bothering|bugging|harassing|calling|writing|notifications)"
)
_BETWEEN = (
    r"(?:(?:the|these|those|this|all|your|any|with|me|my|us|to|of|from|send|sending|getting|receiving|giving|getting|"
    r"sharing|annoying|stupid|unwanted|more|and|blowing|up|phone|by|being) ){0,5}"
)
_LIKELY = re.compile(
    "|".join(
        (
            rf"\b(?:stop|quit|cease|end|discontinue|no more|cancel) {_BETWEEN}{_CONTACT}\b",
            rf"\b(?:do not|dont|never) (?:ever )?(?:(?:send|sending) )?(?:me )?(?:any )?(?:more )?{_CONTACT}"
            r"(?: me| us| this| here| again| anymore|$)",
            rf"\b(?:do not|dont|never|no longer) (?:want|wish|need)\b.{{0,40}}\b{_CONTACT}\b",
            r"\bunsubscribe(?: me| us| this| my| from)?\b",
            r"\bopt(?:ing|ed)? (?:me |us )?out\b",
            r"\b(?:remove|delete|take|drop|get) (?:me|us|my (?:cell |phone )?(?:number|name|phone|info))"
            r" ?(?:from|off|out|$)",
            r"\b(?:remove|delete|lose) (?:my|this) (?:cell |phone )?number\b",
            r"\bleave me alone\b",
            r"\b(?:revoke|withdraw)\b.{0,30}\bconsent\b",
            r"\bwrong (?:number|person)\b",
        )
    )
)
# "Don't stop texting me" asks for the contrary.
_CONTRARY = re.compile(
    r"\b(?:dont|do not|never|cant|cannot|wont|didnt|did not)(?: ever| want you to| want to)? "
    r"(?:stop|quit|cancel|end|unsubscribe|opt|remove)\b"
)


def understand(text: str) -> Meaning:
    """What the whole of one inbound text says."""
    plain = _plain(text)
    generous = _generous(text)
    if _BLANKS_AND_DASHES.sub("", generous) in OUT_WORDS:
        return Meaning.STOP
    if plain in IN_WORDS:
        return Meaning.START
    if plain in HELP_WORDS:
        return Meaning.HELP
    return Meaning.LIKELY_STOP if _is_likely(text, generous) else Meaning.NOTHING


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


def _is_likely(text: str, generous: str) -> bool:
    said = " ".join(_WORDS.findall(re.sub("['’ʼ`´]", "", generous)))
    if _CONTRARY.search(said):
        return False
    words = said.split()
    telling = [word for word in words if word not in _FILLERS]
    if telling and set(telling) <= _LIKELY_WORDS:
        return True
    if not words and "🛑" in text:
        return True
    # s.t.o.p: letters with anything between them.
    if "".join(words) in OUT_WORDS and max(map(len, words)) == 1:
        return True
    return bool(_LIKELY.search(said))


def _plain(text: str) -> str:
    return _strip(_visible(text).casefold())


def _visible(text: str) -> str:
    """One form for all ways to write a letter; what nobody sees is taken out."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(
        c for c in composed if unicodedata.category(c) not in ("Cf", "Cc", "Cs", "Co") or c in "\t\n\r"
    )


def _generous(text: str) -> str:
    latin = unicodedata.normalize("NFKD", _visible(text).translate(_LOOK_ALIKES)).casefold()
    return _strip("".join(c for c in latin if not unicodedata.combining(c)))


def _strip(text: str) -> str:
    """Without what stands around the outermost letters and digits; single blanks inside."""
    kept = [index for index, c in enumerate(text) if c.isalnum()]
    return " ".join(text[kept[0] : kept[-1] + 1].split()) if kept else ""
