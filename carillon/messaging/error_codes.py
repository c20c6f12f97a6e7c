"""What a carrier's error says about a number or a text, in words. Codes and meanings: Twilio's error reference."""

# The person opted out with the carrier: it blocks our texts to them.
OPTED_OUT = 21610
# Nothing ever arrives at such a number: no number, no mobile, none that can be texted, a landline or unreachable.
UNUSABLE = frozenset({21211, 21614, 21635, 30006})

_WORDS = {
    20003: "The carrier does not accept the account SID and auth token.",
    20429: "The carrier is busy.",
    OPTED_OUT: "This person opted out with the carrier, which blocks texts to them.",
    21211: "The carrier says that this is no valid number.",
    21606: "The carrier says that the number texts come from is not yours, or can't text this one.",
    21614: "The carrier says that this is not a mobile number.",
    21635: "The carrier says that this number is a landline.",
    30003: "The phone was off or out of reach.",
    30004: "The person or their network blocks the text.",
    30005: "The number is unknown: it may not exist any more.",
    30006: "The number is a landline, or no carrier reaches it.",
    30007: "The network took the text for spam.",
    30008: "The network gave no reason.",
    30034: "The number texts come from is not registered for A2P 10DLC.",
}


def words(code: int | None) -> str:
    if not code:
        return ""
    return f"{_WORDS.get(code, 'The carrier refused it.')} (error {code})"
