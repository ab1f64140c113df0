#!/usr/bin/env python3
"""The kit's one command; needs only Python 3.11 or newer.

    python3 kit.py run [STUDY]    from raw files to results/<study>/report.html
                                  (the shipped study data/sepidar when none is named)
    python3 kit.py lab            open JupyterLab on the notebooks
    python3 kit.py test           run the tests and prove the notebooks' outputs current
    python3 kit.py notebooks      run the notebooks again and keep their outputs
    python3 kit.py check          ruff, mypy, then the tests
    python3 kit.py lock           make environment.yml and requirements.lock from pyproject.toml

What follows a command is passed on, for example:
    python3 kit.py run data/olist --raw PATH --notebooks 05-06 --out PATH
    python3 kit.py test -m slow

The first call makes the folder .venv from requirements.lock (a few minutes, needs the
network once); later calls reuse it until the lock or Python changes. An active conda
environment made from environment.yml is used as it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
CONDA_NAME = "cjlib"
# Pictures in the committed notebooks are compared to the byte only where they were made.
OUTPUTS_MADE_ON = ("Linux", "x86_64", (3, 11))

# PyPI name -> conda-forge name, where they differ; None: installed by pip inside conda
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "axe-playwright-python": None,
    "duckdb": "python-duckdb",
    "insufficient-effort": None,
    "persiantools": None,
    "playwright": None,
    "psycopg[binary]": None,
    "pypdfium2": None,
    "pyrefiqda": None,
    "webvtt-py": None,
    "types-jsonschema": None,
    "types-openpyxl": None,
    "types-pyyaml": None,
    "types-tqdm": None,
}


def main(words: list[str]) -> int:
    """Do what the first word says; return the exit code of the program it starts."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    command, rest = words[0], words[1:]
    if command not in COMMANDS:
        print(f"kit.py: no command '{command}'.\n{__doc__}", file=sys.stderr)
        return 2
    return COMMANDS[command](rest)


def run(rest: list[str]) -> int:
    """Run a study; the shipped one when no path is given."""
    if not rest or rest[0].startswith("-"):
        rest = [str(ROOT / "data" / "sepidar"), *rest]
    return _python("-m", "cjlib", "run", *rest)


def lab(rest: list[str]) -> int:
    """Open JupyterLab on the notebooks."""
    return _python("-m", "jupyter", "lab", str(ROOT / "notebooks"), *rest)


def test(rest: list[str]) -> int:
    """Run pytest with doctests and nbval; other arguments go to pytest."""
    here = (platform.system(), platform.machine(), sys.version_info[:2])
    strict = here == OUTPUTS_MADE_ON and not _conda_python()
    places = [] if any(word.startswith("tests") for word in rest) else _test_places(strict, rest)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two workers share the cores already
    return _python("-m", "pytest", *places, *rest, cwd=ROOT)


def _test_places(strict: bool, rest: list[str]) -> list[str]:
    """Name what is tested, and share it out over two workers: notebooks first, then by file."""
    places = ["tests", "cjlib", "--doctest-modules", "-n", "2", "--dist", "loadscope"]
    places += ["--no-loadscope-reorder"]
    if "-m" not in rest:
        places = ["notebooks", "--nbval" if strict else "--nbval-lax", *places]
        places += ["--nbval-sanitize-with", "tests/nbval_sanitise.cfg"]
    return places


def notebooks(rest: list[str]) -> int:
    """Run the committed notebooks on the shipped study and keep their outputs."""
    return _python("-m", "cjlib", "notebooks", *rest, cwd=ROOT)


def check(rest: list[str]) -> int:
    """Lint, check types, test; stop at the first that fails."""
    return (
        _python("-m", "ruff", "check", ".", cwd=ROOT)
        or _python("-m", "ruff", "format", "--check", ".", cwd=ROOT)
        or _python("-m", "mypy", cwd=ROOT)
        or test(rest)
    )


def lock(rest: list[str]) -> int:
    """Make environment.yml and requirements.lock anew from pyproject.toml."""
    _write(ROOT / "environment.yml", environment_text())
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder) / "tools"
        venv.create(tools, with_pip=True)
        python = str(_python_in(tools))
        made = Path(folder) / LOCK.name
        if LOCK.exists():
            shutil.copy(LOCK, made)
        steps = (
            [python, "-m", "pip", "install", "--quiet", "uv"],
            [python, "-m", "uv", "pip", "compile", "pyproject.toml", "--extra", "test",
             "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header",
             "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet",
             "--output-file", str(made), *rest],
        )  # fmt: skip
        for step in steps:
            code = subprocess.call(step, cwd=ROOT)
            if code:
                return code
        text = f"# made by kit.py lock from {declared_hash()}\n" + _without_stamp(made.read_text())
        _write(LOCK, text)
    return 0


def declared() -> tuple[str, list[str], list[str]]:
    """Return the Python bound, the dependencies and the test dependencies of pyproject.toml."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["test"]
    return project["requires-python"], project["dependencies"], extra


def declared_hash() -> str:
    """Return a checksum of what pyproject.toml declares; the lock carries it."""
    python, needed, extra = declared()
    text = "\n".join([python, *needed, *extra])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def environment_text() -> str:
    """Return environment.yml as pyproject.toml implies it."""
    python, needed, extra = declared()
    conda, pip = [f"python{python}"], []
    for line in [*needed, *extra]:
        name = line.split(">=")[0].strip()
        other = CONDA_NAMES.get(name, name)
        if other is None:
            pip.append(line)
        else:
            conda.append(other + line[len(name) :])
    lines = [
        "# made by kit.py lock from pyproject.toml; change that file, not this one",
        f"name: {CONDA_NAME}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        *(f'  - "{line}"' for line in [*conda, "pip"]),
        "  - pip:",
        *(f'      - "{line}"' for line in pip),
    ]
    return "\n".join(lines) + "\n"


def _python(*words: str, cwd: Path | None = None) -> int:
    """Call the kit's own Python and return its exit code."""
    python = _conda_python() or _venv_python()
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    try:
        return subprocess.call([str(python), *words], cwd=cwd, env=environment)
    except KeyboardInterrupt:
        return 130


def _conda_python() -> Path | None:
    """Return the Python of an active conda environment made from environment.yml, if any."""
    prefix = os.environ.get("CONDA_PREFIX")
    if not prefix or os.environ.get("CONDA_DEFAULT_ENV") != CONDA_NAME:
        return None
    folder = Path(prefix)
    python = folder / ("python.exe" if os.name == "nt" else "bin/python")
    return python if python.exists() else None


def _venv_python() -> Path:
    """Return the Python of .venv, made or made anew where the lock or Python changed."""
    python = _python_in(VENV)
    stamp = VENV / "kit-stamp.txt"
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version}"
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(
        "kit.py: making .venv from requirements.lock, once; this takes a few minutes.", flush=True
    )
    venv.create(VENV, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
               "--quiet", "--require-hashes", "-r", str(LOCK)]  # fmt: skip
    if subprocess.call(install) != 0:
        raise SystemExit(
            "kit.py: the packages could not be installed. Is the network up? "
            "Run the same command again; nothing else needs mending."
        )
    places = subprocess.check_output(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    (Path(places.strip()) / "cjlib.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _without_stamp(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# made"))


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(path.suffix + ".new")
    new.write_text(text, encoding="utf-8", newline="\n")
    new.replace(path)


COMMANDS = {
    "run": run,
    "lab": lab,
    "test": test,
    "notebooks": notebooks,
    "check": check,
    "lock": lock,
}

if __name__ == "__main__":
    if sys.version_info < (3, 11):
        raise SystemExit(
            "kit.py: Python 3.11 or newer is needed; this is " + sys.version.split()[0]
        )
    sys.exit(main(sys.argv[1:]))
