"""Speed of reading and normalising texts beside a bound and named peers, in CPU seconds.

    python benchmarks/texts_reading.py [--transcripts FOLDER] [--comments FILE.csv]
                                       [--rows 1000000] [--peers PYTHON] [--sample 2000]

``--transcripts``: every txt of a folder is read into turns, redacted and normalised, each step
with its CPU seconds and words a second.

``--comments``: the first column of a csv, repeated to ``--rows`` texts, is cleaned (one
spelling), normalised for analysis, and put through ``str.translate`` with the same table of
letters alone, which no normaliser in Python can pass.

``--peers``: a Python of its own that has hazm, shekar or parsivar (they pin old packages, so not
the kit's); each normalises the first ``--sample`` comments there, in the same run. The
same sample is timed for ours. What they do differs: theirs repair half-spaces, ours does not and
takes out fillers; the ratio is of time, not of worth.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cjlib.interviews import Redactor, normalise_utterances, read_transcript
from cjlib.language import clean
from cjlib.language.script import _CLEAN as LETTERS

GIGABYTE = 1024**2  # of the kilobytes getrusage counts in
PEERS = {
    "hazm": "from hazm import Normalizer; run = Normalizer().normalize",
    "shekar": "from shekar import Normalizer; run = Normalizer()",
    "parsivar": "from parsivar import Normalizer; run = Normalizer().normalize",
}
IN_PEER = """
import importlib.metadata, json, sys, time
texts = json.load(sys.stdin)
{ready}
run(texts[0])
start = time.process_time()
for text in texts:
    run(text)
spent = time.process_time() - start
print(json.dumps([spent, importlib.metadata.version("{name}")]))
"""


def main() -> int:
    """Read the transcripts, then the comments, then the peers on a sample of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transcripts", type=Path)
    parser.add_argument("--comments", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=2_000)
    parser.add_argument("--peers", type=Path)
    given = parser.parse_args()
    if given.transcripts:
        read_transcripts(sorted(given.transcripts.glob("*.txt")))
    if given.comments:
        with given.comments.open(encoding="utf-8", newline="") as file:
            texts = [line[0] for line in itertools.islice(csv.reader(file), 1, None) if line]
        normalise_comments(list(itertools.islice(itertools.cycle(texts), given.rows)))
        if given.peers:
            compare_peers(given.peers, texts[: given.sample])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIGABYTE
    say(f"most memory held: {most:.2f} GB")
    return 0


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def time_it(job: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of a job, and what it made."""
    start = time.process_time()
    made = job()
    return time.process_time() - start, made


def read_transcripts(files: Sequence[Path]) -> None:
    """Read, redact, normalise and search transcripts."""
    words = sum(len(file.read_text(encoding="utf-8-sig").split()) for file in files)
    say(f"{len(files)} transcripts, {words:,} words")
    spent, talks = time_it(lambda: [read_transcript(file) for file in files])
    report("read into turns", spent, words, "words")
    spent, texts = time_it(lambda: [text for talk in talks for text in redact(talk)])
    report("redacted", spent, words, "words")
    frame = pd.DataFrame({"text": texts})
    spent, speech = time_it(lambda: normalise_utterances(frame))
    report("normalised", spent, words, "words")
    spent, hits = time_it(lambda: int(speech.texts.str.contains(r"\bdata quality\b").sum()))
    report(f"searched ({hits} turns with 'data quality')", spent, words, "words")
    say(speech.summary())


def redact(talk: Sequence[Any]) -> list[str]:
    """Return the texts of one talk with placeholders."""
    redactor = Redactor()
    redactor.learn([(turn.speaker, turn.text) for turn in talk])
    return [redactor.redact(turn.text)[0] for turn in talk]


def normalise_comments(texts: list[str]) -> None:
    """Normalise many short texts beside the bound."""
    words = sum(len(text.split()) for text in texts)
    say(f"{len(texts):,} comments, {words:,} words")
    bound, _ = time_it(lambda: [text.translate(LETTERS) for text in texts])
    report("str.translate alone (bound)", bound, len(texts), "comments")
    spent, _ = time_it(lambda: [clean(text) for text in texts])
    report(f"cleaned, {spent / bound:.1f} x the bound", spent, len(texts), "comments")
    frame = pd.DataFrame({"text": texts})
    spent, _ = time_it(lambda: normalise_utterances(frame))
    report(f"normalised, {spent / bound:.1f} x the bound", spent, len(texts), "comments")


def compare_peers(python: Path, texts: list[str]) -> None:
    """Time each peer that its Python has, and ours on the same texts."""
    frame = pd.DataFrame({"text": texts})
    ours, _ = time_it(lambda: normalise_utterances(frame))
    report("ours on the sample", ours, len(texts), "comments")
    for name, ready in PEERS.items():
        code = IN_PEER.format(ready=ready, name=name)
        held = json.dumps(texts)
        done = subprocess.run(
            [str(python), "-c", code], input=held, capture_output=True, text=True, check=False
        )
        if done.returncode:
            say(f"  {name}: not to be had ({done.stderr.strip().splitlines()[-1]})")
            continue
        spent, version = json.loads(done.stdout.splitlines()[-1])
        report(f"{name} {version}, {spent / ours:.1f} x ours", spent, len(texts), "comments")


def report(what: str, spent: float, count: int, unit: str) -> None:
    """Write one step."""
    say(f"  {what}: {spent:.2f} s, {count / max(spent, 1e-9):,.0f} {unit} a second")


if __name__ == "__main__":
    raise SystemExit(main())
