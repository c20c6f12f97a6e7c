"""How people are looked up by name: one folded form, stored with each contact and used for each query. Pure."""

import unicodedata

# Letters that don't decompose, as people without that keyboard type them.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def fold(text: str) -> str:
    """Lower case without accents: 'Nuñez, Åsa' becomes 'nunez, asa'."""
    if text.isascii():
        return text.lower()
    # Decomposed first: letters such as 𝐀 have no lower case until they are a plain A.
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_PLAIN)


def sort_name(first_name: str, last_name: str) -> str:
    """Last name first, folded: what lists are sorted by and names are searched in. At most 300 characters."""
    return fold(f"{last_name} {first_name}".strip())[:300]
