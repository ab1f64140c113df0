"""Whether the survey's files hold what the codebook names, before anything is run."""

from __future__ import annotations

from cjlib.columns import WAVE
from cjlib.errors import Fault, JourneyError, nearest
from cjlib.study import Study
from cjlib.survey.answers import LEFT_AT_THE_DOOR, read_answers


def check_items(study: Study) -> list[Fault]:
    """List codebook items whose column is in no wave's files, each with the nearest header.

    An item asked in some waves only is none: questionnaires change. Files that cannot be read
    are one fault each; files that are not there are faults of study.yaml and not listed here.
    """
    names = [name for wave in study.waves for name in wave.files]
    if not names or not all(
        any((top / name).is_file() for top in (study.raw, study.path)) for name in names
    ):
        return []
    try:
        raw = read_answers(study)
    except JourneyError as reason:
        return [Fault("survey", 0, str(reason), "files that hold the codebook's items")]
    waves = raw.files[WAVE].nunique()
    gone = raw.absent.groupby("item")[WAVE].nunique()
    headers = sorted(raw.unknown["header"].unique())
    faults = []
    for item in study.codebook.items:
        if item.kind in LEFT_AT_THE_DOOR or gone.get(item.name, 0) < waves:
            continue
        wanted = [header for wave in study.waves for header in item.headers(wave.id)]
        near = next((n for w in wanted if (n := nearest(w, headers))), "")
        found = f"column '{wanted[0] if wanted else item.name}' of item '{item.name}'"
        faults.append(
            Fault("codebook.csv", item.line, found, "a column of the survey's files", near)
        )
    return faults
