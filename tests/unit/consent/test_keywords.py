"""What texts say, word by word; the tables are what people and carriers write."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.consent.keywords import HELP_WORDS, IN_WORDS, OUT_WORDS, Meaning, carriers_meaning, understand

STOPS = [
    *("STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE"),
    *("OPTOUT", "OPT OUT", "OPT-OUT"),
    *("stop", "Stop", "sToP", "opt‑out", "Opt – out", "stop-all", "un-subscribe"),
    *("Stop.", "STOP!!!", "¡STOP!", '"STOP"', "“Stop”", "‘stop’", "«stop»", "(stop)", "*STOP*", "...stop..."),
    *(
        " stop ",
        "\tstop\n",
        "stop\u00a0",
        "\u2003stop",
        "stop\u200b",
        "\u200estop\u200f",
        "st\u00adop",
        "\ufeffstop",
    ),
    *("STOP 🛑", "🛑 STOP", "👎🏽stop👎🏽", "stop ❤️", "STOP?"),
    *("S T O P", "s-t-o-p", "STOP   ALL", "opt\nout"),
    *("ＳＴＯＰ", "𝐒𝐓𝐎𝐏", "𝓼𝓽𝓸𝓹", "ⓢⓣⓞⓟ", "🅂🅃🄾🄿", "ЅТОР", "ѕтор", "SТOP", "SΤΟΡ", "STÖP", "s̶t̶o̶p̶", "Ⓠuit"),
    *("🆂🆃🅾🅿", "🅢🅣🅞🅟", "🇸🇹🇴🇵", "🇪🇳🇩", "ꜱᴛᴏᴘ", "ՏТОР", "stօp", "ᏚᎢOᏢ", "ꓢꓔꓳꓑ", "STOP 🇺🇸", "🅿 STOP"),
]
STARTS = ["START", "start", "Start!", "UNSTOP", "unstop.", "“Start”", "START 😀", "ＳＴＡＲＴ", "\u200bstart"]
HELPS = ["HELP", "help!", "Info", "INFO?", "“help”"]
LIKELY = [
    *(
        "stop texting me",
        "Please stop texting me",
        "please stop",
        "STOP PLEASE",
        "stop now",
        "Stop it",
        "stop this",
    ),
    *(
        "STOP STOP STOP",
        "stop, thanks",
        "ok stop",
        "STOP 🛑 please",
        "s.t.o.p.",
        "🛑",
        "stop\n\nSent from my iPhone",
    ),
    *(
        "Stop sending me messages",
        "stop all these texts",
        "stop with the texts",
        "quit texting",
        "cease messaging me",
    ),
    *(
        "I want to stop receiving texts",
        "how do I stop these messages?",
        "cancel these alerts",
        "no more texts!",
    ),
    *(
        "don't text me",
        "Don’t text me again",
        "do not contact me",
        "never message me again",
        "dont send me texts",
    ),
    *(
        "I don't want these texts",
        "I no longer wish to receive your messages",
        "do not want to get msgs from you",
    ),
    *(
        "unsubscribe me",
        "Please unsubscribe",
        "I'd like to unsubscribe from this list",
        "unsub",
        "unsuscribe",
    ),
    *("opt me out", "I am opting out", "I want to opt out of this", "opt out please", "optout please"),
    *(
        "remove",
        "remove me",
        "Remove me from your list",
        "take me off this list",
        "delete my number",
        "lose my number",
    ),
    *(
        "get me off your list",
        "remove my number from your system",
        "leave me alone",
        "wrong number",
        "Wrong person sorry",
    ),
    *(
        "I revoke my consent",
        "I withdraw my consent to texts",
        "Why don't you stop texting me",
        "стоп",
        "ALTO",
        "Arrêt",
    ),
    # A keyword that is a sentence or a line of its own.
    *("Who is this? STOP", "Stop, who is this", "STOP - John", "STOP\n--\nJohn Doe", "No. Unsubscribe. Now."),
    *("Who is this\nSTOP", "stop\r\nthe lawyers are next", "Liked it, stop"),
    *("STOP — sent from my Samsung Galaxy", "I said STOP. You did not stop", "Hi! Opt out!"),
    # Several keywords, and what our own texts say of them.
    *(
        "STOPTEXTINGME",
        "pleasestoptexting",
        "STOPSTOP",
        "stopstopstop",
        "stopandend",
        "STOP HELP",
        "HELP STOP",
        "stop start",
        "start stop",
        "STOP YES",
    ),
    *("Text STOP", "reply stop", "STOP to end", "stop 2 quit", "STOP2END", "st0p", "sotp"),
    *(
        "no more",
        "No more please",
        "I want to stop",
        "I would like this to stop",
        "can you stop",
        "can u pls stop",
    ),
    *("why do you keep texting me stop", "you didn't stop texting me", "Do not call or text me", "block me"),
    *(
        "Cancel subscription",
        "end my subscription",
        "un-subscribe me",
        "remove number",
        "Go away!",
        "fuck off",
    ),
    *("🚫", "⛔⛔", "CANCELAR", "Baja", "alto por favor", "no más mensajes", "No me envíen más textos"),
    *("dejen de mandar mensajes", "ya no me escriban", "arrêtez", "désabonner"),
    # In other words.
    *("stop sending me stuff", "Quit sending these", "Stop all communication", "stop communicating with me"),
    *(
        "No texts please",
        "please no messages",
        "No further texts",
        "no further contact",
        "no stop",
        "SPAM STOP",
    ),
    *("I told you to stop", "make it stop", "These texts must stop", "How do I stop this?", "txt stop"),
    *("Do not send me anything ever again", "don't send anymore", "remove from list", "revoking my consent"),
    *(
        "I'm on the Do Not Call list",
        "I do not consent to these",
        "consent revoked",
        "I never consented, stop",
    ),
    *("Ya no quiero mensajes", "No deseo recibir más mensajes", "Número equivocado", "quiero darme de baja"),
    *("eliminar mi número", "Arrêtez de m'envoyer des messages"),
]
NOTHINGS = [
    *(
        "",
        "   ",
        "👍",
        "?",
        "STOP this bill!",
        "non-stop fun",
        "Nonstop!",
        "I will stop by at noon",
        "bus stop",
    ),
    *(
        "I can't stop by today, text me later",
        "when does the program end?",
        "The End",
        "weekend",
        "I quit smoking",
    ),
    *(
        "cancel my appointment",
        "Can I cancel my campus visit?",
        "my stopwatch",
        "unstoppable",
        "pit stop",
        "stopped",
    ),
    # Phones' reactions to one of our own texts.
    *("Liked “Hi! Reply STOP to opt out.”", 'Loved "Unsubscribe: text STOP"', "👍 to “Reply STOP to end”"),
    *("Reacted 😂 to “Text STOP”", "Removed a like from “Opt out: STOP”", "Laughed at “STOP”"),
    *(
        "stop by tomorrow",
        "Stop by",
        "stop-gap",
        "end of week?",
        "START please",
        "help please",
        "no more snow?",
    ),
    *(
        "I want to stop by",
        "where does the bus stop",
        "Can you stop by?",
        "I go away this weekend",
        "unstop me",
    ),
    *(
        "no mas tarde que las 3",
        "más mensajes por favor",
        "🎉🚫🎉 entry?",
        "send help",
        "reply soon",
        "end 2 end",
    ),
    *(
        "Don't send anything yet",
        "I got no texts today",
        "no message from you?",
        "how do I stop by?",
        "no, spam",
    ),
    *(
        "don't stop sending these",
        "did you send it? no",
        "make it to the bus stop",
        "consent form",
        "no end yet",
    ),
    *("don't stop texting me", "Never stop texting me!", "please don't unsubscribe me", "I did not opt out"),
    *(
        "start over",
        "Let's start",
        "when do we start?",
        "s t a r t",
        "СТАRТ",
        "restart",
        "un stop",
        "UN-STOP",
    ),
    *(
        "YES",
        "yes please",
        "no",
        "helpful",
        "help me",
        "more info",
        "information",
        "revoked?",
        "Endocrinology",
    ),
    *(
        "the messages were great",
        "text me",
        "I opted in yesterday",
        "what's the optional fee",
        "removed the snow",
    ),
]


@pytest.mark.parametrize("text", STOPS)
def test_a_keyword_alone_opts_out_however_it_is_dressed(text: str) -> None:
    assert understand(text) is Meaning.STOP


@pytest.mark.parametrize("text", STARTS)
def test_start_and_unstop_opt_in(text: str) -> None:
    assert understand(text) is Meaning.START


@pytest.mark.parametrize("text", HELPS)
def test_help_and_info_ask_for_help(text: str) -> None:
    assert understand(text) is Meaning.HELP


@pytest.mark.parametrize("text", LIKELY)
def test_what_a_reasonable_person_takes_for_an_opt_out_is_likely(text: str) -> None:
    assert understand(text) is Meaning.LIKELY_STOP


@pytest.mark.parametrize("text", NOTHINGS)
def test_other_texts_say_nothing(text: str) -> None:
    assert understand(text) is Meaning.NOTHING


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("stop", Meaning.STOP),
        (" STOP\n", Meaning.STOP),
        ("OptOut", Meaning.STOP),
        ("start", Meaning.START),
        ("Yes", Meaning.START),
        ("help", Meaning.HELP),
        ("stop.", None),
        ("stop all", None),
        ("yes!", None),
        ("", None),
    ],
)
def test_carriers_act_on_the_bare_word_only(text: str, meaning: Meaning | None) -> None:
    assert carriers_meaning(text) is meaning


AROUND = st.text(
    alphabet=st.characters(categories=["P", "Zs", "So", "Sc", "Cf"], exclude_characters="'`’"), max_size=8
).filter(lambda text: not any(c.isalnum() for c in unicodedata.normalize("NFKC", text)))


@given(
    word=st.sampled_from(sorted(OUT_WORDS | IN_WORDS | HELP_WORDS)),
    capitals=st.lists(st.booleans(), min_size=11, max_size=11),
    before=AROUND,
    after=AROUND,
)
def test_case_and_what_stands_around_change_no_keyword(
    word: str, capitals: list[bool], before: str, after: str
) -> None:
    dressed = "".join(c.upper() if up else c for c, up in zip(word, capitals, strict=False))

    assert understand(before + dressed + after) is understand(word)
    assert understand(word) is not Meaning.NOTHING


@given(st.text(max_size=200))
def test_any_text_has_a_meaning_and_only_start_words_opt_in(text: str) -> None:
    meaning = understand(text)

    letters = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    assert meaning is not Meaning.START or letters in IN_WORDS


@pytest.mark.parametrize(
    "text",
    [
        "stop the my " * 4000,
        "stopallto" * 6000 + "x",
        "do not want " * 5000,
        "liked “" * 9000,
        " - " * 20000,
        "." * 64000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    """What grows with the square of the length, or worse, takes minutes here."""
    assert understand(text) is Meaning.NOTHING


@given(word=st.sampled_from(sorted(OUT_WORDS)), other=st.from_regex(r"[a-z0-9]{2,12}", fullmatch=True))
def test_a_keyword_among_other_words_is_never_exact(word: str, other: str) -> None:
    alone = f"{other}{word}" in OUT_WORDS or f"{word}{other}" in OUT_WORDS

    assert alone or understand(f"{other} {word}") is not Meaning.STOP
    assert alone or understand(f"{word} {other}") is not Meaning.STOP
