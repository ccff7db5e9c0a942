"""Texts and questions that were looked at while the rule for "not in the sources" was made, see `texts`."""

from __future__ import annotations

from benchmarks.cited.told import Told

__all__ = ["SEEN"]

SEEN: tuple[Told, ...] = (
    Told(
        "English",
        """\
Marta Elling was born in 1962 in the fishing village of Skarrow. She studied chemistry in Aberdeen and worked
for eleven years at a glass factory before she turned to pottery.

Her workshop stands behind the old mill in Tarn Lane. Four apprentices work there, and the kiln is fired with
beech wood. A large bowl takes three weeks from the first turn of the wheel to the last glaze.

Elling wrote two books on glazes. The first one, Ash and Salt, came out in 1998 and has been translated into
Danish. A bowl of hers was bought by the museum of Leith for 2,300 pounds.

Her husband, Colin Raye, repairs church organs. They have a daughter, Isla, who plays the viola.
""",
        (
            ("How old is Marta Elling, or when was she born?", "1962"),
            ("Which subject did Elling study at university?", "chemistry"),
            ("Who is Marta Elling married to?", "Colin Raye"),
            ("Who is the author of Ash and Salt?", "Elling"),
            ("When was Ash and Salt published?", "1998"),
            ("How much did the museum of Leith pay for the bowl?", "2,300"),
            ("Where is the workshop located?", "mill"),
            ("What fuel heats the kiln?", "beech"),
            ("How long does it take to make a large bowl?", "three weeks"),
            ("What instrument does Isla play?", "viola"),
        ),
        (
            "What is Marta Elling's shoe size?",
            "How many calories does Colin Raye eat a day?",
            "What is the salary of the apprentices?",
            "Which prize did Ash and Salt win?",
            "Who is the director of the museum of Leith?",
            "What is the telephone number of the workshop?",
            "In which orchestra does Isla play?",
            "What car does Colin Raye drive?",
            "How tall is Marta Elling?",
            "What is the capital of Denmark?",
        ),
    ),
    Told(
        "English",
        """\
The Pelham cable car opened in May 1934 and runs from the quay to the summit of Mount Orrin. The ride takes nine
minutes and climbs 612 metres.

Its two cabins, Swift and Heron, hold 28 passengers each. They were built by the firm of Adler in Graz and
painted yellow. An electric motor of 180 kilowatts pulls them up.

A storm closed the line for two months in 1987, when a mast fell over. Nobody was hurt. The engineer Ruth
Osgood replaced it with a steel one that was brought in by helicopter.

A return ticket costs 14 euros, and children under six travel free. Dogs need a muzzle. The restaurant at the
upper station serves trout from the lake and is shut on Mondays.
""",
        (
            ("When did the Pelham cable car start operating?", "1934"),
            ("How long is the trip with the cable car?", "nine"),
            ("How many people fit into a cabin?", "28"),
            ("Who manufactured the cabins?", "Adler"),
            ("What colour are the cabins?", "yellow"),
            ("What is the price of a return ticket?", "14"),
            ("On which day is the restaurant closed?", "Mondays"),
            ("Which kind of fish can one eat in the restaurant?", "trout"),
            ("How powerful is the electric motor?", "180"),
            ("How was the steel mast transported?", "helicopter"),
        ),
        (
            "Who is the mayor of Pelham?",
            "How many people died in the storm of 1987?",
            "What is the insurance of the Pelham cable car?",
            "Who cooks in the restaurant at the upper station?",
            "How much does a cabin weigh?",
            "Which university did Ruth Osgood attend?",
            "What is the age of Ruth Osgood?",
            "What is the name of Ruth Osgood's dog?",
            "Which films were shot on Mount Orrin?",
            "How deep is the lake?",
        ),
    ),
    Told(
        "German",
        """\
Die Sternwarte Hohenlinde wurde 1911 von dem Uhrmacher Albrecht Tann gegründet. Ihr Fernrohr hat eine Linse von
43 Zentimetern und wiegt 2,4 Tonnen.

Seit 2015 leitet Miriam Osse die Sternwarte. Sie kam in Rostock zur Welt und hat in Leiden über Kometen
promoviert. In ihrer Freizeit züchtet sie Bienen.

Führungen gibt es jeden Freitag um 20 Uhr. Der Eintritt kostet 6 Euro, Schüler zahlen die Hälfte. Bei Regen
fällt die Führung aus.

Im Keller liegt ein Archiv mit 8.500 Glasplatten. Ein Wasserschaden hat 1978 etwa dreihundert davon zerstört.
""",
        (
            ("Wer hat die Sternwarte Hohenlinde errichtet und gegründet?", "Albrecht Tann"),
            ("Welchen Beruf hatte Albrecht Tann?", "Uhrmacher"),
            ("Wie schwer ist das Fernrohr?", "2,4"),
            ("Wer ist die Leiterin der Sternwarte?", "Miriam Osse"),
            ("Wo wurde Miriam Osse geboren?", "Rostock"),
            ("Welche Tiere züchtet Miriam Osse?", "Bienen"),
            ("An welchem Tag finden die Führungen statt?", "Freitag"),
            ("Wie hoch ist der Preis für den Eintritt?", "6"),
            ("Wie viele Glasplatten hat das Archiv?", "8.500"),
            ("Wann wurden Glasplatten durch Wasser beschädigt?", "1978"),
        ),
        (
            "Wie viel verdient Miriam Osse?",
            "Wie heißt der Ehemann von Miriam Osse?",
            "Welche Schuhgröße hat Albrecht Tann?",
            "Wie viele Kalorien hat ein Mittagessen in der Sternwarte?",
            "Welches Auto fährt Miriam Osse?",
            "Wer hat das Fernrohr geputzt?",
            "Wann ist Albrecht Tann gestorben?",
            "Welche Telefonnummer hat die Sternwarte Hohenlinde?",
            "Wie hoch ist der Turm der Sternwarte?",
            "Wer wurde 2014 Fußballweltmeister?",
        ),
    ),
    Told(
        "German",
        """\
Die Weberei Kolbe in Ansbruck stellt seit 1886 Leinen her. Sie gehört der Familie Kolbe in der fünften
Generation; Geschäftsführerin ist Henriette Kolbe.

Im Saal stehen 24 Webstühle, der älteste stammt aus Chemnitz. Am Tag entstehen rund 300 Meter Stoff. Das meiste
davon geht nach Japan.

Der Betrieb beschäftigt 37 Leute. Ein Hochwasser stand 2002 zwei Meter hoch im Saal, danach wurde die Heizung in
den ersten Stock verlegt.

Im Laden am Marktplatz gibt es Tischtücher und Hemden. Ein Hemd kostet 89 Euro. Geöffnet ist von Dienstag bis
Samstag.
""",
        (
            ("Was produziert die Weberei Kolbe?", "Leinen"),
            ("Wem gehört die Weberei?", "Kolbe"),
            ("Wer leitet die Weberei Kolbe?", "Henriette"),
            ("Wie viele Webstühle gibt es im Saal?", "24"),
            ("Woher kommt der älteste Webstuhl?", "Chemnitz"),
            ("In welches Land wird der meiste Stoff verkauft?", "Japan"),
            ("Wie viele Mitarbeiter hat der Betrieb?", "37"),
            ("In welchem Jahr gab es ein Hochwasser im Saal?", "2002"),
            ("Wie teuer ist ein Hemd?", "89"),
            ("An welchen Tagen ist der Laden offen?", "Dienstag"),
        ),
        (
            "Wie alt ist Henriette Kolbe?",
            "Welche Schule besuchte Henriette Kolbe?",
            "Wie hoch ist der Umsatz der Weberei Kolbe?",
            "Wie heißt der Hund von Henriette Kolbe?",
            "Wer hat den Laden am Marktplatz gestrichen?",
            "Wie viele Menschen starben durch das Hochwasser?",
            "Wie groß ist die Bibliothek von Ansbruck?",
            "Welche Krankheit hatte Henriette Kolbe?",
            "Wie viel wiegt ein Webstuhl?",
            "Wer ist der Architekt vom Saal der Weberei?",
        ),
    ),
    Told(
        "French",
        """\
Le moulin de Valcreuse a été bâti en 1743 par les moines de Saint-Aubert. Sa roue mesure sept mètres et tourne
encore le dimanche.

Depuis 2008, il appartient à Solène Marchand, ancienne institutrice. Elle est née à Nantes et élève aussi des
ânes. Elle moud du seigle et du sarrasin.

Le sac de farine de cinq kilos coûte 9 euros. Les clients viennent surtout des crêperies de Brest. La boutique
ferme en janvier.

Un incendie a détruit le toit en 1956. Les voisins l'ont refait avec des ardoises de Trélazé.
""",
        (
            ("Quand le moulin de Valcreuse a-t-il été construit ?", "1743"),
            ("Qui a construit le moulin ?", "moines"),
            ("Qui est la propriétaire du moulin ?", "Solène Marchand"),
            ("Quel était le métier de Solène Marchand avant ?", "institutrice"),
            ("Où Solène Marchand est-elle née ?", "Nantes"),
            ("Quels animaux élève Solène Marchand ?", "ânes"),
            ("Quel est le prix d'un sac de farine ?", "9"),
            ("Quand la boutique est-elle fermée ?", "janvier"),
            ("En quelle année le toit a-t-il brûlé ?", "1956"),
            ("Quel est le diamètre de la roue ou combien mesure-t-elle ?", "sept"),
        ),
        (
            "Quel est le salaire de Solène Marchand ?",
            "Comment s'appelle le mari de Solène Marchand ?",
            "Quelle voiture conduit Solène Marchand ?",
            "Combien de calories contient la farine ?",
            "Qui a peint le portrait des moines de Saint-Aubert ?",
            "Quelle est la capitale de l'Australie ?",
            "Quel est le numéro de téléphone de la boutique ?",
            "Quelle est la profondeur de la rivière à Valcreuse ?",
            "Combien de touristes visitent le moulin de Valcreuse ?",
            "Quel film a été tourné au moulin de Valcreuse ?",
        ),
    ),
    Told(
        "French",
        """\
La chorale des Trois Ponts répète chaque mercredi dans l'ancienne gare de Morvelle. Elle compte 46 chanteurs,
dont le plus jeune a neuf ans.

Elle a été fondée en 1971 par le boulanger Émile Jussac. Son chef actuel est Nadia Ferhat, qui enseigne la
musique au collège. Elle joue aussi du hautbois.

En 2019, la chorale a gagné le concours de Lausanne avec une messe de Poulenc. Le prix était un piano à queue.

Le concert de Noël a lieu dans l'église Sainte-Foy. L'entrée est gratuite, mais on vend du vin chaud à 3 euros
le verre.
""",
        (
            ("Quel jour ont lieu les répétitions de la chorale ?", "mercredi"),
            ("Combien de membres compte la chorale ?", "46"),
            ("Qui est le fondateur de la chorale ?", "Jussac"),
            ("Quelle était la profession d'Émile Jussac ?", "boulanger"),
            ("Qui dirige la chorale des Trois Ponts ?", "Nadia Ferhat"),
            ("De quel instrument joue Nadia Ferhat ?", "hautbois"),
            ("Quel concours la chorale a-t-elle remporté en 2019 ?", "Lausanne"),
            ("Quelle récompense la chorale a-t-elle reçue à Lausanne ?", "piano"),
            ("Quel est l'âge du plus jeune chanteur ?", "neuf"),
            ("Combien coûte un verre de vin chaud ?", "3"),
        ),
        (
            "Quel âge a Nadia Ferhat ?",
            "Où habite Nadia Ferhat ?",
            "Quand Émile Jussac est-il mort ?",
            "Quel est le budget annuel de la chorale ?",
            "Comment s'appelle le chat d'Émile Jussac ?",
            "Combien pèse le piano à queue ?",
            "Qui est l'architecte de l'église Sainte-Foy ?",
            "Quelle langue parle Nadia Ferhat avec ses enfants ?",
            "Quel train s'arrêtait dans la gare de Morvelle ?",
            "Quelle est la marque du hautbois de Nadia Ferhat ?",
        ),
    ),
    Told(
        "Spanish",
        """\
El faro de Punta Grava se construyó en 1889 con piedra negra. Su linterna está a 52 metros sobre el mar.

La última farera fue Rosario Peña, que vivió allí treinta y un años. Nació en Cádiz y escribió un diario sobre
las tormentas. El diario se publicó en 2003.

Hoy el faro es un hotel con siete habitaciones. Una noche cuesta 120 euros con desayuno. El dueño es un
arquitecto de Bilbao, Iker Landa.

En 1934 el carguero Elvira se hundió frente al faro. Los pescadores salvaron a los doce marineros.
""",
        (
            ("¿En qué año fue edificado el faro de Punta Grava?", "1889"),
            ("¿De qué material está hecho el faro?", "piedra"),
            ("¿Dónde nació Rosario Peña?", "Cádiz"),
            ("¿Quién es la autora del diario sobre las tormentas?", "Rosario"),
            ("¿Cuándo apareció publicado el diario?", "2003"),
            ("¿Cuántos cuartos tiene el hotel?", "siete"),
            ("¿Cuál es el precio de una noche?", "120"),
            ("¿Quién es el propietario del hotel?", "Landa"),
            ("¿Qué profesión tiene Iker Landa?", "arquitecto"),
            ("¿Quiénes rescataron o salvaron a los marineros?", "pescadores"),
        ),
        (
            "¿Cuál es el sueldo de Iker Landa?",
            "¿Cómo se llama el marido de Rosario Peña?",
            "¿Cuántas calorías tiene el desayuno?",
            "¿Qué coche conduce Iker Landa?",
            "¿Cuándo murió Rosario Peña?",
            "¿Cuál es el número de teléfono del hotel?",
            "¿Quién pintó el retrato de Rosario Peña?",
            "¿Cuánto pesa la linterna del faro?",
            "¿Quién es el alcalde de Bilbao?",
            "¿Qué carga llevaba el carguero Elvira?",
        ),
    ),
    Told(
        "Spanish",
        """\
La quesería Monteverde abrió en 1997 en un antiguo convento. La fundaron dos hermanas, Pilar y Aurora Sanz, con
veinte cabras.

Hoy el rebaño tiene 340 cabras, que pastan en la sierra de Urbel. Cada queso madura cinco meses en una cueva y
pesa 1,2 kilos.

Pilar dirige las ventas y Aurora cuida de los animales. Su queso azul recibió una medalla de plata en Turín en
2016. Exportan la mitad a Francia.

Las visitas empiezan a las once y duran una hora. La entrada vale 5 euros, y los niños pasan gratis.
""",
        (
            ("¿Cuándo se inauguró la quesería Monteverde?", "1997"),
            ("¿Quiénes son las fundadoras de la quesería?", "Aurora"),
            ("¿Cuántas cabras hay hoy en el rebaño?", "340"),
            ("¿Cuánto tiempo tarda en madurar el queso?", "cinco"),
            ("¿Cuál es el peso de un queso?", "1,2"),
            ("¿Quién se ocupa de las ventas?", "Pilar"),
            ("¿Qué premio ganó el queso azul en Turín?", "plata"),
            ("¿A qué país exportan la mitad?", "Francia"),
            ("¿Qué precio tiene la entrada?", "5"),
            ("¿A qué hora comienzan las visitas?", "once"),
        ),
        (
            "¿Cuántos años tiene Aurora Sanz?",
            "¿Quién es el marido de Pilar Sanz?",
            "¿Qué estudió Aurora Sanz en la universidad?",
            "¿Cuántos empleados trabajan en la quesería Monteverde?",
            "¿Cuál es la altura de la sierra de Urbel?",
            "¿De qué color es el coche de Pilar Sanz?",
            "¿Cuánto alcohol contiene el vino del convento?",
            "¿Quién construyó el antiguo convento?",
            "¿Cómo se llama el perro de Aurora Sanz?",
            "¿Qué temperatura hay en la cueva?",
        ),
    ),
)
