# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Words that turn a statement around, make it uncertain, or bound a figure, in English, German, French and Spanish.

Each entry may be several words that follow each other, with ``|`` between entries where it may be.
"""

from __future__ import annotations

from jupyter_localllm.cite.words import fold, words

__all__ = ["BEHIND", "BOUNDS", "COMPLEMENTS", "EVEN", "FALSE_FRIENDS", "PHRASES", "SIGNS", "TURNS"]


def _set(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split())


TURNS: dict[str, frozenset[str]] = {
    name: _set(words)
    for name, words in {
        "denied": """deny denies denied denying denial refuse refuses refused refusing refusal reject rejects rejected
            rejecting against oppose opposes opposed disputes disputed contradicts contradicted refutes refuted
            disproved disproven untrue false wrong wrongly bestreitet bestritt bestritten leugnet leugnete geleugnet
            dementiert dementierte verweigert verweigerte weigert weigerte abgelehnt ablehnt ablehnte lehnt lehnte
            gegen widerspricht widersprach widerlegt widerlegte falsch fälschlich nie nié niée nia dément démenti
            démentit refuse refusé refusée refusa rejette rejeté rejetée rejeta contre conteste contesté contesta
            réfute réfuté faux fausse niega niegan negó negaron negado negar rechaza rechazó rechazaron rechazado
            rechazada contra opone opuso desmiente desmintió desmentido refuta refutó falso falsa nega negò respinge
            respinse contro""",
        "failed": """fail fails failed failing failure unable unsuccessful unsuccessfully vain tried tries try trying
            attempt attempts attempted attempting scheitert scheiterte gescheitert misslang misslingt misslungen
            vergeblich erfolglos versucht versuchte versuchten versäumte versäumt échoue échoué échoua échouent échec
            vain tente tenté tenta tentent essaie essayé essaya manqué fracasa fracasó fracasaron fracasado fracaso
            falló fallido intenta intentó intentaron intentado vano fallì tentò tentato""",
        "alleged": """allegedly alleged alleges believe believes believed thought myth hoax dreamt dreamed imagined
            pretended glaubt glaubte glaubten träumte croit croient croyait mythe creía creían mito reportedly
            supposedly supposed purportedly purported claims claimed accused suspected suspect rumoured rumored
            rumours rumors angeblich angebliche angeblicher angeblichen mutmaßlich mutmaßliche mutmaßlicher
            mutmaßlichen vermeintlich vermeintliche beschuldigt verdächtigt vorgeworfen prétendument prétendue
            prétendu prétend présumé présumée accusé accusée soupçonné soupçonnée presuntamente presunto presunta
            supuestamente supuesto supuesta acusado acusada sospechoso""",
        "perhaps": """perhaps maybe possibly probably presumably might unless vielleicht möglicherweise vermutlich
            wahrscheinlich womöglich probablement éventuellement vraisemblablement quizá quizás probablemente
            posiblemente acaso forse probabilmente""",
        "except": """except excepting excluding unlike instead außer ausgenommen statt anstatt anstelle sauf excepté
            exceptée hormis contrairement excepto salvo exceptuando tranne eccetto""",
        "hardly": """hardly barely scarcely rarely seldom kaum selten guère rarement apenas raramente raras""",
        "undone": """cancelled canceled cancels abandoned withdrew withdrawn revoked repealed overturned annulled
            reversed abgesagt widerrufen aufgehoben zurückgezogen zurückgenommen annulé annulée abrogé abrogée révoqué
            révoquée retiré retirée cancelado cancelada anulado anulada revocado revocada derogado derogada retirado
            retirada annullato annullata""",
        "doubted": """doubt doubts doubted doubting doubtful dubious bezweifelt bezweifelte bezweifelten bezweifeln
            zweifelt zweifelte zweifelten zweifel zweifelhaft fraglich doute doutent douta doutait douteux douteuse
            duda dudan dudó dudaron dudoso dudosa""",
        "cleared": """acquit acquits acquitted acquittal exonerate exonerates exonerated innocent freigesprochen
            freispruch unschuldig acquitté acquittée acquittés acquittement disculpé disculpée innocenté innocentée
            absuelto absuelta absueltos absolvió absolvieron inocente exonerado exonerada""",
        "nearly": """nearly almost virtually beinahe nahezu fast presque quasiment faillit failli casi""",
        "if": """if unless whether wenn falls ob sofern si""",
        "would": """would wouldn't würde würden wäre wären hätte hätten könnte könnten aurait auraient serait seraient
            pourrait pourraient habría habrían sería serían podría podrían hubiera hubieran hubiese""",
        "should": """should ought sollte sollten devrait devraient debería deberían""",
        "planned": """planned scheduled intended intends proposed postponed postpones unbuilt geplant geplante
            geplanter geplanten plante planten vorgesehen vorgesehene verschoben vertagt aufgeschoben beabsichtigt
            beabsichtigte wollte wollten prévu prévue prévus prévues prévoit prévoyait projeté projetée reporté
            reportée ajourné ajournée voulait voulaient previsto prevista previstos previstas planeado planeada
            planeaba aplazado aplazada pospuesto pospuesta pospuso quería querían""",
    }.items()
}
"""Words that turn what is said around, or say that it is not certain or did not come about, by what they do."""

PHRASES: dict[str, str] = {
    "cleared": "cleared of|found not guilty",
    "nearly": "came close to|close to having|on the verge of",
    "would": "could have|might have",
    "planned": """was to|were to|is to|are to|yet to|plans to|plan to|hopes to|hoped to|expected to|wants to|wanted to|
        wished to|meant to|promised to|threatened to|about to|due to be|due to open|put off""",
    "failed": "prevented from|kept from|stopped from",
}
"""The same for words that do so only together."""

FALSE_FRIENDS: dict[str, frozenset[str]] = {
    "fast": words("a an the of and is are were to by with at"),
    "falls": words("a an the of and is are were to by with at"),
    "si": words("gli di della dello delle che nel nella sono"),
}
"""Words of `TURNS` that are others in a language of which a sentence holds one of these."""

EVEN = words("even auch selbst meme")
"""Before "if": then it is so in either case."""

COMPLEMENTS = _set("that whether to dass daß ob que qu che")
"""First words of a part of a sentence that says what was denied, tried or alleged in a part before it."""

BOUNDS: dict[str, str] = {
    "at most": """at most|at the * most|up to|no more than|not more than|no greater than|not exceeding|maximum * of|
        maximum|max * of|max|max.|limited to|capped at|as many as|as much as|höchstens|allerhöchstens|maximal|bis zu|
        nicht mehr als|maximum von|maximalzahl von|au plus|au maximum|un maximum de|maximum de|nombre maximal de|
        jusqu'à|jusqu’à|como máximo|a lo sumo|hasta|no más de|un máximo de|máximo de|número máximo de|al massimo|
        fino a""",
    "below": """less than|fewer than|smaller than|lower than|under|below|not quite|weniger als|unter|keine|moins de|
        moins que|menos de|menos que|meno di""",
    "at least": """at least|at the * least|no less than|no fewer than|not less than|not fewer than|upwards of|upward of|
        minimum * of|minimum|min * of|min|min.|mindestens|wenigstens|nicht weniger als|minimum von|au moins|au minimum|
        un minimum de|minimum de|nombre minimal de|al menos|por lo menos|como mínimo|no menos de|un mínimo de|
        mínimo de|almeno""",
    "above": """more than|greater than|larger than|higher than|over|above|exceeding|exceeds|exceeded|in excess of|
        mehr als|über|plus de|plus que|más de|más que|più di""",
    "from": "from|starting at|starting from|ab|von|à partir de|dès|a partir de|desde",
    "before": "before|prior to|vor|avant|antes de|prima del",
    "after": "after|later than|nach|après|después de|dopo il",
}
"""Words before a figure that say it is not the figure itself, by what they say; with ``|`` between them.

A star stands for up to two words: "at the very most", "a maximum number of".
"""

BEHIND: dict[str, str] = {
    "at most": """or less|or fewer|or under|or below|and under|at most|at the * most|maximum|max|tops|oder weniger|
        ou moins|o menos|como máximo|au plus|au maximum|a lo sumo""",
    "at least": """or more|or over|or above|and more|and over|and above|and up|and upwards|or upwards|upwards|at least|
        at the * least|minimum|oder mehr|und mehr|ou plus|et plus|o más|y más|como mínimo|au moins|al menos""",
}
"""The same for words behind it."""

SIGNS: dict[str, str] = {
    **dict.fromkeys(("<=", "=<", "≤", "⩽", "≦"), "at most"),
    **dict.fromkeys((">=", "=>", "≥", "⩾", "≧"), "at least"),
    **dict.fromkeys(("<", "＜"), "below"),
    **dict.fromkeys((">", "＞"), "above"),
}
"""The same for signs before it."""
