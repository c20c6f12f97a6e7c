"""Errors meant for a person: one sentence on what happened, one on what to do next."""


class CarillonError(Exception):
    """Expected failure. `sentence` says what happened and what it means, `remedy` what to do about it.

    Both are whole sentences; the command line prints them on one line and a page prints them side by side.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence, remedy)
        self.sentence = sentence
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".rstrip()
