"""The page at / while a run is served: what has been judged so far, looked at again and again."""

from __future__ import annotations

from collections import Counter
from html import escape

from sockproof.clients.connection import Arrival, Connection
from sockproof.clients.run import ClientRun
from sockproof.render.html_page import SHAPES
from sockproof.render.text import number, short
from sockproof.runs.records import OUTCOMES, CaseRecord

AGAIN = 2  # seconds until a browser asks again
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td { padding: .2rem .8rem .2rem 0; vertical-align: top; overflow-wrap: anywhere }
.FAIL { color: #c62828 } .NON_STRICT, .INCONCLUSIVE { color: #b26a00 } .PASS { color: #2e7d32 }
"""


class Page:
    """Shows a run to browsers."""

    def __init__(self, run: ClientRun) -> None:
        self.run = run

    def takes(self, arrival: Arrival) -> bool:
        """Whether a browser asks for the page."""
        return arrival.path == "/" and arrival.request.get("Sec-WebSocket-Key") is None

    async def serve(self, connection: Connection, arrival: Arrival) -> bool:
        """Answer with the page as it is now."""
        body = render(self.run).encode("utf-8", "replace")
        fields = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))
        policy = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        connection.respond(200, "OK", body, (*fields, policy))
        return "close" not in arrival.request.tokens("Connection")


def render(run: ClientRun) -> str:
    """The page; what is not a PASS comes first, the latest at the top."""
    records = list(reversed(run.records.values()))
    counts = Counter(record.outcome for record in records)
    told = ", ".join(
        f'<span class="{name}">{SHAPES[name]} {counts[name]} {name.replace("_", "-")}</span>'
        for name in OUTCOMES
        if counts[name]
    )
    rows = [_row(each) for each in sorted(records, key=lambda record: record.outcome == "PASS")]
    title = escape(short(run.agent or "no client yet", 200))
    ends = "" if not run.is_over else "<p>The run is over.</p>"
    refresh = "" if run.is_over else f'<meta http-equiv="refresh" content="{AGAIN}">'
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{refresh}'
        f"<title>{title}: sockproof clients</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1><p>{len(records)} of {number(len(run.due), 'case')} judged. {told}</p>"
        f"{ends}<table>{''.join(rows)}</table></body></html>"
    )


def _row(record: CaseRecord) -> str:
    got = escape(short(record.got, 300)) if record.outcome != "PASS" else ""
    shape = SHAPES.get(record.outcome, "")
    return (
        f'<tr><td class="{record.outcome}">{shape} {record.outcome.replace("_", "-")}</td>'
        f"<td>{escape(short(record.id, 300))}</td><td>{got}</td></tr>"
    )
