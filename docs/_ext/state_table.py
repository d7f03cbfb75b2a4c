"""
Directives that draw :data:`ws_sansio.states.TRANSITIONS`, so that the page can't be out of date.

``.. state-table::`` is a table of what each step leads to in each state. ``.. state-diagram::`` is
the same as a diagram; it needs ``dot`` (graphviz), and leaves itself out where that is missing.
"""

from __future__ import annotations

import shutil
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.ext.graphviz import graphviz

from ws_sansio.states import TRANSITIONS, State, Step


class StateTable(Directive):
    """The table."""

    def run(self) -> list[nodes.Node]:
        table = nodes.table()
        group = nodes.tgroup(cols=1 + len(State))
        table += group
        for _ in range(1 + len(State)):
            group += nodes.colspec(colwidth=1)
        head = nodes.thead()
        head += _row(["", *(state.name for state in State)])
        group += head
        body = nodes.tbody()
        group += body
        for step in Step:
            targets = [TRANSITIONS.get((state, step)) for state in State]
            body += _row([step.value, *("–" if to is None else to.name for to in targets)])
        return [table]


class StateDiagram(Directive):
    """The diagram."""

    def run(self) -> list[nodes.Node]:
        if shutil.which("dot") is None:
            return []
        lines = ["digraph states {", "rankdir=LR; node [shape=box, style=rounded];"]
        edges: dict[tuple[State, State], list[str]] = {}
        for (state, step), to in TRANSITIONS.items():
            if state is not to:
                edges.setdefault((state, to), []).append(step.value)
        for (state, to), labels in edges.items():
            label = "\\n".join(labels)
            lines.append(f'{state.name} -> {to.name} [label="{label}"];')
        lines.append("}")
        node = graphviz()
        node["code"] = "\n".join(lines)
        node["options"] = {}
        return [node]


def _row(cells: list[str]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        entry += nodes.paragraph(text=cell)
        row += entry
    return row


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("state-table", StateTable)
    app.add_directive("state-diagram", StateDiagram)
    return {"parallel_read_safe": True}
