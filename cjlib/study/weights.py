"""What is wrong with the shares a study wants its respondents weighted to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cjlib.codebook import Item
from cjlib.definitions import WeightRules
from cjlib.errors import Fault, nearest
from cjlib.study.model import Study
from cjlib.validation import Path_, line_of

KINDS: Final = ("nominal", "tick", "scale", "language")  # what respondents can be weighted on
ROUNDING: Final = 1e-3  # printed shares may add up to .999


def find_weight_faults(study: Study) -> list[Fault]:
    """Return every unknown item, code or wave, and all shares and limits that cannot be."""
    faults = list(_rule_faults(study, study.weights, ("weights",)))
    known = [wave.id for wave in study.waves]
    for wave, rules in study.weights.waves.items():
        place: Path_ = ("weights", "waves", wave)
        if wave not in known:
            faults.append(
                Fault(
                    "study.yaml", line_of(study.lines, place), f"weights of unknown wave '{wave}'",
                    f"one of {', '.join(known) or 'none defined'}", nearest(wave, known),
                )
            )  # fmt: skip
        faults += _rule_faults(study, rules, place)
    return list(dict.fromkeys(faults))  # a wave repeats the faults of what it takes over


def _rule_faults(study: Study, rules: WeightRules, place: Path_) -> Iterator[Fault]:
    if rules.trim is not None and not rules.trim[0] < 1 < rules.trim[1]:
        at = _line(study, (*place, "trim"))
        found = f"trim: [{rules.trim[0]:g}, {rules.trim[1]:g}]"
        yield Fault("study.yaml", at, found, "[low, high] with low below 1 below high")
    usable = [item.name for item in study.codebook.items if item.kind in KINDS]
    for name, goals in rules.rake.items():
        here = (*place, "rake", name)
        if name not in usable:
            kind = f" of kind {study.codebook[name].kind}" if name in study.codebook else ""
            yield Fault(
                "study.yaml", _line(study, here), f"weights on item '{name}'{kind}",
                f"an item of kind {', '.join(KINDS)}", nearest(name, usable),
            )  # fmt: skip
            continue
        codes = _codes(study.codebook[name])
        for code in goals:
            if codes and code not in codes:
                yield Fault(
                    "study.yaml", _line(study, (*here, code)), f"unknown code '{code}' of '{name}'",
                    f"one of {', '.join(codes)}", nearest(code, codes),
                )  # fmt: skip
        total = sum(goals.values())
        if abs(total - 1) > ROUNDING:
            found = f"shares of '{name}' add up to {total:g}"
            yield Fault("study.yaml", _line(study, here), found, "shares that add up to 1")


def _codes(item: Item) -> list[str]:
    """Return the codes a cleaned item can hold; none where the codebook does not say."""
    if item.kind == "tick":
        return ["1", "0"]
    if item.kind == "scale" and item.low is not None and item.high is not None:
        return [f"{v:g}" for v in range(int(item.low), int(item.high) + 1)]
    return list(item.labels)


def _line(study: Study, place: Path_) -> int:
    """Line of the entry, or of what a wave takes over from the whole study."""
    if place not in study.lines and place[:2] == ("weights", "waves"):
        place = ("weights", *place[3:])
    return line_of(study.lines, place)
