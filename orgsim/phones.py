"""Phone numbers as people type them into a free-text field: many formats, some from abroad, some no number at all."""

from random import Random

from orgsim.text import words

# Area codes in use, without the non-geographic ones.
_AREA_CODES = words(
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 "
    "419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 "
    "520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 "
    "615 616 617 618 619 620 623 626 630 631 636 646 650 651 660 661 678 682 701 702 703 704 706 707 708 712 713 714 "
    "715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 "
    "804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 "
    "864 865 870 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 "
    "949 951 952 954 956 970 971 972 973 978 979 980 985 989"
)
# Exchanges start with 2 to 9 and are none of the service codes 211, 311 ... 911.
_EXCHANGES = tuple(f"{n:03}" for n in range(200, 1000) if n % 100 != 11)
_COUNT = len(_AREA_CODES) * len(_EXCHANGES) * 10_000
_STRIDE = 1_000_000_007

_FORMATS = (
    ("({a}) {e}-{l}",) * 44
    + ("{a}-{e}-{l}",) * 16
    + ("{a}.{e}.{l}",) * 8
    + ("{a}{e}{l}",) * 11
    + ("+1{a}{e}{l}",) * 7
    + ("+1-{a}-{e}-{l}",) * 3
    + ("1-{a}-{e}-{l}",) * 3
    + ("({a}){e}-{l}",) * 2
    + ("{a} {e} {l}",) * 2
    + ("+1 ({a}) {e}-{l}",) * 2
    + (" {a}-{e}-{l} ", "({a}) {e}-{l} x12")
)

# A # is any digit. Each pattern lies inside the country's mobile ranges.
_ABROAD = (
    "+44 7911 12####",
    "+44 7400 ######",
    "+447512######",
    "+44 (0)7400 ######",
    "+1 416 55# ####",
    "+1-604-55#-####",
    "+52 55 2##3 ####",
    "+91 98## ### ###",
    "+91-99###-#####",
    "+33 6 12 ## ## ##",
    "+49 151 23######",
    "+234 803 ### ####",
    "+86 138 #### ####",
    "+55 11 98###-####",
    "+353 87 ### ####",
    "+61 412 ### ###",
    "+82 10-2###-####",
    "+63 917 ### ####",
)
_JUNK = (
    "n/a",
    "N/A",
    "none",
    "call mom",
    "see email",
    "-",
    "unknown",
    "000-000-0000",
    "(123) 456-7890",
    "555-01##",
    "(212) 555-012",
    "999999999#",
    "617-55#-###",
    "1234567",
    "ask at front desk",
    "do not call",
)


def digits_of(number: int) -> tuple[str, str, str]:
    """The number-th US number as area code, exchange and line: no two of the first two thousand million are the same."""
    position = number * _STRIDE % _COUNT
    rest, line = divmod(position, 10_000)
    area, exchange = divmod(rest, len(_EXCHANGES))
    return _AREA_CODES[area], _EXCHANGES[exchange], f"{line:04}"


def us_number(rng: Random, number: int) -> str:
    area, exchange, line = digits_of(number)
    return _FORMATS[int(rng.random() * len(_FORMATS))].format(a=area, e=exchange, l=line)


def _filled(rng: Random, pattern: str) -> str:
    return "".join(str(int(rng.random() * 10)) if character == "#" else character for character in pattern)


def foreign_number(rng: Random) -> str:
    return _filled(rng, _ABROAD[int(rng.random() * len(_ABROAD))])


def junk(rng: Random) -> str:
    return _filled(rng, _JUNK[int(rng.random() * len(_JUNK))])
