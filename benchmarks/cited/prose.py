"""A small corpus of invented things, one fact a line, with questions whose line is known."""

# ruff: noqa: RUF001 (other languages, and characters that look like others, are what this is about)

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ABSENT", "CORPUS", "FACTS", "Fact", "line_of"]

CORPUS = """\
The lighthouse of Varnholm was built in 1862 from grey basalt.
Its lamp stands 41 metres above the sea and can be seen from 18 nautical miles away.
The last keeper, Ingrid Solberg-Haas, left the tower in March 1974.

The Quillon bridge crosses the river Essa on seven arches.
Masons under Tobias Ferrant finished it in the spring of 1719.
A flood in 1803 carried two of the arches away, and they were rebuilt in oak.

Mirelle cheese ripens for 90 days in the caves of Ponteval.
It is made from the milk of brown goats and washed with cider.
The dairy sells 12,400 wheels a year, most of them to Lisbon.

The Okanto beetle has a copper shell and six yellow dots.
It was first described by the naturalist Paula Wendt in 1931.
Adults weigh 3.7 grams and feed on the bark of ash trees.

The town council of Hebbing has 27 members and meets on Thursdays.
Its mayor, Leopold Artz, was elected with 58 per cent of the votes.
The council moved into the old salt store in 2009.

The comet Daro-Lindt returns every 63 years.
It was last seen in November 1998 from the observatory of Tirhau.
Its tail then measured 2.1 million kilometres.

Kessler's bakery in Brunn opens at five in the morning.
Its rye loaf is baked for 75 minutes at 220 degrees.
Three generations of the family have used the same sourdough, called Old Martha.

The Salvinia regatta starts at the harbour of Port Emery.
Forty-two boats took part in 2016, and the Blue Heron won in 5 hours and 12 minutes.
The winner receives a silver oar and a barrel of cider.

Professor Amadou Rell teaches the history of maps at the University of Calder.
His book about the portolan charts of Genoa has 412 pages.
He keeps a collection of 1,150 compasses in his office.

The Trennick mine produced tin until 1987.
Its deepest shaft, called Wheal Constance, reaches 640 metres.
At its height the mine employed 930 people.

The Linvale orchestra was founded by the cellist Dora Mattick.
It plays in a former tram depot with 780 seats.
Its conductor since 2012 is Yusuf Branagh.

The village of Upper Sorrel has a wooden church with a green spire.
Its bell was cast in Danzig and weighs 1.8 tonnes.
Every September the villagers hold a fair for honey.

The ferry Anna Tolland carries 64 cars between Mossay and Grell.
The crossing takes 35 minutes when the sea is calm.
She was launched in Split in 1991 and has two diesel engines.

The Pellworth prize is given to translators every second year.
It is worth 25,000 crowns and was founded by the printer Carl Pell.
In 2018 it went to Noor Aldous for her translation of a Persian epic.

The glacier of Hvitdal lost 14 metres of its length in 2020.
Researchers from Tromvik measure it with 33 stakes of steel.
A lake at its foot is called the Ink Pot because of its dark water.

The Marchetti 12 is a tractor with a single cylinder.
The factory in Rovigno built 2,260 of them between 1949 and 1956.
Its engine starts with a cartridge and runs on lamp oil.

The library of Saint Oda owns a psalter bound in seal skin.
It was written by the nun Hildeburg around 1140.
A thief took it in 1922, and it came back by post eight years later.

The school in Dunmarrow teaches in three languages.
Its pupils come from 19 villages by boat.
The headmistress, Fiona Gault, also repairs the boats' engines.

The Osterby radio mast is 215 metres tall and painted in red and white.
It was struck by lightning 47 times in 2014.
A pair of falcons nests on its third platform.

The Tamsin potato has violet flesh and a thin skin.
Breeders in Eastwell crossed it from nine old kinds.
A field of one hectare yields 31 tonnes of it.

The chess club of Narva Street has 88 members.
Its oldest member, Viktor Hallas, is 94 and plays the French defence.
The club's cat is named Zugzwang.

The railway from Colm to Great Harrow is 52 kilometres long.
It has a gauge of 750 millimetres and eleven tunnels.
Steam engines ran on it until 1968, and one of them still pulls the Christmas train.

The perfume Nuit de Sel was mixed by Helene Courvier in 1957.
It smells of seaweed, iris and wet stone.
One bottle holds 50 millilitres and costs 140 francs.

The desert station of Abu Terrin counts 3,912 hours of sunshine a year.
Its well is 118 metres deep and was dug by hand.
Five people live there, and they are relieved every ten weeks.

The clock of the Rathaus in Elmsburg strikes thirteen at noon.
Clockmaker Anselm Vogt is said to have done it after a lost bet in 1688.
Its longer hand measures 2.6 metres and is gilded.

The Ravensdown quarry delivers slate in four colours.
The roof of the opera in Callenberg was covered with 96,000 of its plates.
Dogs called sledgers used to pull the carts out of the pit.
"""


@dataclass(frozen=True)
class Fact:
    """A question, what its answer must hold, and words of the line where it stands."""

    question: str
    gold: str
    line: str
    language: str = "English"


def line_of(fact: Fact) -> int:
    """The number of the fact's line in `CORPUS`, from 1."""
    (at,) = [i for i, text in enumerate(CORPUS.splitlines(), 1) if fact.line in text]
    return at


FACTS: tuple[Fact, ...] = (
    Fact("When was the lighthouse of Varnholm built?", "1862", "built in 1862"),
    Fact("From how far can the lamp of the Varnholm lighthouse be seen?", "18", "41 metres above"),
    Fact("Who was the last keeper of the lighthouse?", "Ingrid Solberg-Haas", "last keeper"),
    Fact("How many arches does the Quillon bridge have?", "seven", "seven arches"),
    Fact("Under whom was the Quillon bridge finished?", "Tobias Ferrant", "Masons under"),
    Fact("In which year did a flood destroy two arches?", "1803", "flood in 1803"),
    Fact("How long does Mirelle cheese ripen?", "90", "ripens for 90"),
    Fact("What is Mirelle cheese washed with?", "cider", "washed with cider"),
    Fact("how many wheels of cheese does the dairy sell in a year", "12,400", "12,400 wheels"),
    Fact("Who first described the Okanto beetle?", "Paula Wendt", "first described"),
    Fact("What do Okanto beetles weigh?", "3.7", "3.7 grams"),
    Fact("On which day does the council of Hebbing meet?", "Thursdays", "27 members"),
    Fact("What share of the votes did Leopold Artz get?", "58", "58 per cent"),
    Fact("Where has the council of Hebbing been since 2009?", "salt store", "old salt store"),
    Fact("How often does the comet Daro-Lindt return?", "63", "every 63 years"),
    Fact("From which observatory was the comet last seen?", "Tirhau", "observatory of Tirhau"),
    Fact("At what temperature is Kessler's rye loaf baked?", "220", "75 minutes"),
    Fact("What is the sourdough of the bakery called?", "Old Martha", "Old Martha"),
    Fact("Which boat won the Salvinia regatta in 2016?", "Blue Heron", "Forty-two boats"),
    Fact("What does the winner of the regatta receive?", "silver oar", "silver oar"),
    Fact("How many pages has the book about portolan charts?", "412", "412 pages"),
    Fact("How many compasses does Amadou Rell own?", "1,150", "1,150 compasses"),
    Fact("Until when did the Trennick mine produce tin?", "1987", "tin until 1987"),
    Fact("How deep is Wheal Constance?", "640", "640 metres"),
    Fact("Who conducts the Linvale orchestra?", "Yusuf Branagh", "Its conductor"),
    Fact("Who founded the orchestra of Linvale?", "Dora Mattick", "founded by the cellist"),
    Fact("What is the weight of the bell of Upper Sorrel?", "1.8", "1.8 tonnes"),
    Fact("How many cars fit on the ferry Anna Tolland?", "64", "64 cars"),
    Fact("Where was the ferry launched?", "Split", "launched in Split"),
    Fact("How much money is the Pellworth prize?", "25,000", "25,000 crowns"),
    Fact("Who got the Pellworth prize in 2018?", "Noor Aldous", "Noor Aldous"),
    Fact("With how many stakes is the glacier measured?", "33", "33 stakes"),
    Fact("What is the lake below the Hvitdal glacier called?", "Ink Pot", "Ink Pot"),
    Fact("How many Marchetti 12 tractors were built?", "2,260", "2,260 of them"),
    Fact("Who wrote the psalter of Saint Oda?", "Hildeburg", "nun Hildeburg"),
    Fact("How many villages do the pupils of Dunmarrow come from?", "19", "19 villages"),
    Fact("How often was the Osterby mast struck by lightning in 2014?", "47", "47 times"),
    Fact("What colour is the flesh of the Tamsin potato?", "violet", "violet flesh"),
    Fact("What is the name of the chess club's cat?", "Zugzwang", "Zugzwang"),
    Fact("How old is Viktor Hallas?", "94", "is 94"),
    Fact("What gauge has the railway from Colm to Great Harrow?", "750", "750 millimetres"),
    Fact("Who mixed the perfume Nuit de Sel?", "Helene Courvier", "Helene Courvier"),
    Fact("How deep is the well of Abu Terrin?", "118", "118 metres deep"),
    Fact("Why does the clock of Elmsburg strike thirteen?", "bet", "lost bet"),
    Fact("How many plates of slate cover the opera in Callenberg?", "96,000", "96,000 of its plates"),
    Fact("Wann wurde der Leuchtturm von Varnholm gebaut?", "1862", "built in 1862", "German"),
    Fact("Wie tief ist der Schacht Wheal Constance?", "640", "640 metres", "German"),
    Fact("Wer leitet das Orchester von Linvale?", "Yusuf Branagh", "Its conductor", "German"),
    Fact("Combien de voitures le ferry Anna Tolland transporte-t-il ?", "64", "64 cars", "French"),
    Fact("Quel âge a Viktor Hallas ?", "94", "is 94", "French"),
    Fact("¿Quién escribió el salterio de Saint Oda?", "Hildeburg", "nun Hildeburg", "Spanish"),
    Fact("¿Cuántos tractores Marchetti 12 se construyeron?", "2,260", "2,260 of them", "Spanish"),
    Fact("Quanto pesa la campana di Upper Sorrel?", "1.8", "1.8 tonnes", "Italian"),
    Fact("彗星 Daro-Lindt 多少年回来一次？", "63", "every 63 years", "Chinese"),
)

ABSENT: tuple[str, ...] = (
    "What is the telephone number of the lighthouse of Varnholm?",
    "Who painted the portrait of Leopold Artz?",
    "How many passengers drowned on the Anna Tolland?",
    "What is the capital of Australia?",
    "How much does the Marchetti 12 weigh?",
    "In which year was the chess club of Narva Street founded?",
    "What is the salary of Yusuf Branagh?",
    "Which airline flies to Abu Terrin?",
    "How many calories has Mirelle cheese?",
    "Wie heißt der Hund von Fiona Gault?",
    "Who won the football cup in 1994?",
    "What is the boiling point of mercury?",
)
