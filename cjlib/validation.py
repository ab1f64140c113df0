"""Reading study.yaml with the line of every entry, and finding every fault in it at once."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from cjlib.errors import Fault, nearest

if TYPE_CHECKING:
    import jsonschema

Path_ = tuple[str | int, ...]
MAX_YAML_BYTES = 2_000_000


def read_yaml(text: str, shown: str) -> tuple[Any, dict[Path_, int], list[Fault]]:
    """Parse YAML keeping dates and yes/no as text, and note the line of every entry.

    Returns
    -------
    (value, lines, faults)
        ``lines`` maps the path of each entry to its line (from 1). Anchors, aliases, tags
        and repeated keys are faults: a study never needs them, and they hide what is said.
    """
    if len(text) > MAX_YAML_BYTES:
        return None, {}, [Fault(shown, 0, f"{len(text):,} characters", "at most 2 MB of YAML")]
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else 0
                return None, {}, [Fault(shown, line, "an anchor or alias", "plain values")]
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "unreadable YAML"
        line = mark.line + 1 if mark else 0
        return None, {}, [Fault(shown, line, str(problem), "valid YAML; check quotes and indent")]
    lines: dict[Path_, int] = {}
    faults: list[Fault] = []
    value = _construct(root, (), lines, faults, shown) if root is not None else None
    return value, lines, faults


def _construct(
    node: yaml.Node, path: Path_, lines: dict[Path_, int], faults: list[Fault], shown: str
) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in result:
                faults.append(Fault(shown, line, f"'{key}' again", "each key once"))
            result[key] = _construct(value_node, (*path, key), lines, faults, shown)
            lines[(*path, key)] = line
        return result
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(child, (*path, i), lines, faults, shown)
            for i, child in enumerate(node.value)
        ]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if isinstance(node, yaml.ScalarNode) and node.style is not None:
        return text
    if text in ("true", "false"):
        return text == "true"
    if text in ("", "null", "~"):
        return None
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?", text):
        return float(text)
    return text


def read_schema(name: str) -> dict[str, Any]:
    """Return one of the kit's JSON Schemas (``study`` or ``journey-map``)."""
    file = resources.files("cjlib") / "schemas" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def schema_faults(
    value: Any, schema: dict[str, Any], lines: dict[Path_, int], shown: str
) -> Iterator[Fault]:
    """Yield every way ``value`` departs from ``schema``, with the line it stands on.

    Where ``lines`` is empty, faults have no line and name the entry by its path instead.
    """
    for place, fault in _schema_faults(value, schema, lines, shown):
        yield (
            fault
            if lines
            else replace(fault, line=0, found=f"{path_in_words(place)}: {fault.found}")
        )


def path_in_words(place: Path_) -> str:
    """Return a path as people write it: ``cells[3].level``; ``$`` for the whole."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "$"


def make_validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """Return what checks values against a JSON schema, without checks of formats.

    jsonschema builds a grammar of internationalised addresses while it is imported, where
    that package is installed (Jupyter brings it): two seconds for a format we never ask for.
    """
    grammar = "rfc3987_syntax"
    if "jsonschema" not in sys.modules and grammar not in sys.modules:
        sys.modules[grammar] = None  # type: ignore[assignment]  # so importing it fails at once
        try:
            importlib.import_module("jsonschema")
        finally:
            del sys.modules[grammar]
    found: type[jsonschema.Draft202012Validator] = importlib.import_module(
        "jsonschema"
    ).Draft202012Validator
    return found(schema)


def _schema_faults(
    value: Any, schema: dict[str, Any], lines: dict[Path_, int], shown: str
) -> Iterator[tuple[Path_, Fault]]:
    validator = make_validator(schema)
    whole = "the map" if str(schema.get("$id", "")).startswith("cj.map") else "the study"
    errors = [_inmost(error) for error in validator.iter_errors(value)]
    for error in sorted(errors, key=lambda e: line_of(lines, e.absolute_path)):
        place = tuple(error.absolute_path)
        name = place[-1] if place else whole
        line = line_of(lines, place)
        if error.validator == "additionalProperties":
            known = list(error.schema.get("properties", {}))
            free = list(error.schema.get("patternProperties", {}))
            for key in error.instance:
                if key not in known and not any(re.search(rule, key) for rule in free):
                    where = line_of(lines, (*place, key))
                    yield place, Fault(
                        shown, where, f"unknown key '{key}'",
                        "one of " + ", ".join(known), nearest(key, known),
                    )  # fmt: skip
        elif error.validator == "required":
            for key in error.validator_value:
                if key not in error.instance:
                    yield (
                        place,
                        Fault(shown, line, f"no '{key}' in '{name}'", f"the key '{key}'"),
                    )
        elif error.validator == "enum":
            known = [str(v) for v in error.validator_value]
            found = f"{name}: '{error.instance}'"
            near = nearest(error.instance, known)
            yield place, Fault(shown, line, found, "one of " + ", ".join(known), near)
        else:
            hint = error.schema.get("description") or _rule(error)
            told = "(not shown)" if name == "url" else _short(error.instance)
            yield place, Fault(shown, line, f"{name}: {told}", str(hint))


def _inmost(error: Any) -> Any:
    """Return what is wrong with the one alternative that a mapping was meant to be."""
    if error.validator not in ("oneOf", "anyOf") or "description" in error.schema:
        return error
    inner, here = list(error.context or []), len(error.absolute_path)
    deeper = [e for e in inner if len(e.absolute_path) > here]
    alike = [e for e in inner if e.validator in ("required", "additionalProperties")]
    if not isinstance(error.instance, dict) or not (deeper or alike):
        return error
    return _inmost((deeper or alike)[-1])


def line_of(lines: dict[Path_, int], place: Any) -> int:
    """Return the line of the entry at ``place``, or of the nearest entry above it."""
    path = tuple(place)
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _rule(error: jsonschema.ValidationError) -> str:
    rules = {
        "type": lambda v: f"a value of type {v}",
        "minimum": lambda v: f"at least {v}",
        "maximum": lambda v: f"at most {v}",
        "exclusiveMinimum": lambda v: f"more than {v}",
        "exclusiveMaximum": lambda v: f"less than {v}",
        "minItems": lambda v: f"a list of at least {v}",
        "maxItems": lambda v: f"a list of at most {v}",
        "const": lambda v: f"{v!r}",
    }
    make = rules.get(str(error.validator))
    return make(error.validator_value) if make else str(error.message)


def _short(value: Any) -> str:
    text = hide_passwords(json.dumps(value, ensure_ascii=False))
    text = re.sub(r'("url": ")(?:[^"\\]|\\.)*', r"\1***", text)
    return text if len(text) <= 60 else text[:57] + "..."


def hide_passwords(text: str) -> str:
    """Return a text with what stands between :// and @, and password parameters, left out."""
    text = re.sub(r"://[^\s\"']*@", "://***@", text)
    return re.sub(r"(?i)(passw(?:or)?d|pwd|sslpassword)=[^&\s\"']*", r"\1=***", text)
