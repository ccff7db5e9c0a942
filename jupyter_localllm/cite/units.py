"""Units and currencies behind or before a number, each under one name."""

from __future__ import annotations

__all__ = ["CURRENCIES", "PERCENT", "UNITS", "unit_named"]

PERCENT = "%"

_NAMES = {
    PERCENT: "% percent pct prozent pourcent procent percento %",
    "‰": "‰ permille promille per-mille",
    "eur": "€ EUR euro euros Euro Euros",
    "usd": "$ USD US$ dollar dollars Dollar Dollars",
    "gbp": "£ GBP pound pounds Pfund",
    "jpy": "¥ JPY yen Yen 円",
    "cny": "CNY RMB yuan Yuan 元",
    "inr": "₹ INR rupee rupees",
    "chf": "CHF Fr. Franken francs",
    "cad": "CAD",
    "aud": "AUD",
    "km": "km kilometer kilometers kilometre kilometres Kilometer kilomètres kilómetros",
    "m": "m meter meters metre metres Meter mètres metros",
    "cm": "cm centimeter centimeters centimetre centimetres Zentimeter",
    "mm": "mm millimeter millimeters millimetre millimetres Millimeter",
    "mi": "mi mile miles Meilen",
    "ft": "ft foot feet",
    "km²": "km² km2 sqkm km^2",
    "m²": "m² m2 sqm m^2 qm",
    "m³": "m³ m3",
    "ha": "ha hectare hectares Hektar",
    "kg": "kg kilogram kilograms kilo kilos Kilogramm",
    "g": "g gram grams Gramm",
    "mg": "mg",
    "t": "t tonne tonnes tons Tonnen",
    "lb": "lb lbs",
    "l": "l L liter liters litre litres Liter",
    "ml": "ml mL",
    "°c": "°C ℃ celsius Celsius",
    "°f": "°F ℉ fahrenheit Fahrenheit",
    "ms": "ms",
    "s": "s sec secs second seconds Sekunden secondes segundos",
    "min": "min mins minute minutes Minuten minutos",
    "h": "h hr hrs hour hours Stunden Stunde heures horas",
    "km/h": "km/h kmh kph",
    "mph": "mph",
    "m/s": "m/s",
    "kb": "KB kB",
    "mb": "MB",
    "gb": "GB",
    "tb": "TB",
    "w": "W watt watts",
    "kw": "kW",
    "mw": "MW",
    "kwh": "kWh",
    "hz": "Hz",
    "ghz": "GHz",
    "v": "V volt volts",
}

UNITS: dict[str, str] = {written: unit for unit, names in _NAMES.items() for written in names.split()}
"""What is written, with its case, and the unit's name."""

CURRENCIES = frozenset({"eur", "usd", "gbp", "jpy", "cny", "inr", "chf", "cad", "aud"})


def unit_named(word: str) -> str:
    """The unit of this name, in any case if it is longer than two letters; ``""`` for none.

    Examples
    --------
    >>> unit_named("KM"), unit_named("Kilometers"), unit_named("usd"), unit_named("house")
    ('', 'km', 'usd', '')
    """
    return UNITS.get(word) or (UNITS.get(word.lower()) or UNITS.get(word.upper()) or "" if len(word) > 2 else "")
