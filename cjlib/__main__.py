"""The command line: ``python -m cjlib new | codebook | check | run | report | compare | ...``.

Exit codes: 0 done; 1 the study has faults (all are listed); 2 the command was used wrongly;
3 a notebook or the report stopped.
"""

from __future__ import annotations

import argparse
import codecs
import sys
from collections.abc import Sequence
from pathlib import Path

from cjlib import __version__
from cjlib.checking import check_study
from cjlib.cross_study import compare_studies, open_side, write_comparison
from cjlib.definitions import Dialect
from cjlib.errors import JourneyError, StudyError
from cjlib.notebook import run_notebooks
from cjlib.notebook.opening import home
from cjlib.plots import use_style
from cjlib.report import print_report, write_report
from cjlib.study import SOURCES, load_study
from cjlib.survey import draft_codebook
from cjlib.survey.headings import FORMS
from cjlib.templates import copy_template

DONE, FAULTS, WRONG_USE, STOPPED = 0, 1, 2, 3


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # Persian on any terminal
    arguments = _parser().parse_args(words)
    try:
        code: int = arguments.command(arguments)
    except StudyError as error:
        print(error, file=sys.stderr)
        return FAULTS
    except JourneyError as error:
        print(error, file=sys.stderr)
        return STOPPED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cjlib",
        description="Customer-journey research: from raw files to a report.",
        epilog="Exit codes: 0 done; 1 the study has faults; 2 wrong use; 3 a step stopped.",
    )
    parser.add_argument("--version", action="version", version=f"cjlib {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    new = commands.add_parser("new", help="make a new study folder with examples to replace")
    new.add_argument("path", type=Path)
    new.set_defaults(command=_new)

    draft = commands.add_parser(
        "codebook", help="draft the codebook of a survey export, for you to correct"
    )
    draft.add_argument("path", type=Path, metavar="EXPORT", help="CSV, xlsx or SPSS .sav")
    draft.add_argument("-o", "--out", type=Path, metavar="FILE", help="file instead of the screen")
    draft.add_argument("--force", action="store_true", help="write over FILE")
    _add_dialect(draft)
    draft.set_defaults(command=_codebook)

    check = commands.add_parser("check", help="list every fault of a study, with file and line")
    _add_study(check)
    check.set_defaults(command=_check)

    run = commands.add_parser("run", help="run the notebooks on a study and write its report")
    _add_study(run)
    run.add_argument("--notebooks", default="", metavar="02-05", help="only these notebooks")
    run.add_argument("--out", type=Path, help="folder of the results (results/<study>)")
    run.add_argument(
        "--fresh", action="store_true", help="run all, also what nothing has changed for"
    )
    run.set_defaults(command=_run)

    report = commands.add_parser("report", help="write report.html anew from a study's results")
    _add_study(report)
    report.add_argument("--out", type=Path, help="folder of the results (results/<study>)")
    report.add_argument("--pdf", action="store_true", help="also report.pdf (needs Chromium)")
    report.set_defaults(command=_report)

    beside = commands.add_parser("compare", help="put studies side by side, with tests")
    beside.add_argument("paths", nargs="+", type=Path, metavar="STUDY", help="study folders")
    beside.add_argument("--raw", nargs="+", default=[], metavar="FOLDER",
                        help="folders of their raw files, in order; - for none")  # fmt: skip
    beside.add_argument("--accept", nargs="+", default=[], metavar="REASON",
                        help="compare in spite of: wording, year, invented")  # fmt: skip
    beside.add_argument("-o", "--out", type=Path, metavar="FILE", help=".html or .csv")
    beside.set_defaults(command=_compare)

    books = commands.add_parser("notebooks", help="run the kit's notebooks and keep the outputs")
    books.add_argument("select", nargs="?", default="", metavar="02-05")
    books.set_defaults(command=_notebooks)
    return parser


def _add_dialect(parser: argparse.ArgumentParser) -> None:
    """Add what may be known of an export; what is not given is detected."""
    parser.add_argument(
        "--encoding", default="", type=_known_encoding, help="such as utf-8 or windows-1256"
    )
    parser.add_argument("--separator", default="", help="the sign between cells, or: tab")
    parser.add_argument("--header-rows", type=int, choices=(1, 2, 3), help="rows above the data")
    parser.add_argument("--form", default="", choices=("", *FORMS), metavar="FORM",
                        help="the tool that wrote it: " + ", ".join(FORMS))  # fmt: skip
    parser.add_argument("--sheet", default="", help="sheet of a workbook")
    parser.add_argument("--short-rows", default="", choices=("", "fill"), metavar="fill",
                        help="cells that rows lack at their end are empty")  # fmt: skip


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name or "utf-8")  # "": to be detected
    except LookupError:
        raise argparse.ArgumentTypeError(f"no encoding is called {name!r}") from None
    return name


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="the study folder")
    parser.add_argument("--raw", type=Path, help="folder of the raw files, if elsewhere")


def _new(arguments: argparse.Namespace) -> int:
    for file in copy_template(arguments.path):
        print(f"  {file}")
    print(
        f"A study with example rows stands in {arguments.path}. Replace the examples, then:\n"
        f"  python -m cjlib check {arguments.path}\n  python -m cjlib run {arguments.path}"
    )
    return DONE


def _codebook(arguments: argparse.Namespace) -> int:
    out: Path | None = arguments.out
    if not arguments.path.is_file():
        raise JourneyError(f"codebook: the export must be a file; there is no '{arguments.path}'.")
    if out is not None and out.exists() and not arguments.force:
        raise JourneyError(
            f"codebook: '{out}' stands already and may hold corrections. Name another file, "
            "or add --force."
        )
    draft = draft_codebook(
        arguments.path,
        dialect=Dialect(
            encoding=arguments.encoding, separator=arguments.separator,
            header_rows=arguments.header_rows, form=arguments.form, sheet=arguments.sheet,
            short_rows=arguments.short_rows,
        ),
    )  # fmt: skip
    for note in draft.notes:
        print(note, file=sys.stderr)
    print(draft.summary(), file=sys.stderr)
    if out is None:
        sys.stdout.write(draft.to_csv())
        return DONE
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(draft.to_csv(), encoding="utf-8", newline="")
    part.replace(out)
    print(f"Codebook to correct: {out}")
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    study, faults = check_study(arguments.path, raw=arguments.raw)
    for fault in faults:
        print(fault)
    if faults or study is None:
        noun = "fault" if len(faults) == 1 else "faults"
        print(f"{len(faults)} {noun} in {arguments.path}.")
        return FAULTS
    have = [name for name in SOURCES if study.has(name)]
    lack = [name for name in SOURCES if not study.has(name)]
    print(f"No faults in {arguments.path}. It has: {', '.join(have) or 'no source yet'}.")
    if lack:
        print(f"It has no: {', '.join(lack)}. Steps that need them will say so and be skipped.")
    return DONE


def _run(arguments: argparse.Namespace) -> int:
    study = load_study(arguments.path, raw=arguments.raw)
    out = arguments.out or home() / "results" / study.id
    done = run_notebooks(
        arguments.path, out=out, raw=arguments.raw, select=arguments.notebooks,
        fresh=arguments.fresh,
    )  # fmt: skip
    print(done.summary())
    report = out / "report.html"
    if report.exists():
        print(f"Report: {report}")
    else:
        print(f"Results: {out} (the report is made by notebook 10)")
    return DONE


def _report(arguments: argparse.Namespace) -> int:
    study = load_study(arguments.path, raw=arguments.raw)
    out = arguments.out or home() / "results" / study.id
    print(f"Report: {write_report(study, out)}")
    if arguments.pdf:
        print(f"On paper: {print_report(study, out)}")
    return DONE


def _compare(arguments: argparse.Namespace) -> int:
    paths: list[Path] = arguments.paths
    raws: list[str] = arguments.raw + ["-"] * (len(paths) - len(arguments.raw))
    if len(raws) > len(paths):
        raise JourneyError(
            f"compare: --raw must be one folder a study; got {len(raws)} for {len(paths)} studies."
        )
    sides = [
        open_side(path, raw=None if raw == "-" else raw)
        for path, raw in zip(paths, raws, strict=True)
    ]
    found = compare_studies(sides, accept=arguments.accept)
    print(found.summary())
    if arguments.out is not None:
        use_style()
        print(f"Comparison: {write_comparison(found, arguments.out)}")
    return DONE


def _notebooks(arguments: argparse.Namespace) -> int:
    study = home() / "data" / "sepidar"
    out = home() / "results" / study.name
    for file in run_notebooks(study, out=out, select=arguments.select, keep=True).files:
        print(f"  {file.name}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
