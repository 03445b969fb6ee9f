"""Text → the quantities that an approximate token count is a linear function of.

A byte-pair tokenizer first cuts text into pieces (a word with the space before it, up to three digits, a run of
punctuation, a run of white space …) and merges within a piece only. So the cut is made here in the same way, but on
the *shape* of the text: every character is replaced by the class it is in (``a`` lower case, ``A`` upper case, ``0``
digit, one code for each script; ASCII punctuation stands for itself). Shapes repeat far more often than words do, so
what a shape is worth is worked out once and remembered.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping

#: Size of the class table: planes 0 and 1. What lies beyond (rare Han) keeps its own code and counts as ``other``.
_TABLE_SIZE = 0x20000

#: (first, last, class). Later rows win.
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0000, 0x001F, "\x01"),  # controls
    (0x007F, 0x009F, "\x01"),
    (0x00A0, 0x00BF, "\x02"),  # Latin-1 signs
    (0x00C0, 0x024F, "e"),  # Latin letters with marks
    (0x0300, 0x036F, "m"),  # combining marks
    (0x0370, 0x03FF, "g"),
    (0x0400, 0x045F, "c"),
    (0x0460, 0x052F, "C"),  # Cyrillic letters of other languages than the Slavic ones
    (0x0530, 0x058F, "y"),
    (0x0590, 0x05FF, "h"),
    (0x0600, 0x06FF, "r"),
    (0x0750, 0x077F, "R"),
    (0x0900, 0x097F, "d"),
    (0x0980, 0x09FF, "b"),
    (0x0A00, 0x0B7F, "i"),
    (0x0B80, 0x0BFF, "l"),
    (0x0C00, 0x0C7F, "u"),
    (0x0C80, 0x0CFF, "k"),
    (0x0D00, 0x0D7F, "n"),
    (0x0D80, 0x0DFF, "i"),
    (0x0E00, 0x0E7F, "t"),
    (0x0E80, 0x0FFF, "i"),
    (0x1000, 0x109F, "w"),
    (0x10A0, 0x10FF, "q"),
    (0x1100, 0x11FF, "K"),
    (0x1780, 0x17FF, "x"),
    (0x1E00, 0x1EFF, "v"),  # Vietnamese, in the main
    (0x1F00, 0x1FFF, "g"),
    (0x2000, 0x206F, "\x02"),  # general punctuation
    (0x2070, 0x24FF, "\x03"),  # arrows, mathematics
    (0x2500, 0x25FF, "\x05"),  # boxes, blocks, shapes
    (0x2600, 0x27BF, "E"),
    (0x27C0, 0x2BFF, "\x03"),
    (0x3000, 0x303F, "\x04"),  # CJK punctuation
    (0x3040, 0x309F, "J"),
    (0x30A0, 0x30FF, "Z"),
    (0x3130, 0x318F, "K"),
    (0x4E00, 0x9FFF, "H"),
    (0xAC00, 0xD7AF, "K"),
    (0xFB50, 0xFDFF, "r"),
    (0xFE00, 0xFE0F, "z"),  # variation selectors
    (0xFE70, 0xFEFF, "r"),
    (0xFF00, 0xFFEF, "\x04"),
    (0x1F000, 0x1FAFF, "E"),
    (0x1F3FB, 0x1F3FF, "z"),  # skin tones
    (0x200D, 0x200D, "z"),  # zero-width joiner
)

#: (letters of both cases, class): letters by which a language shows itself, because its words cost differently.
_TELLING: tuple[tuple[str, str], ...] = (
    ("éèêàçîôûëïœùâ", "f"),
    ("ñáíóú", "p"),
    ("ãõ", "s"),
    ("äöüß", "D"),
    ("åøæ", "N"),
    ("іїєґ", "V"),
    ("ыэ", "Y"),
    ("ђјљњћџ", "C"),
    ("پچژگکیہےۓںھٹڈڑ", "R"),
    (
        "這個們時會來對國學後過還發為說無請設訂選擇標題網頁檔變資關開應該實與動數據從當樣經種現點麼問難體機電車書長門見東"
        "風馬語買賣讓認識處於業務區圖錄幾隻號條類別確刪",
        "X",  # characters of traditional, but not of simplified, Chinese
    ),
    ("’", "'"),
    ("×÷", "\x02"),
)

#: The Han characters that are common enough for one token in ``cl100k_base``; the others cost more nearly everywhere.
_COMMON_HAN = (
    "一万三上下不与专业东两个中串为主么义之也书了事二于五些交产享京人亿今介从他付代以们件价任份企优会传但位体何余作"
    "你使例供価保信修倍值停像元先入全公共关其具内円册再写出击分列则初利别到制前力功加务动包化北区十午华单南即历原去"
    "县参及友反发取变口只可台右号司合同名后向否含听启告员周命和品哈商器四回因国图土在地场址型城基報場填增声处备复外"
    "多大天失头女好如始子字存学安宋完定实审客家容密对导将小少尔就局展山岁州工左已市布常平年并广序库应店度建开异式引"
    "张当录形影径待得微心必志态思性总息您情意感成我或户所手打找技投报拉持指按换据排接推提播支收改放政效数整文料断新"
    "方族无日时明易星是景更最月有服期木未本机权束条来板构析果查标样核格案检模次款止正此步歳段每比民気水求江汽没治法"
    "注活流海消清游源火点然片版物特率环现球理生用由电男画界番登的监目直相省看県真知码确示社票私种科秒称移程稍税稿空"
    "立站章端笑符第等签简算管箱米类系素索约级线组经结给络统编网置美老考者而联能自至色节英藏行表装西要见规视角解言計"
    "記話読计认议记论设证评试话询该详语误说请读调象责败账货购费资起超路身车转软载辑输达过运近还这进连述退送选通速造"
    "連道邮部都配释里重量金钟钮链销错键长間関门闭问间队阳陆限院除雅集雷需非面音页项预频题额首验高黑"
)

_LATIN_WITH_MARKS = "efpsDNmv"
#: The classes of one script each; a run of any of them is one piece.
_SCRIPTS = (
    "cCVY",
    "rR",
    "g",
    "y",
    "h",
    "d",
    "b",
    "i",
    "l",
    "u",
    "k",
    "n",
    "t",
    "w",
    "q",
    "x",
    "o",
    "K",
    "J",
    "Z",
    "HX",
)
_SCRIPT_OF = {code: script for script in _SCRIPTS for code in script}
#: Scripts that put spaces between words; there a long word costs more than its letters' share.
_SPACED_SCRIPTS = frozenset("crghyqK")
#: Words up to this length have a cost of their own; each further letter adds to it.
_LONGEST_WORD = 15


def _class_table() -> str:
    table = bytearray(b"o") * _TABLE_SIZE  # every class is an ASCII character
    for first, last, code in _RANGES:
        table[first : last + 1] = code.encode() * (last - first + 1)
    for letters, code in ((_COMMON_HAN, "Q"), *_TELLING):
        for letter in letters:
            for form in {letter, letter.upper()}:
                if len(form) == 1:
                    table[ord(form)] = ord(code)
    for code_point in range(0x20, 0x7F):
        letter = chr(code_point)
        code = "a" if letter.islower() else "A" if letter.isupper() else "0" if letter.isdigit() else letter
        table[code_point] = ord(code)
    for kept in b"\t\n\r":
        table[kept] = kept
    return table.decode("ascii")


_CLASSES = _class_table()

# The alternatives begin with one set of characters each and the frequent ones stand first: that is what makes it fast.
_PIECE = re.compile(
    rf" ?(?:[a{_LATIN_WITH_MARKS}]+|A+[a{_LATIN_WITH_MARKS}]*|[^\sa-zA-Z0]+\n*|"
    + "|".join(f"[{script}]+" for script in _SCRIPTS)
    + r")|0{1,3}|[ \t]*[\n\r]+|[Ez]+|[ \t]+(?!\S)|[ \t]+|.",
    re.DOTALL,
)


def classes(text: str) -> str:
    """``text`` with each character replaced by its class; of the same length."""
    return text.translate(_CLASSES)


def pieces(class_string: str) -> Counter[str]:
    """How often each piece stands in the result of :func:`classes`."""
    return Counter(_PIECE.findall(class_string))


def is_word(piece: str) -> bool:
    """Whether the piece is a word in Latin letters."""
    return piece.lstrip(" ")[:1] in ("a", "A", *_LATIN_WITH_MARKS)


def piece_features(piece: str) -> dict[str, float]:
    """What one piece adds to the features of a text, by name; only what is not zero."""
    body = piece.lstrip(" ") or piece
    spaced = body != piece
    first = body[0]
    if first in "aA" or first in _LATIN_WITH_MARKS:
        found = _word(body, spaced)
    elif first == "0":
        found = {f"digits{len(body)}": 1.0}
    elif first in "Ez":
        found = {"emoji": body.count("E"), "emoji_modifier": body.count("z"), "emoji_run": 1.0}
    elif first in " \t\n\r":
        found = _space(body)
    elif first.isalpha() and first.isascii():
        found = _script(body, _SCRIPT_OF.get(first, "o"))
    elif ord(first) >= _TABLE_SIZE:
        found = {"o": float(len(body)), "o_run": 1.0}
    else:
        found = _punctuation(body, spaced)
    return {name: float(value) for name, value in found.items() if value}


def _word(body: str, spaced: bool) -> dict[str, float]:
    length = len(body)
    capitals = length - len(body.lstrip("A"))
    kind = "upper" if capitals == length else "title" if capitals else "lower"
    vietnamese = body.count("v")
    marked = sum(map(body.count, _LATIN_WITH_MARKS)) - vietnamese
    return {
        f"{kind}{'_spaced' if spaced else ''}{min(length, _LONGEST_WORD)}": 1.0,
        "long_word_letters": max(0, length - _LONGEST_WORD),
        "marked_word": bool(marked or vietnamese),
        "marked_letters": marked,
        "vietnamese_letters": vietnamese,
    }


def _space(body: str) -> dict[str, float]:
    newlines = body.count("\n") + body.count("\r")
    if newlines:
        return {"newline_run": 1.0, "more_newlines": min(newlines - 1, 3), "newline_after_space": body[0] in " \t"}
    return {"space_run": 1.0, "space_run_length": (min(len(body), 40) - 1) / 8, "tabs": body.count("\t")}


def _script(body: str, script: str) -> dict[str, float]:
    name = script[0]
    found: dict[str, float] = {code: body.count(code) for code in script}
    found[f"{name}_run"] = 1.0
    if name in _SPACED_SCRIPTS:
        found[f"{name}_beyond4"] = max(0, len(body) - 4)
    return found


def _punctuation(body: str, spaced: bool) -> dict[str, float]:
    marks = body.rstrip("\n")
    boxes = marks.count("\x05")
    found: dict[str, float] = {
        "control": marks.count("\x01"),
        "typographic": marks.count("\x02"),
        "symbols": marks.count("\x03"),
        "cjk_punctuation": marks.count("\x04"),
        "box": min(boxes, 2),
        "more_boxes": max(0, boxes - 2),  # a line is one sign again and again
        "newline_after_punctuation": marks != body,
    }
    ascii_marks = sum(mark > "\x05" for mark in marks)
    if not ascii_marks:
        found["typographic_run"] = 1.0
    elif ascii_marks == 1:
        found["mark_spaced" if spaced else "mark"] = 1.0
    elif len(set(marks)) == 1:
        found["repeated_mark"] = 1.0
        found["repeated_mark_length"] = min(ascii_marks, 64) / 16
    else:
        found[f"marks{min(ascii_marks, 6)}"] = 1.0
        found["more_marks"] = max(0, ascii_marks - 6)
    return found


#: Frequent words of English that other languages and code do not have.
_ENGLISH = (" the ", " of ", " and ", " to ", " is ", " that ", " you ", " for ", " with ")


def text_features(text: str, class_string: str, words: int, spaced: int, short: int) -> dict[str, float]:
    """What the text as a whole tells: which language its words are in, and whether it is prose at all.

    ``words``: Latin words; ``spaced``: of these after a space; ``short``: of the spaced ones the lower-case ones of up
    to three letters.
    """
    found: dict[str, float] = {}
    count = class_string.count
    if words:
        found["words_not_spaced"] = words * (1 - spaced / words)
        found["words_short"] = short * short / words
        found["words_spaced_twice"] = spaced * spaced / words
        english = min(1.0, 6 * sum(map(text.count, _ENGLISH)) / words)
        found["words_english"] = words * english
        found["words_prose_not_english"] = spaced * spaced / words * (1 - english)
    if text.isascii():
        return found
    marks = {code: count(code) for code in "efpsDNv"}
    marked = sum(marks.values())
    if words and marked:
        share = min(1.0, 4 * marked / words)
        found["foreign_words"] = words * share
        found |= {f"foreign_{code}": count("a") * share * n / marked for code, n in marks.items() if n}
    found |= _cyrillic(count("c"), count("C"), count("V"), count("Y"))
    arabic, extended = count("r"), count("R")
    if extended:
        found["arabic_extended"] = (arabic + extended) * min(1.0, 10 * extended / (arabic + extended))
    han, traditional, kana = count("H") + count("Q"), count("X"), count("J") + count("Z")
    if traditional:
        found["han_traditional"] = (han + traditional) * min(1.0, 10 * traditional / (han + traditional))
    if han and kana:
        found["han_in_japanese"] = han * min(1.0, 4 * kana / han)
    return found


def _cyrillic(cyrillic: int, extended: int, ukrainian: int, russian: int) -> dict[str, float]:
    letters = cyrillic + extended + ukrainian + russian
    if not letters:
        return {}
    return {
        "cyrillic_russian": letters * min(1.0, 40 * russian / letters),
        "cyrillic_extended": letters * min(1.0, 15 * extended / letters),
        "cyrillic_ukrainian": letters * min(1.0, 20 * ukrainian / letters),
    }


def features(text: str) -> Mapping[str, float]:
    """All features of ``text``: what the coefficients are fitted to."""
    class_string = classes(text)
    total: defaultdict[str, float] = defaultdict(float)
    words = spaced = short = 0
    for piece, times in pieces(class_string).items():
        found = piece_features(piece)
        for name, value in found.items():
            total[name] += value * times
        if is_word(piece):
            words += times
            spaced += times * piece.startswith(" ")
            short += times * is_short(piece)
    for name, value in text_features(text, class_string, words, spaced, short).items():
        total[name] += value
    return total


def is_short(piece: str) -> bool:
    """Whether the piece is a lower-case word of up to three letters after a space, as function words are."""
    return piece.startswith(" ") and len(piece) <= 4 and piece[1:].islower()
