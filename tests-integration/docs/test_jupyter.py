"""The cells of the how-to on Jupyter run, one after another, in a real kernel."""

from __future__ import annotations

import json

from doc_blocks import ROOT, read
from doc_frameworks import call, needs_frameworks

pytestmark = needs_frameworks

RUN = """
import json, os, sys
import nbclient, nbformat

cells = json.loads(sys.argv[1])
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
client = nbclient.NotebookClient(notebook, timeout=60, allow_errors=True, resources={})
client.execute()
print(json.dumps([[
    "".join(output.get("text", "")) + output.get("data", {}).get("text/plain", "")
    + output.get("evalue", "") for output in cell.outputs
] for cell in notebook.cells]))
"""


def test_cells(tmp_path):
    page = ROOT / "docs" / "how-to" / "jupyter.rst"
    cells = [block.text for block in read(page) if block.language == "python"]
    ours = ["list(received)", "asyncio.run(echo(None))"]
    # Nothing is left in the home folder, and no kernel is taken from there.
    home = {"IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    home["JUPYTER_PREFER_ENV_PATH"] = "1"
    printed = call(tmp_path, "-W", "ignore", "-c", RUN, json.dumps(cells + ours), **home)
    outputs = dict(zip(cells + ours, json.loads(printed.splitlines()[-1]), strict=True))
    # What a cell shows, if it shows anything; an error would be something.
    shown = [output for cell in cells if (output := outputs[cell])]
    listed, failed = (outputs[cell] for cell in ours)
    assert shown == [["'hello'"], *([outputs["list(received)\n"]]), ["hello\n"]]
    assert listed == ["['more']"]
    assert "asyncio.run() cannot be called from a running event loop" in failed[0]
