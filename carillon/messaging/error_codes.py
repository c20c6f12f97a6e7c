"""What a carrier's error says about a number or a text, in words. Codes and meanings: Twilio's error reference."""

# The person opted out with the carrier: it blocks our texts to them.
OPTED_OUT = 21610
# Nothing ever arrives at such a number: no number, no mobile, none that can be texted, a landline or unreachable.
UNUSABLE = frozenset({21211, 21614, 21635, 30006})

# What to do where the account is the reason, so that no text leaves.
REMEDIES = {
    20003: "Enter both again.",
    20005: "Ask Twilio.",
    21606: "Check the numbers.",
    21659: "Check the numbers.",
    21660: "Check the numbers.",
    21704: "Add one in the Twilio console.",
    21705: "Check its SID.",
    30034: "Register it in the Twilio console.",
}

_WORDS = {
    20005: "The carrier has closed the account, or not opened it yet.",
    21659: "The carrier says that the number texts come from is none of its numbers.",
    21660: "The carrier says that the number texts come from belongs to another account.",
    21704: "The messaging service has no number.",
    21705: "The carrier does not know the messaging service.",
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
