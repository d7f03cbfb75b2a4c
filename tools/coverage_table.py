"""Reports the branch coverage of each module, and holds it against a minimum.

``python -m tools.coverage_table ws-types ws-sansio`` reads ``reports/coverage/<distribution>``,
writes ``reports/coverage.md`` and fails where a module of a distribution in ``GATES`` is below its
minimum.

The column *own file* counts what the tests of the file named after the module reach (``headers.py``
is tested by ``test_headers.py``), *all* what all tests of the distribution reach.
"""

from __future__ import annotations

import io
import pathlib
import sys

import coverage

from .distributions import ROOT, load

#: The least branch coverage of each module, in per cent.
GATES = {"ws-types": 95.0, "ws-sansio": 95.0}

#: The tests of a module live in ``test_<module>.py`` or ``test_<module>_<aspect>.py``; what runs at
#: import time has the empty context.
CONTEXT = r"(^|\.)test_{name}(_\w+)?\.|^$"

FOLDER = ROOT / "reports" / "coverage"


def measure(data_file: pathlib.Path, path: str, contexts: list[str] | None) -> tuple[float, str]:
    """Return the coverage of a file in per cent, and the lines that are not covered."""
    measured = coverage.Coverage(data_file=str(data_file), config_file=str(ROOT / ".coveragerc"))
    measured.load()
    if contexts is not None:
        measured.get_data().set_query_contexts(contexts)
    missing = measured.analysis2(path)[4]
    total = measured.report(include=[path], file=io.StringIO(), contexts=contexts)
    return total, missing


def main(names: list[str]) -> int:
    """Print the table and return the number of modules that miss their minimum."""
    rows = ["| module | own file | all | lines missed |", "|---|---:|---:|---|"]
    low = []
    every = load()
    for name in names:
        data_file = FOLDER / name
        data = coverage.CoverageData(str(data_file))
        data.read()
        for path in sorted(data.measured_files()):
            stem = pathlib.Path(path).stem
            total, missing = measure(data_file, path, None)
            own, _ = measure(data_file, path, [CONTEXT.format(name=stem.strip("_"))])
            module = f"{every[name].package}.{stem}"
            rows.append(f"| {module} | {own:.1f} | {total:.1f} | {missing} |")
            if total < GATES.get(name, 0.0):
                low.append(f"{module}: {total:.1f} % is below {GATES[name]:.0f} %")
    text = "\n".join(rows)
    (ROOT / "reports" / "coverage.md").write_text(text + "\n")
    print(text)
    for line in low:
        print(line)
    return len(low)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
