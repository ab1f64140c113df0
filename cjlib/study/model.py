"""A study: one folder of definitions and raw files, loaded once and never changed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cjlib.codebook import Codebook
from cjlib.definitions import (
    Channel,
    Cleaning,
    CommentRules,
    EventRules,
    Goal,
    NurtureRules,
    PersonaRules,
    Positions,
    Privacy,
    ReportRules,
    Stage,
    Text,
    Touchpoint,
    Wave,
    WeightRules,
)
from cjlib.errors import MissingSourceError, UnsafeFileError, nearest
from cjlib.validation import Path_

PUBLIC_KEY = b"cjlib: public or invented data, no secret"
KEY_FILE = "private/pseudonym.key"
SOURCES = (
    "survey", "interviews", "coding", "comments", "events", "costs", "beliefs", "published",
    "actions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Study:
    """Everything a study defines; made by ``load_study``.

    Attributes
    ----------
    path, raw : Path
        The study folder, and the folder its raw files are read from (the same by default).
    stages, channels, touchpoints, teams, goals, waves
        Definitions, in file order.
    scales : dict of str to tuple of str
        Items that together measure one thing, by the scale's id.
    missing_answers : str
        How analyses that need complete rows get them: "by_analysis" (each by its own rule),
        "complete" or "impute".
    codebook : Codebook
    lines : dict
        Line of every entry of study.yaml, for messages.
    """

    path: Path
    raw: Path
    id: str
    title: Text
    brand: Text
    language: str
    stages: tuple[Stage, ...]
    digits: str = "latn"
    calendar: str = "gregory"
    currency: str = ""
    currency_label: Text = field(default_factory=Text)
    simulated: bool = False
    seed: int = 0
    level: float = 0.95
    channels: tuple[Channel, ...] = ()
    touchpoints: tuple[Touchpoint, ...] = ()
    teams: dict[str, Text] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    waves: tuple[Wave, ...] = ()
    cleaning: Cleaning = field(default_factory=Cleaning)
    weights: WeightRules = field(default_factory=WeightRules)
    interviews_folder: str = ""
    people_file: str = ""
    coding_file: str = ""
    codes_file: str = ""
    comments: CommentRules | None = None
    events: EventRules | None = None
    believed_start: tuple[str, ...] = ()
    believed_moves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    personas: PersonaRules = field(default_factory=PersonaRules)
    nurture: NurtureRules = field(default_factory=NurtureRules)
    privacy: Privacy = field(default_factory=Privacy)
    scales: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing_answers: str = "by_analysis"
    positions: Positions = field(default_factory=Positions)
    costs_file: str = ""
    beliefs_file: str = ""
    published_file: str = ""
    actions_file: str = ""
    maps_folder: str = "map"
    report: ReportRules = field(default_factory=ReportRules)
    codebook: Codebook = field(default_factory=Codebook)
    lines: dict[Path_, int] = field(default_factory=dict, repr=False)

    @property
    def stage_ids(self) -> list[str]:
        """Stage ids in journey order."""
        return [stage.id for stage in self.stages]

    def has(self, source: str) -> bool:
        """Whether the study declares ``source``, one of ``SOURCES``."""
        declared = {
            "survey": bool(self.waves),
            "interviews": bool(self.interviews_folder),
            "coding": bool(self.coding_file),
            "comments": self.comments is not None,
            "events": self.events is not None,
            "costs": bool(self.costs_file),
            "beliefs": bool(self.beliefs_file),
            "published": bool(self.published_file),
            "actions": bool(self.actions_file),
        }
        if source not in declared:
            hint = nearest(source, SOURCES)
            raise KeyError(f"Study.has: no source {source!r}; did you mean {hint!r}?")
        return declared[source]

    def require(self, source: str, *, caller: str) -> None:
        """Raise ``MissingSourceError`` unless the study has ``source``."""
        if not self.has(source):
            raise MissingSourceError(
                f"{caller}: the study '{self.id}' must have {source}; study.yaml names none. "
                f"Add '{source}' to study.yaml, or skip this step."
            )

    def file(self, name: str) -> Path:
        """Return the place of a file named in study.yaml: in the raw folder, else the study's.

        Where there is no such file but the same name ending in ``.gz``, that one is returned.

        Raises
        ------
        UnsafeFileError
            If the path is absolute or leads out of the folder.
        MissingSourceError
            If there is no such file.
        """
        for folder in dict.fromkeys((self.raw, self.path)):
            place = _inside(folder, name)
            packed = place.with_name(place.name + ".gz")
            if place.exists() or packed.is_file():
                return place if place.exists() else packed
        raise MissingSourceError(
            f"Study.file: '{name}' must lie in {self.raw}; there is none. "
            "Put it there, or pass the folder of the raw files (--raw)."
        )

    def label(self, kind: str, key: str) -> str:
        """Return the label of a stage, channel, touchpoint, team or wave in the study's language.

        An id the study does not define is its own label.
        """
        if kind == "team":
            return self.teams.get(key, Text(key)).to(self.language)
        known: dict[str, Any] = {
            "stage": self.stages, "channel": self.channels,
            "touchpoint": self.touchpoints, "wave": self.waves,
        }  # fmt: skip
        found = next((d.label for d in known[kind] if d.id == key), Text(str(key)))
        return found.to(self.language)

    def touchpoint(self, key: str) -> Touchpoint | None:
        """Return the definition of a touchpoint, or None."""
        return next((t for t in self.touchpoints if t.id == key), None)

    def pseudonyms(self, ids: pd.Series, prefix: str) -> pd.Series:
        """Replace raw ids by keyed pseudonyms; missing stays missing.

        The same id gives the same pseudonym in every file of the study. Without the key
        (``private/pseudonym.key`` in the study folder) it cannot be reversed by trying ids.

        Parameters
        ----------
        ids : Series of str
            Surrounding spaces are dropped, nothing else is changed.
        prefix : str
            One letter before the 16 hexadecimal digits ("C" for customers).
        """
        key = self._key()
        text = ids.astype("string").str.strip()
        text = text.mask(text.eq(""))
        codes, distinct = pd.factorize(text)  # a missing one has -1: the last of those below
        made = [prefix + digest[:16] for digest in _sign(distinct.tolist(), key)]
        found = pd.array([*made, None], dtype="string").take(codes)
        return pd.Series(found, index=ids.index, name=ids.name)

    def _key(self) -> bytes:
        if self.privacy.key == "public":
            return PUBLIC_KEY
        file = self.path / KEY_FILE
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(secrets.token_hex(32))
        text = file.read_text(encoding="utf-8", errors="replace").strip()
        if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
            raise UnsafeFileError(
                f"Study.pseudonyms: '{KEY_FILE}' must hold 64 hexadecimal digits; it holds "
                f"{len(text)} signs that are not a whole key. Put the right file back; a new key "
                "(delete the file) gives everyone new pseudonyms."
            )
        return bytes.fromhex(text)


def _sign(texts: list[str], key: bytes) -> list[str]:
    """HMAC-SHA256 of each text as hexadecimal digits (RFC 2104), the key hashed only once."""
    block = key.ljust(64, b"\0")  # a key is shorter than a block
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    made = []
    for text in texts:
        within, around = inner.copy(), outer.copy()
        within.update(text.encode())
        around.update(within.digest())
        made.append(around.hexdigest())
    return made


def _inside(folder: Path, name: str) -> Path:
    place = (folder / name).resolve()
    if Path(name).is_absolute() or "://" in name or not place.is_relative_to(folder.resolve()):
        raise UnsafeFileError(
            f"Study.file: a path must lie inside the study; '{name}' leads out of it. "
            "Copy the file into the study folder."
        )
    return place
