"""The most frequent function words of seven languages: they tell nothing about what a question is after.

Articles, prepositions, pronouns, auxiliary verbs, question words. A word counts as one only in the language of the
question, so "die" is an article in a German question and a verb in an English one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jupyter_localllm.sources.select.token import Token
from jupyter_localllm.sources.select.words import words

__all__ = ["LANGUAGES", "function_words", "words_in"]

_TABLE = {
    "en": """
        a about above after again against all also am an and any are aren't as at be because been before being below
        between both but by can can't cannot could did didn't do does doesn't doing don't down each few for from
        further get give had has have having he her here hers him his how i if in into is isn't it its just list many
        may me might more most much must my no nor not now of off on once only or other our out over own please same
        shall she should show since so some such tell than that the their theirs them then there these they this those
        through to too under until up upon us very was wasn't we were what when where whether which while who whom
        whose why will with within without would you your s t""",
    "de": """
        aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist bitte da
        damit dann das dass dein dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du
        durch ein eine einem einen einer eines er es etwas euch euer für gegen gibt hab habe haben hat hatte hatten
        hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes kann
        kein keine können könnte man mehr mein mich mir mit muss nach nicht noch nun nur ob oder ohne sein seine seinem
        seinen seiner seit sich sie sind so soll um und uns unser unter viel viele vom von vor wann war waren warum was
        weil welche welchem welchen welcher welches wem wen wenn wer werden wessen wie wieso wieviel wird wir wo
        wodurch wofür woher wohin womit woran worauf woraus worin worüber wovon wozu worden wurde wurden zu zum zur
        zwischen über""",
    "fr": """
        a ai au aucun aussi autre autres aux avait avant avec avez avoir avons c ce cela ces cet cette ceux chez
        combien comme comment d dans de depuis des donc dont du elle elles en encore entre est et eu eux fait fut
        furent il ils j je l la laquelle le lequel les lesquelles lesquels leur leurs lors lui m ma mais me même mes
        moi moins mon n ne ni nos notre nous on ont ou où par parce pas pendant peu peut plus pour pourquoi pouvez qu
        quand que quel quelle quelles quels qui quoi s sa sans se selon sera ses si son sont sous suis sur t ta te tes
        toi ton tous tout toute toutes tu un une va vers voici voilà vos votre vous y à été étaient était être""",
    "es": """
        a al algo algunas algunos ante antes aquel aquella aquí así aun aunque bajo bien cada como con contra cual
        cuales cualquier cuando cuanta cuantas cuanto cuantos cuál cuáles cuándo cuánta cuántas cuánto cuántos cómo de
        del desde donde dónde durante e el ella ellas ellos en entre era eran es esa esas ese eso esos esta estaba
        están estas este esto estos está fue fueron ha había han hasta hay la las le les lo los más me mi mis mismo
        mucha muchas mucho muchos muy nada ni no nos nosotros o os otra otras otro otros para pero poco por porque
        pues que quien quienes quién quiénes qué se sea según ser si sido sin sobre son su sus también tan tanto te
        tiene tienen todo todos tu tuvo un una unas uno unos usted y ya yo él""",
    "it": """
        a ad agli ai al alla alle allo altre altri altro anche ancora avere aveva c che chi ci cioè coi col come con
        contro cosa cui d da dagli dai dal dalla dalle dallo degli dei del dell della delle dello di dopo dove due e
        ed era erano essere fra fu furono gli ha hai hanno ho i il in io l la le lei li lo loro lui ma me mentre mi
        mia mie miei mio molta molte molti molto ne negli nei nel nell nella nelle nello noi non nostra nostro o ogni
        ora per perché però più po poi prima può qual quale quali quando quanta quante quanti quanto quella quelle
        quelli quello questa queste questi questo qui sarà se sei senza si sia siamo sono sopra sotto sta stata state
        stati stato su sua sue sui sul sulla suo suoi tra tu tutta tutte tutti tutto un una uno vi voi è""",
    "pt": """
        a ainda algum alguma alguns ao aos aquela aquele até cada com como contra cuja cujo da das de dela dele delas
        deles depois desde do dos durante e ela elas ele eles em entre era eram essa essas esse esses esta está estão
        estas estava este estes eu foi for foram há isso isto já la lhe lhes mais mas me mesmo meu meus minha muita
        muitas muito muitos na nas nem no nos nossa nosso não nós o onde os ou outra outras outro outros para pela
        pelas pelo pelos per pode por porque porquê pois qual quais quando quanta quantas quanto quantos que quem quê
        se seja sem ser será seu seus si sido sob sobre sua suas são só também tem tinha todo todos toda tu tudo têm
        um uma umas uns você vocês à às é""",
    "nl": """
        aan al alle alles als ander andere ben bij daar dan dat de deze die dit doch doen door dus een eens en er ge
        geen geweest haar had hadden heb hebben heeft hem het hier hij hoe hoeveel hun iemand iets ik in is ja je jij
        jou jullie kan kon kunnen maar me meer men met mij mijn moet moeten na naar niet niets nog nu of om omdat ons
        onze ook op over reeds te tegen toch toen tot u uit uw van veel voor waar waarom waren was wat we wel welk
        welke wanneer werd werden wie wiens wij wil worden wordt zal ze zei zelf zich zij zijn zo zonder zou zouden""",
}

# Of scripts that are read by pairs of characters, the pairs that question words are made of.
_QUESTION_PAIRS = frozenset(
    words(
        """什么是多少 哪里 哪个 哪些 怎么 为什么 几个 谁是 请问 什麼是 哪裡 哪個 為什麼 何人 何年 何で 何の は何 の何
        무엇인가 인가요 얼마나 언제 누구 어디 어느 까요 니까 입니 습니"""
    )
)

LANGUAGES = tuple(_TABLE)
"""Languages of the table, as ISO 639-1 codes."""


@cache
def words_in(language: str) -> frozenset[str]:
    """The words as terms, so that accents may be left out and ``don't`` is one."""
    return frozenset(words(_TABLE[language])) | frozenset(_TABLE[language].split())


def function_words(tokens: Sequence[Token]) -> frozenset[str]:
    """The function words among a question's words, in the language that most of them speak for.

    Parameters
    ----------
    tokens : sequence of Token
        Of the question.

    Returns
    -------
    frozenset of str
        First forms of tokens or of their parts, and pairs of Chinese, Japanese and Korean question words. Of languages
        that are equally likely, the words of each.

    Examples
    --------
    >>> from jupyter_localllm.sources.select.words import tokens
    >>> [word for word in words("Where did the poet die?") if word in function_words(tokens("Where did the poet die?"))]
    ['where', 'did', 'the']
    """
    spelled = [token for token in tokens if not token.exact]
    if not all(token.loud for token in spelled):  # "the US" is not us, unless all is in capitals
        spelled = [token for token in spelled if not token.loud]
    quiet = [forms[0] for token in spelled for forms in (token.parts or (token.forms,)) if forms]
    found = {language: sum(word in words_in(language) for word in quiet) for language in LANGUAGES}
    most = max(found.values())
    spoken = [language for language in LANGUAGES if found[language] == most > 0]
    return frozenset(word for word in quiet if any(word in words_in(language) for language in spoken)) | _QUESTION_PAIRS
