"""A warm-up plan as a picture."""

import pygal
from pygal.style import CleanStyle

from sidecars.deliverability.warmup import Plan, by_provider
from sidecars.names import LANES_ALL


def draw(plan: Plan) -> bytes:
    """SVG that needs no other file: mails of each day by all addresses that warm up, stacked by provider."""
    chart = pygal.StackedBar(
        title=f"Warm-up of {len({series.address for series in plan.series})} addresses to "
        f"{plan.target:,} mails a day",
        x_title="Day (UTC)",
        y_title="Mails a day",
        x_label_rotation=60,
        legend_at_bottom=True,
        value_formatter=lambda mails: f"{mails:,.0f}",
        js=[],
        width=1000,
        height=560,
        style=CleanStyle,
        disable_xml_declaration=False,
    )
    chart.x_labels = [day.isoformat() for day in plan.days]
    for provider, days in by_provider(plan).items():
        chart.add("others" if provider == LANES_ALL else provider, [days[day] for day in plan.days])
    return bytes(chart.render())
