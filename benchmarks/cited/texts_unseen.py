"""Texts and questions that were written when the rule for "not in the sources" stood.

What they showed first: 16 of 32 answered right (before the rule: 15), 32 of 32 refused (before: 17). Some words that
were missed came into the list of words afterwards, so a new measurement of the answers wants new texts.
"""

from __future__ import annotations

from benchmarks.cited.told import Told

__all__ = ["UNSEEN"]

UNSEEN: tuple[Told, ...] = (
    Told(
        "English",
        """\
The steam yacht Corinna was designed by Edith Marlow and left the yard at Fenwick in 1903. She is 31 metres long
and burns nine tonnes of coal on a trip to Norway.

Since 1975 the yacht belongs to a trust with 140 donors. Its secretary, Hugh Pike, is a retired dentist from
Dover. A crew of six sails her every summer.

During the war the Corinna served as a hospital ship. A mine sank her in 1917; divers raised the wreck two years
afterwards.

Guests sleep in five cabins. A weekend on board costs 480 pounds, meals included. Smoking is forbidden below deck.
""",
        (
            ("Who was the designer of the Corinna?", "Edith Marlow"),
            ("What is the length of the yacht Corinna?", "31"),
            ("Who owns the yacht today?", "trust"),
            ("What was Hugh Pike's profession?", "dentist"),
            ("How many sailors are in the crew?", "six"),
            ("What was the Corinna used for in the war?", "hospital"),
            ("What is the price of a weekend on board?", "480"),
            ("Where is it not allowed to smoke?", "below deck"),
        ),
        (
            "How old is Hugh Pike?",
            "Who is Edith Marlow's husband?",
            "How fast is the Corinna?",
            "Which awards has the Corinna received?",
            "What is the name of the cook on board?",
            "How many people died when the mine sank the Corinna?",
            "What colour is the yacht Corinna?",
            "Which school did Hugh Pike attend?",
        ),
    ),
    Told(
        "German",
        """\
Der Zirkus Balando wurde 1949 von Rosa Wittek ins Leben gerufen. Sein Zelt fasst 800 Zuschauer und ist blau.

Heute führt ihr Enkel Tilo Wittek die Truppe. Er trat schon als Vierjähriger als Clown auf. Seine Frau Ines bildet
die Hunde aus.

Im Winter wohnt der Zirkus auf einem Hof bei Grimma. Dort reparieren sie die Wagen und nähen neue Kostüme.

Karten gibt es ab 15 Euro. Die Vorstellung dauert zwei Stunden. Ein Sturm hat 2007 das alte Zelt zerrissen.
""",
        (
            ("Wer hat den Zirkus Balando gegründet?", "Rosa Wittek"),
            ("Wie viele Plätze hat das Zelt?", "800"),
            ("Welche Farbe hat das Zelt?", "blau"),
            ("Wer leitet den Zirkus Balando heute?", "Tilo"),
            ("Mit wem ist Tilo Wittek verheiratet?", "Ines"),
            ("Was kosten die Karten?", "15"),
            ("Wie lange geht die Vorstellung?", "zwei Stunden"),
            ("Wodurch wurde das alte Zelt zerstört?", "Sturm"),
        ),
        (
            "Wann wurde Tilo Wittek geboren?",
            "Wie viel verdient ein Clown im Zirkus Balando?",
            "Woran ist Rosa Wittek gestorben?",
            "Welche Telefonnummer hat der Zirkus Balando?",
            "Wie viele Elefanten hat der Zirkus Balando?",
            "Welche Sprache spricht Ines Wittek?",
            "Wie heißt die Schwester von Tilo Wittek?",
            "Wie viel wiegt das Zelt?",
        ),
    ),
    Told(
        "French",
        """\
La librairie Le Hibou a ouvert ses portes en 1984 rue des Tanneurs, à Belmont. Elle compte 12 000 volumes, surtout
des romans policiers.

La gérante, Odile Carpentier, vient de Lyon et a d'abord été infirmière. Elle emploie deux vendeurs, Karim et Paul.

Une inondation a abîmé la cave en 2010. Les livres sauvés ont été séchés dans un gymnase.

Chaque premier jeudi du mois, un auteur lit ses textes. L'entrée coûte 4 euros, thé compris. Le chat du magasin
s'appelle Maigret.
""",
        (
            ("Depuis quand la librairie Le Hibou existe-t-elle ?", "1984"),
            ("Combien de livres y a-t-il dans la librairie ?", "12 000"),
            ("Qui dirige la librairie Le Hibou ?", "Odile Carpentier"),
            ("Quel était l'ancien métier d'Odile Carpentier ?", "infirmière"),
            ("D'où est originaire Odile Carpentier ?", "Lyon"),
            ("Qu'est-ce qui a endommagé la cave ?", "inondation"),
            ("Quel est le prix de l'entrée ?", "4"),
            ("Quel est le nom du chat ?", "Maigret"),
        ),
        (
            "Quel âge a Odile Carpentier ?",
            "Combien gagne Karim ?",
            "Quel est le chiffre d'affaires de la librairie Le Hibou ?",
            "Qui est le mari d'Odile Carpentier ?",
            "Quelle est la superficie de la librairie Le Hibou ?",
            "Quand est morte Odile Carpentier ?",
            "Quelle voiture conduit Paul ?",
            "Qui est le maire de Belmont ?",
        ),
    ),
    Told(
        "Spanish",
        """\
El club de ajedrez Torre Negra nació en 1952 en un café de Olmedo. Tiene 75 socios y se reúne los martes.

Su presidente es Fermín Lasa, profesor de física. La jugadora más fuerte, Inés Roca, venció en el torneo de Soria
en 2018 y cobró 600 euros.

La cuota anual es de 40 euros; los menores de edad pagan la mitad. El local está encima de una farmacia.

En 1988 unos ladrones se llevaron la copa de plata. La policía la encontró en un pozo.
""",
        (
            ("¿Cuándo se fundó el club Torre Negra?", "1952"),
            ("¿Cuántos miembros tiene el club de ajedrez?", "75"),
            ("¿Qué día son las reuniones del club?", "martes"),
            ("¿En qué trabaja Fermín Lasa?", "profesor"),
            ("¿Quién ganó el torneo de Soria?", "Inés Roca"),
            ("¿Cuánto hay que pagar de cuota?", "40"),
            ("¿Dónde se encuentra el local?", "farmacia"),
            ("¿Quiénes robaron la copa de plata?", "ladrones"),
        ),
        (
            "¿Cuántos años tiene Inés Roca?",
            "¿Con quién está casado Fermín Lasa?",
            "¿Cuánto pesa la copa de plata?",
            "¿Qué estudió Inés Roca en la universidad?",
            "¿Cuál es el sueldo de Fermín Lasa?",
            "¿Cómo se llama el perro de Fermín Lasa?",
            "¿De qué color es el local?",
            "¿Cuándo murió el fundador del club Torre Negra?",
        ),
    ),
)
