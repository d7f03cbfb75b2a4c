"""Runs any job of this repository on a fresh clone, with CPython 3.11 or later alone.

::

    python3 run.py demo [--seconds N]    run the chat with its live page
    python3 run.py test                  pass the tests, as CI does
    python3 run.py SESSION [ARGUMENT...] run a session of the noxfile (python3 run.py --list)

Tools are installed into .venv-tools, in this folder; nothing outside of it changes.
"""

# An old Python 3 must be able to read this file, so that it can say what is missing.
import importlib.util
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(ROOT, ".venv-tools")
REQUIREMENTS = ["nox>=2025.5", "packaging>=24"]


def fail(text: str) -> None:
    """Say in one line what is missing, and stop."""
    sys.exit("run.py: " + text)


def tool(name: str) -> str:
    """Return the path of a program in .venv-tools."""
    folder = "Scripts" if os.name == "nt" else "bin"
    return os.path.join(TOOLS, folder, name + (".exe" if os.name == "nt" else ""))


def check_python() -> None:
    """Refuse a Python that can't do it, naming what would."""
    if sys.version_info < (3, 11) or sys.implementation.name != "cpython":
        name = f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}"
        fail(f"CPython 3.11 or later is needed, and this is {name}")
    if not all(importlib.util.find_spec(module) for module in ("ensurepip", "venv")):
        fail("this Python can't make virtual environments: install the system package python3-venv")


def set_up() -> None:
    """Make .venv-tools with nox, unless it is there for this Python and these requirements."""
    stamp = os.path.join(TOOLS, "stamp")
    wanted = "\n".join([sys.version, sys.base_prefix, ROOT] + REQUIREMENTS)
    try:
        with open(stamp) as file:
            if file.read() == wanted:
                return
    except OSError:
        pass
    print("run.py: installing nox into %s" % os.path.relpath(TOOLS), flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", TOOLS]):
        fail("the virtual environment can't be made: install the system package python3-venv")
    pip = [tool("python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.call(pip + REQUIREMENTS):
        fail("nox can't be installed: is there a network?")
    with open(stamp, "w") as file:
        file.write(wanted)


def nox(session: str, arguments: "list[str]", *options: str) -> int:
    """Run a session and return its exit code."""
    command = [tool("python"), "-m", "nox", "-f", os.path.join(ROOT, "noxfile.py"), *options]
    command += ["-s", session]
    try:
        return subprocess.call(command + ["--"] + arguments, cwd=ROOT)
    except KeyboardInterrupt:
        # The session got the signal too, and has ended.
        return 130


def demo(arguments: "list[str]") -> int:
    """Install the packages, and become the demo: Ctrl-C reaches it alone."""
    code = nox("demo", [], "--install-only")
    if code:
        return code
    folder = os.path.join(ROOT, ".nox", "demo", "Scripts" if os.name == "nt" else "bin")
    command = [os.path.join(folder, "python"), os.path.join(ROOT, "demo", "chat.py")] + arguments
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    return subprocess.call(command)


def test() -> int:
    """Run what CI runs, and end with the counts of every pytest run together."""
    command = [tool("python"), "-c", "from tools import junit; junit.clear()"]
    subprocess.call(command, cwd=ROOT)
    code = nox("ci", [])
    print("\nTests:", flush=True)
    failed = subprocess.call([tool("python"), "-m", "tools.junit"], cwd=ROOT)
    return code or failed


def main(arguments: "list[str]") -> int:
    """Run the command."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if arguments[1:2] == ["--"]:
        # As nox has it.
        del arguments[1]
    check_python()
    set_up()
    if arguments[0] == "--list":
        return subprocess.call([tool("python"), "-m", "nox", "--list"], cwd=ROOT)
    if arguments[0] == "demo":
        return demo(arguments[1:])
    if arguments[0] == "test":
        return test()
    return nox(arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
