"""Make ``sales.csv``: the sales of a company that does not exist. ``python make_sales.py`` writes the same file again.

Only `random.Random.random` is drawn from: Python promises that its numbers stay the same from version to version.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

REGIONS = {"America": 1.3, "Asia": 0.6, "Europe": 1.0}  # how large each market is, beside Europe
PRODUCTS = {"Kettle": (49, 520), "Lamp": (79, 340), "Desk": (349, 78), "Chair": (159, 170)}  # euros, units a month
MONTHS = ["2023-12", *(f"2024-{month:02d}" for month in range(1, 13))]


def rows() -> list[str]:
    """One line for each month, region and product."""
    draw = random.Random(2024).random
    lines = ["month,region,product,units,revenue_eur"]
    for number, month in enumerate(MONTHS):
        for region, size in REGIONS.items():
            for product, (price, usual) in PRODUCTS.items():
                season = 1 + 0.25 * math.sin(2 * math.pi * (number - 9) / 12)
                units = round(usual * size * season * (0.8 + 0.4 * draw()))
                lines.append(f"{month},{region},{product},{units},{units * price}")
    return lines


if __name__ == "__main__":
    Path(__file__).with_name("sales.csv").write_text("\n".join(rows()) + "\n", encoding="utf-8")
