# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Words that decide how a claim is read, in some languages: abbreviations, months, numbers, comparison, negation.

None of them reads a question. What a list lacks makes a claim count as less certain, never as more.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = [
    "ABBREVIATIONS",
    "ABOUT",
    "BEFORE_DIGITS",
    "BEFORE_ORDINALS",
    "COMPARING",
    "FILLING",
    "MONTHS",
    "NEGATIONS",
    "NUMBER_WORDS",
    "OPERATIONS",
    "ORDINAL_WORDS",
    "SCALES",
    "fold",
    "words",
]


def words(text: str) -> frozenset[str]:
    """Words that stand in one text, with spaces between them."""
    return frozenset(text.split())


def _set(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split())


@lru_cache(maxsize=20_000)
def fold(word: str) -> str:
    """A word as it is compared: without case, width, accents and invisible marks.

    Examples
    --------
    >>> fold("Élysée"), fold("Straße")
    ('elysee', 'strasse')
    """
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    return "".join(c for c in parts if unicodedata.category(c) not in ("Mn", "Cf"))


ABBREVIATIONS = words(
    """dr mr mrs ms prof st jr sr vs etc e.g i.e eg ie cf ca approx est inc ltd co corp gen col capt lt sgt rev hon gov
    sen rep mt ft dept univ ave blvd jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun
    bzw usw z.b d.h u.a o.ä evtl ggf inkl exkl geb gest ehem jh bspw sog zzgl mio mrd tsd dipl ing hr fr str
    m mme mlle env p.ex c.-à-d av bd sra ud uds ej aprox pág núm dott sig"""
)
"""Words whose full stop ends no sentence, without it."""

BEFORE_DIGITS = words("no nr nos nrs art abb fig figs vol p pp s sec eq ch kap tab tbl bd n nº núm pág max min")
"""The same, but only where a number follows."""

BEFORE_ORDINALS = words("am der die das den dem des im vom zum beim bis ab seit und – -")
"""Words after which a number with a full stop is an ordinal ("am 3. Platz")."""

MONTHS: dict[str, int] = {
    fold(name): number
    for names in (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jänner feb mrz apr mai jun jul aug sept okt nov dez",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv févr mars avr mai juin juil août sept oct nov déc",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "januari februari maart april mei juni juli augustus september oktober november december",
    )
    for number, name in enumerate(names.split(), 1)
}

NUMBER_WORDS: dict[str, int] = {
    fold(word): number
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty",
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
        "siebzehn achtzehn neunzehn zwanzig",
        "zéro . deux trois quatre cinq . sept huit neuf dix onze douze treize quatorze quinze seize",
        "cero . dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince",
    )
    for number, word in enumerate(words.split())
    if word != "."
}
for _word in ("once", "dos", "null", "elf", "one"):  # more often another word, in the same or another language
    del NUMBER_WORDS[fold(_word)]

ORDINAL_WORDS: dict[str, int] = {
    fold(word): number
    for words in (
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
        "erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte elfte zwölfte",
        "premier deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième",
        "primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo",
    )
    for number, word in enumerate(words.split(), 1)
}

SCALES: dict[str, int] = {
    fold(word): power
    for power, words in {
        2: "hundred hundert",
        3: "thousand thousands tausend mille mil tsd k",
        6: "million millions millionen mio mio. mln mill millón millones milioni milhão milhões miljoen",
        9: "billion billions bn bln milliarde milliarden mrd mrd. milliard milliards miljard",
        12: "trillion trillions trn billionen",
    }.items()
    for word in words.split()
}
"""Words behind a number, and the power of ten they stand for."""

ABOUT = _set(
    """about approximately approx approx. roughly around circa ca ca. nearly almost some ~ ≈ rund etwa ungefähr knapp
    fast environ presque près alrededor aproximadamente cerca casi unos unas"""
)
"""Words that say a number is not exact."""

NEGATIONS = _set(
    """not no never none nobody nothing neither nor without cannot n't nicht kein keine keinen keinem keiner keines nie
    niemals niemand nichts weder ohne ne pas non jamais aucun aucune rien personne sans ni nunca nadie nada ningún
    ninguna ninguno sin não nem nenhum sem non mai nessuno niente senza niet geen nooit zonder không не нет без
    никогда لا ليس لم لن"""
) | frozenset({"不", "没", "沒", "無", "无", "未", "非", "ない", "ません", "なかった"})

_MORE = """more greater higher larger bigger longer taller older above over exceed exceeds exceeded mehr größer höher
    länger älter über übersteigt plus supérieur supérieure más mayor superior encima"""
_LESS = """less fewer lower smaller shorter younger below under weniger kleiner niedriger kürzer jünger unter moins
    inférieur inférieure menos menor inferior debajo"""
_MOST = """most highest largest biggest greatest longest tallest oldest maximum max top best latest last meiste meisten
    höchste höchsten größte größten längste älteste beste letzte maximale plus-grand maximale maximo máximo máxima
    mayor mejor"""
_LEAST = """least lowest smallest fewest shortest youngest minimum min worst earliest first wenigste wenigsten
    niedrigste niedrigsten kleinste kleinsten kürzeste jüngste minimale minimal mínimo mínima menor peor"""
_MEAN = """average mean avg averages averaged durchschnitt durchschnittlich durchschnittliche mittelwert mittel moyenne
    promedio media"""
_TOTAL = """total sum altogether combined together overall all gesamt insgesamt summe zusammen somme ensemble total suma
    juntos"""
_COUNT = "count counts number many anzahl nombre número cantidad rows entries times distinct"
_MEDIAN = "median mediane mediana"
_DIFFERENCE = "difference gap differ differs differing unterschied differenz différence écart diferencia minus"
_RATIO = """times ratio twice double triple half fold mal verhältnis doppelt doppelte hälfte fois rapport veces razón
    doble mitad"""
_SHARE = """percent percentage per cent share proportion fraction % anteil prozent part pourcentage pourcent porcentaje
    proporción"""
_UP = """rose rise risen rises grew grow grown grows increase increased increases increasing gain gained up growth stieg
    gestiegen wuchs gewachsen zunahme augmenté augmentation aumentó aumento creció"""
_DOWN = """fell fall fallen falls decrease decreased decreases decreasing drop dropped shrank shrunk decline declined
    down loss lost sank gesunken fiel gefallen abnahme rückgang diminué diminution baisse disminuyó cayó"""
_THAN = "than als que"
_ALL = """all every each both only always same equal exactly rank ranked ranks majority alle jeder jede jedes nur immer
    gleich beide tous toutes chaque seul seulement toujours todos todas cada solo siempre ambos"""

OPERATIONS: dict[str, frozenset[str]] = {
    "max": _set(_MOST),
    "min": _set(_LEAST),
    "mean": _set(_MEAN),
    "average": _set(_MEAN),
    "median": _set(_MEDIAN),
    "sum": _set(_TOTAL),
    "count": _set(_COUNT),
    "distinct": _set(_COUNT),
    "difference": _set(" ".join((_DIFFERENCE, _MORE, _LESS, _THAN))),
    "than": _set(_THAN),
    "more": _set(_MORE),
    "less": _set(_LESS),
    "ratio": _set(_RATIO),
    "share": _set(_SHARE),
    "up": _set(_UP),
    "down": _set(_DOWN),
}
"""Words that say what was done to get a value, by the operation."""

COMPARING = (
    _set(" ".join((_MORE, _LESS, _MOST, _LEAST, _MEAN, _TOTAL, _MEDIAN, _DIFFERENCE, _RATIO, _UP, _DOWN, _ALL)))
    - _set("over under above below top plus up down")
) | {"than"}
"""Words that compare, or speak of more than one value: only a passage that says the same can carry them."""

FILLING = _set(
    """a an the of in on at by for from to with and or as is was are were be been being am has have had having do does
    did this that these those it its he she his her him they their them we our you your i my me there here which who
    whom whose what when where how why so then also but if into per up out s t d ll re ve will would can could shall
    should may might must according based table data source sources passage passages text column row value listed
    given shown following answer question see says said states stated shows called named name exactly currently
    roughly approximately about around nearly almost circa ca therefore thus hence indeed however der die das den
    dem des ein eine einen einem einer eines und oder ist war sind waren sein wird werden wurde wurden hat haben
    hatte hatten in im an am auf aus bei mit nach von vom zu zum zur für über um als wie es er sie ihr ihre sein
    seine sich auch dass daß laut tabelle daten quelle zufolge gemäß beträgt betrug betragen liegt lag lautet heißt
    etwa rund ungefähr le la les l un une des du de d et ou est était sont étaient a ont avait avaient au aux en
    dans par pour sur avec que qui ce cette ces il elle ils elles son sa ses leur leurs se selon tableau données
    environ el los las una unos unas y o es era son eran fue fueron ha han tiene tienen tenía al del lo su sus con
    para por que se este esta según tabla datos como il lo gli i uno e è sono era erano ha hanno nel nella di da con
    per che si secondo tabella o os as um uma e é são foi foram tem têm no na nos nas do da dos das em com para por
    que segundo een het van en is was zijn waren heeft hebben in op met voor naar volgens"""
)
"""Words that say nothing which could be looked up."""
