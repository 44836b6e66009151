"""Names of months in the languages of the trade, as English ones."""

from __future__ import annotations

import re
import unicodedata

# Without accents; German, French, Spanish, Italian, Portuguese, Dutch, Danish, Swedish, Turkish, Polish.
_NAMES = {
    "Jan": "januar janvier janv enero ene gennaio gen janeiro januari ocak oca styczen stycznia sty jan",
    "Feb": "februar fevrier fevr fev febrero febbraio fevereiro februari subat sub luty lutego lut feb",
    "Mar": "marz mars marzo marco maart mrt mart marzec marca mar mrz",
    "Apr": "april avril avr abril abr aprile nisan nis kwiecien kwietnia kwi apr",
    "May": "mai mayo maggio mag maio mei maj mayis may maja",
    "Jun": "juni juin junio giugno giu junho haziran haz czerwiec czerwca cze jun",
    "Jul": "juli juillet juil julio luglio lug julho temmuz tem lipiec lipca lip jul",
    "Aug": "august aout aou agosto ago augustus augusti agustos agu sierpien sierpnia sie aug",
    "Sep": "september septembre sept septiembre settembre set setembro eylul eyl wrzesien wrzesnia wrz sep",
    "Oct": "oktober octobre octubre ottobre ott outubro out ekim eki pazdziernik pazdziernika paz okt oct",
    "Nov": "november novembre noviembre novembro kasim kas listopad listopada lis nov",
    "Dec": "dezember decembre diciembre dic dicembre dezembro dez december desember des aralik ara grudzien "
    "grudnia gru dec",
}
_ENGLISH = {name: month for month, names in _NAMES.items() for name in names.split()}
_WORD = re.compile(r"[^\W\d_]+\.?")


def translate_months(text: str) -> str:
    """Return a date with its month in English, and without the "de" of Spanish and Portuguese dates."""
    return _WORD.sub(_translate, text)


def _translate(match: re.Match[str]) -> str:
    word = match[0]
    plain = unicodedata.normalize("NFKD", word.rstrip(".").lower().replace("\u0131", "i"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "" if plain in ("de", "del") else _ENGLISH.get(plain, word)
