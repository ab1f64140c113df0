"""Reading a study's interviews: transcripts, people and codings into tidy tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.columns import CUSTOMER, INTERVIEW, LANGUAGE, ROLE, SPEAKER, START, TEXT, TURN
from cjlib.errors import Fault, JourneyError, UnsafeFileError
from cjlib.interviews.coding import CODE_COLUMNS, read_codes, read_codings
from cjlib.interviews.model import Interviews
from cjlib.interviews.people import Person, match_files, read_people
from cjlib.interviews.redaction import Redactor, Register
from cjlib.interviews.roles import PARTICIPANT, find_roles, is_role_word
from cjlib.interviews.speech import normalise_utterances
from cjlib.interviews.transcripts import FORMATS, Turn, read_transcript
from cjlib.language import key
from cjlib.sheets import Sheet
from cjlib.study import Study

NOT_INTERVIEWS: Final = (  # stems that are left alone
    "readme", "source", "license", "guide", "people", "codes", "coding",
)  # fmt: skip
UTTERANCES: Final = (
    INTERVIEW, "participant", CUSTOMER, TURN, SPEAKER, ROLE, START, TEXT, LANGUAGE, "consent",
)  # fmt: skip
PEOPLE: Final = (
    INTERVIEW, "participant", CUSTOMER, LANGUAGE, "consent", "age", "gender", "place",
)  # fmt: skip
ROLES: Final = (INTERVIEW, SPEAKER, ROLE, "rule", "turns", "words")
REDACTIONS: Final = (INTERVIEW, TURN, "kind", "placeholder", "rule")
MISFITS: Final = ("file", "line", "found", "expected", "nearest")


def read_interviews(study: Study) -> Interviews:
    """Read the transcripts of a study, who is in them, and how they were coded.

    Every txt, md, docx, vtt, srt, pdf, json, tsv or csv file under the interviews folder is
    an interview, but for the study's own tables and files called readme, guide and so on
    (``read_transcript`` says how turns are told; ``find_roles`` how roles are). Its id is
    that of people.csv, or else its name without the ending. The same interview in several
    formats is read once, from the richest.

    People are taken out of every text before anything else sees it: e-mail and web
    addresses, phone and other long numbers (seven or more number words in a row too), house
    numbers with their street, names and places listed in people.csv, words it says to hide,
    speakers' names, names by which speakers introduce themselves, names after a title, and
    where they say they live. The same one has the same placeholder in the whole study.
    ``redactions`` lists each for review; ``write_redaction_key`` writes what they stand for.
    Names of others without a title are not found: read what you publish.

    Words may be quoted only where people.csv records that participant's consent; an
    interviewer's where all participants of the interview gave it.

    Raises
    ------
    MissingSourceError
        If study.yaml names no interviews folder.
    JourneyError
        If no file in it could be read.
    """
    return _read(study, Register())


def write_redaction_key(study: Study) -> Path:
    """Write what each placeholder of the study's interviews stands for, on request only.

    The file, ``private/interviews_key.csv`` in the study folder, can be read by its owner
    alone and never goes into results. Whoever has it can undo the pseudonyms.

    Raises
    ------
    UnsafeFileError
        If the private folder leads out of the study.
    """
    folder = study.path / "private"
    if not folder.resolve().is_relative_to(study.path.resolve()):
        raise UnsafeFileError(
            "write_redaction_key: 'private' must lie inside the study folder; it leads out of "
            "it. Make it a folder of its own."
        )
    register = Register()
    _read(study, register)
    return register.write(folder)


def _read(study: Study, register: Register) -> Interviews:
    study.require("interviews", caller="read_interviews")
    folder = study.file(study.interviews_folder)
    people_sheet, people = read_people(study)
    own = {study.people_file, study.coding_file, study.codes_file}
    tables = {study.file(name).resolve() for name in own if name}
    files = [f for f in _find_files(folder, people_sheet) if f.resolve() not in tables]
    partners = match_files(files, people, folder, people_sheet)
    faults: list[Fault] = []
    rows: dict[str, list[dict[str, Any]]] = {"u": [], "p": [], "r": [], "x": []}
    raw: dict[str, list[str]] = {}
    redactors: dict[str, Redactor] = {}
    order = sorted(files, key=lambda f: (_natural(partners[f][0]), FORMATS.index(_ending(f))))
    for file in order:
        interview, group = partners[file]
        shown = f"{study.interviews_folder}/{file.relative_to(folder).as_posix()}"
        if interview in raw:
            faults.append(Fault(shown, 0, f"'{interview}' again", "one file for each interview"))
            continue
        try:
            turns = read_transcript(file, listed=[p.participant for p in group if p.participant])
        except (JourneyError, UnsafeFileError) as error:
            faults.append(Fault(shown, 0, str(error), "a transcript that can be read"))
            continue
        if not turns:
            faults.append(Fault(shown, 0, "no words", "a transcript"))
            continue
        raw[interview] = [turn.text for turn in turns]
        redactors[interview] = _read_one(
            study, interview, group, turns, people=people, register=register, rows=rows,
            sheet=people_sheet,
        )  # fmt: skip
    if not raw:
        raise JourneyError(
            f"read_interviews: '{study.interviews_folder}' must hold transcripts "
            f"({', '.join(FORMATS)}); none of its {len(files)} files could be read. "
            + " ".join(str(f) for f in faults[:3])
        )
    codes_sheet, codes = read_codes(study)
    coding_sheet, codings = read_codings(study, codes, raw)
    codings["quote"] = [
        _redact_quote(redactors[i], raw[i][turn - 1], quote)
        for i, turn, quote in zip(codings[INTERVIEW], codings[TURN], codings["quote"], strict=True)
    ]
    if not study.codes_file:
        found = pd.DataFrame({"code": sorted(codings["code"].unique())}, dtype="string")
        codes = found.reindex(columns=list(CODE_COLUMNS), fill_value="")
    sheets = (people_sheet, codes_sheet, coding_sheet)
    faults += [fault for sheet in sheets for fault in sheet.faults]
    utterances = _frame(rows["u"], UTTERANCES)
    speech = normalise_utterances(utterances)
    return Interviews(
        utterances=utterances.assign(analysis_text=speech.texts), noise=speech.noise,
        codings=codings, codes=codes,
        people=_frame(rows["p"], PEOPLE), roles=_frame(rows["r"], ROLES),
        redactions=_frame(rows["x"], REDACTIONS),
        misfits=pd.DataFrame(
            [(f.file, f.line, f.found, f.expected, f.nearest) for f in faults],
            columns=list(MISFITS),
        ),
        language=study.language,
    )  # fmt: skip


def _redact_quote(redactor: Redactor, text: str, quote: str) -> str:
    """Redact a quote where it stands, for a word before it may tell a number from a phone."""
    place = text.find(quote)
    if place < 0:  # written otherwise than spoken
        return redactor.redact(quote)[0]
    return redactor.redact(text, place, place + len(quote))[0]


def check_coding(study: Study) -> list[Fault]:
    """List everything in the interviews, people, codes and coding files that does not fit.

    A study without interviews has none.
    """
    if not study.has("interviews"):
        return []
    try:
        misfits = read_interviews(study).misfits
    except JourneyError as error:
        return [Fault(study.interviews_folder, 0, str(error), "transcripts that can be read")]
    return [Fault(*row) for row in misfits.itertuples(index=False)]


def _find_files(folder: Path, sheet: Sheet) -> list[Path]:
    root = folder.resolve()
    files = []
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.name.startswith((".", "~$")):
            continue
        if not file.resolve().is_relative_to(root):
            sheet.fault(0, f"'{file.name}' leads out of the folder", "a file inside it")
        elif _ending(file) in FORMATS and file.stem.casefold() not in NOT_INTERVIEWS:
            files.append(file)
    return files


def _read_one(
    study: Study, interview: str, group: list[Person], turns: list[Turn], *,
    people: list[Person], register: Register, rows: dict[str, list[dict[str, Any]]], sheet: Sheet,
) -> Redactor:  # fmt: skip
    """Add the rows of one interview and return what redacts its quotes."""
    spoken = [(turn.speaker, turn.text) for turn in turns]
    roles = find_roles(spoken, listed=[p.participant for p in group if p.participant])
    own_names = [s for s in roles if s and not is_role_word(s) and not any(map(str.isdigit, s))]
    redactor = Redactor(
        [p.participant for p in group if p.participant], labels=own_names,
        elsewhere=[p.participant for p in people], places=[p.place for p in people if p.place],
        hidden=[word.strip() for p in group for word in p.hide.split("|") if word.strip()],
        register=register,
    )  # fmt: skip
    redactor.learn(spoken)
    persons = _match_people(study, interview, group, roles, sheet)
    language = next((p.language for p in group if p.language), _guess_language(study, turns))
    consent = bool(group) and all(p.consent for p in group)
    names = _name_speakers(roles)
    nobody = {"participant": None, CUSTOMER: None, "consent": consent, LANGUAGE: language}
    for number, turn in enumerate(turns, start=1):
        text, found = redactor.redact(turn.text)
        person = persons.get(turn.speaker, nobody)
        rows["u"].append(
            {INTERVIEW: interview, TURN: number, SPEAKER: names[turn.speaker],
             ROLE: roles[turn.speaker][0], START: turn.start_s, TEXT: text}
            | {name: person[name] for name in nobody}
        )  # fmt: skip
        rows["x"] += [
            {INTERVIEW: interview, TURN: number, "kind": one.kind,
             "placeholder": one.placeholder, "rule": one.rule}
            for one in found
        ]  # fmt: skip
    rows["p"] += list({p["participant"]: p for p in persons.values()}.values())
    for speaker, (role, rule) in roles.items():
        said = [text for who, text in spoken if who == speaker]
        rows["r"].append(
            {INTERVIEW: interview, SPEAKER: names[speaker], ROLE: role, "rule": rule,
             "turns": len(said), "words": sum(len(text.split()) for text in said)}
        )  # fmt: skip
    return redactor


def _match_people(
    study: Study, interview: str, group: list[Person], roles: dict[str, tuple[str, str]],
    sheet: Sheet,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return, for each participant's label, the pseudonyms and facts of the person."""
    labels = [label for label, (role, _) in roles.items() if role == PARTICIPANT]
    by_key = {key(p.participant): p for p in group if p.participant}
    found: dict[str, dict[str, Any]] = {}
    for label in labels:
        person = by_key.get(key(label)) or (group[0] if len(group) == 1 else None)
        if person is None and group:
            line, shown = group[0].line, label if is_role_word(label) else "a named speaker"
            sheet.fault(line, f"no row for {shown} of '{interview}'", "a row for each participant")
        own = person.participant or "participant" if person else label
        ids = pd.Series([f"{interview}\x1f{own}"], dtype="string")
        customer = pd.Series([person.customer_id if person else ""], dtype="string")
        known = study.pseudonyms(customer, "C").iloc[0]
        found[label] = {
            INTERVIEW: interview,
            "participant": study.pseudonyms(ids, "P").iloc[0],
            CUSTOMER: known if isinstance(known, str) else None,
            LANGUAGE: (person.language if person else "") or study.language,
            "consent": bool(person and person.consent),
            "age": person.age if person else "",
            "gender": person.gender if person else "",
            "place": person.place if person else "",
        }
    return found


def _name_speakers(roles: dict[str, tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, int] = {}
    names = {}
    for label, (role, _) in roles.items():
        counts[role] = counts.get(role, 0) + 1
        names[label] = f"{role}-{counts[role]}" if label else role
    return names


def _guess_language(study: Study, turns: Iterable[Turn]) -> str:
    """Persian where most letters are; else the study's language, or English."""
    text = " ".join(turn.text for turn in turns)
    persian = len(re.findall(r"[\u0620-\u06ff]", text))
    latin = len(re.findall(r"[A-Za-z]", text))
    if persian > latin:
        return "fa"
    return study.language if study.language != "fa" else "en"


def _frame(rows: list[dict[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
    numbers = {
        TURN: "int64",
        START: "float64",
        "consent": "bool",
        "turns": "int64",
        "words": "int64",
    }
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({name: numbers.get(name, "string") for name in frame.columns})


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key that puts "Interview 2" before "Interview 10"."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(p)) if p.isdigit() else (1, p.casefold()) for p in parts if p)


def _ending(file: Path) -> str:
    return file.suffix.casefold()
