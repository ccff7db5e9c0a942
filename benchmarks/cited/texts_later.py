"""Texts and questions that were written after those of `texts_seen`; what they showed went into the rule, too.

What they showed first: 21 of 40 answered right (before the rule: 16), 35 of 40 refused (before: 20).
"""

from __future__ import annotations

from benchmarks.cited.told import Told

__all__ = ["LATER"]

LATER: tuple[Told, ...] = (
    Told(
        "English",
        """\
# Minutes of the allotment society Green Acre

Present were 19 members; the chair was Deborah Finch. The treasurer, Owen Tate, reported a balance of 3,410 pounds.
He will step down in autumn.

The society agreed to purchase a shredder. It is to be kept in the shed beside plot 12 and may be borrowed for
two days at a time.

A fox has dug up the beds of Mr Lomax. The fence on the north side will be mended by volunteers on 4 May.

The summer fair takes place on the last Saturday of July. Priya Nair bakes the cakes, and a brass band from
Thornby performs. Stalls are ten pounds each.
""",
        (
            ("Who chaired the meeting of the society?", "Deborah Finch"),
            ("How many people attended from the membership?", "19"),
            ("How much money does the society have?", "3,410"),
            ("When is Owen Tate going to resign?", "autumn"),
            ("What did the society decide to buy?", "shredder"),
            ("Where will the shredder be stored?", "shed"),
            ("For how long may one borrow the shredder?", "two days"),
            ("Which animal dug in the beds?", "fox"),
            ("When will the fence be repaired?", "4 May"),
            ("How much does a stall at the fair cost?", "ten"),
        ),
        (
            "What is the telephone number of Deborah Finch?",
            "Who is the husband of Priya Nair?",
            "How old is Owen Tate?",
            "What does the shredder weigh?",
            "Which vegetables does Mr Lomax grow?",
            "What is the rent of a plot?",
            "Which songs will the brass band play?",
            "How many visitors came to the fair last year?",
            "What breed is the dog of Mr Lomax?",
            "Who won the marathon of Thornby?",
        ),
    ),
    Told(
        "German",
        """\
Das Freibad Lohwiese wurde 1958 eröffnet. Das große Becken ist 50 Meter lang und bis zu 3,80 Meter tief. Beheizt
wird es mit Holz aus dem Stadtwald.

Bademeisterin ist seit neun Jahren Jutta Reim. Sie ist in Görlitz aufgewachsen und war früher Schwimmerin im
Nationalteam. Ihr Stellvertreter heißt Cem Aydin.

Eine Tageskarte kostet 4,50 Euro, Kinder unter sechs Jahren dürfen umsonst hinein. Im Kiosk gibt es Pommes und
Eis.

Im August 1999 beschädigte ein Blitz die Pumpe, und das Bad blieb zwei Wochen zu. Im Winter schlafen Igel unter
der Tribüne.
""",
        (
            ("Seit wann gibt es das Freibad Lohwiese?", "1958"),
            ("Welche Länge hat das große Becken?", "50"),
            ("Womit wird das Becken geheizt?", "Holz"),
            ("Wo verbrachte Jutta Reim ihre Kindheit, wo wuchs sie auf?", "Görlitz"),
            ("Wer vertritt Jutta Reim?", "Cem Aydin"),
            ("Was ist der Preis einer Tageskarte?", "4,50"),
            ("Für wen ist der Eintritt kostenlos?", "Kinder"),
            ("Was kann man am Kiosk essen?", "Pommes"),
            ("Was hat die Pumpe zerstört?", "Blitz"),
            ("Wo überwintern die Igel?", "Tribüne"),
        ),
        (
            "Wie alt ist Jutta Reim?",
            "Mit wem ist Jutta Reim verheiratet?",
            "Wie viele Besucher hatte das Freibad Lohwiese?",
            "Was verdient Cem Aydin?",
            "Welche Farbe hat die Tribüne?",
            "Wer hat das Freibad Lohwiese entworfen?",
            "Wie viele Menschen sind im Becken ertrunken?",
            "Wie heißt die Katze von Cem Aydin?",
            "Welche Medaillen hat Jutta Reim gewonnen?",
            "Wie hoch ist der Mount Everest?",
        ),
    ),
    Told(
        "French",
        """\
Le phare de Kerdrec a été allumé pour la première fois en 1877. Haut de 38 mètres, il porte à 22 milles. Il est
automatisé depuis 1991.

Le dernier gardien s'appelait Yann Le Goff. Il était le fils d'un pêcheur et collectionnait les timbres. Il a pris sa
retraite à Quimper.

On monte par 212 marches. La visite est payante : 7 euros pour les adultes, rien pour les enfants. Le guide, Lucie
Bazin, parle aussi breton.

En 1944, des soldats ont abîmé la lanterne. Elle a été réparée par un verrier de Nancy.
""",
        (
            ("En quelle année le phare de Kerdrec a-t-il été mis en service ?", "1877"),
            ("Quelle est la hauteur du phare de Kerdrec ?", "38"),
            ("Depuis quand le phare est-il automatique ?", "1991"),
            ("Quel était le nom du dernier gardien ?", "Le Goff"),
            ("Quel métier avait le père de Yann Le Goff ?", "pêcheur"),
            ("Que collectionnait le gardien ?", "timbres"),
            ("Combien de marches faut-il monter ?", "212"),
            ("Quel est le prix de la visite ?", "7"),
            ("Quelle langue parle le guide ?", "breton"),
            ("Qui a endommagé la lanterne ?", "soldats"),
        ),
        (
            "Quel âge a Lucie Bazin ?",
            "Comment s'appelle la femme de Yann Le Goff ?",
            "Combien de visiteurs montent au phare de Kerdrec ?",
            "Quel est le salaire du guide ?",
            "Qui est l'architecte du phare de Kerdrec ?",
            "De quelle couleur est le phare de Kerdrec ?",
            "Quel bateau a coulé devant Kerdrec ?",
            "Combien pèse la lanterne ?",
            "Quelle université a fréquentée Lucie Bazin ?",
            "Quand Yann Le Goff est-il mort ?",
        ),
    ),
    Told(
        "Spanish",
        """\
El mercado de San Telmo tiene 64 puestos y abre de lunes a sábado. El edificio de hierro lo proyectó Matías Urrutia
en 1906.

La presidenta de los vendedores es Carmen Ibarra, que lleva una pescadería desde hace treinta años. Su hijo Bruno
reparte el pescado en bicicleta.

El alquiler de un puesto sube a 310 euros al mes. En diciembre se venden unas dos toneladas de castañas.

Un incendio quemó el ala norte en 1962. Se levantó de nuevo en catorce meses con dinero de los vecinos.
""",
        (
            ("¿Cuántos puestos hay en el mercado de San Telmo?", "64"),
            ("¿Qué días está abierto el mercado?", "lunes"),
            ("¿Quién diseñó el edificio de hierro?", "Urrutia"),
            ("¿Quién preside a los vendedores?", "Carmen Ibarra"),
            ("¿Qué negocio tiene Carmen Ibarra?", "pescadería"),
            ("¿Cómo se llama el hijo de Carmen Ibarra?", "Bruno"),
            ("¿Qué vehículo usa Bruno para repartir el pescado?", "bicicleta"),
            ("¿Cuánto cuesta alquilar un puesto?", "310"),
            ("¿Cuántas castañas se venden en diciembre?", "dos"),
            ("¿En qué año ardió el ala norte?", "1962"),
        ),
        (
            "¿Cuál es el teléfono de Carmen Ibarra?",
            "¿Cuándo murió Matías Urrutia?",
            "¿Qué edad tiene Bruno?",
            "¿Cuántos turistas visitan el mercado de San Telmo?",
            "¿De qué color es la bicicleta de Bruno?",
            "¿Quién es el alcalde de San Telmo?",
            "¿Cuántos muertos hubo en el incendio?",
            "¿Qué estudió Carmen Ibarra?",
            "¿Qué película se rodó en el mercado de San Telmo?",
            "¿Cuánto pesa un puesto?",
        ),
    ),
)
