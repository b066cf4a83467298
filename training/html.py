"""Pages that need nothing else: one HTML file with its pictures inside."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from html import escape

from training.table import Table

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-top: 1.6rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #dfe5ec; }
th { font-weight: 600; vertical-align: bottom; }
td { white-space: nowrap; } td.long { white-space: normal; min-width: 11rem; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; } figure { margin: 1rem 0 2rem; } figcaption { color: #51606f; }
.note { background: #fff6e0; padding: .6rem 1rem; border-left: 4px solid #e0a100; }
.wide { overflow-x: auto; }
.digest { overflow-wrap: anywhere; color: #51606f; font-size: .85rem; }
@media (max-width: 50rem) { th, td { padding: .2rem .4rem; font-size: .85rem; } td { white-space: normal; } }
details { margin: .3rem 0; } details[open] { margin-bottom: 1.4rem; } summary { cursor: pointer; }
"""

#: Cells of more characters than this are sentences, and go over several lines.
_LONG = 40

_BRACKETS = re.compile(r"\([^)]*\)")


def html_page(title: str, parts: Iterable[str]) -> str:
    """A whole page of parts that are HTML already; the title is escaped."""
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def html_table(table: Table) -> str:
    """A table."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    name = ' class="long"' if len(text) > _LONG else ""
    # where a line must break, it breaks before an interval and not within
    whole = text if name else _BRACKETS.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    return f"<td{name}>{escape(whole)}</td>"


def html_image(png: bytes, name: str) -> str:
    """A picture within the page; `name` is told where it cannot be seen."""
    return f'<img alt="{escape(name)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
