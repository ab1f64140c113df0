"""The flow of journeys as an SVG that can be read aloud: a title, a description, named bands."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import pandas as pd
from defusedxml.ElementTree import fromstring

from cjlib.language import phrase, to_persian_digits

if TYPE_CHECKING:
    from cjlib.journeys.steps import StepMatrix

SVG: Final = "http://www.w3.org/2000/svg"
PERSIAN: Final = str.maketrans(",.%", "٬٫٪")
LARGEST: Final = 12  # flows that the description tells; the table has all


def write_flow(steps: StepMatrix, path: str | Path) -> Path:
    """Write the flow of ``measure_step_matrix`` as one SVG file.

    A screen reader is told a title and a description with the summary and the largest flows;
    a pointer over a band or block is told what it is and how many journeys it holds. The same
    flow gives the same bytes.

    Parameters
    ----------
    steps : StepMatrix
    path : path
        Ends in .svg.

    References
    ----------
    W3C (2018). SVG Accessibility API Mappings, section 5: title and desc name a picture.
    """
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    figure = plt.figure()
    size = len(set(steps.table["step"]))
    figure.set_size_inches(2.6 + 1.15 * size, 4.6)
    steps.plot_flow(ax=figure.add_subplot())
    drawing = io.BytesIO()
    flows = describe_flows(steps)
    told = flows.loc[flows["from"].ne("(ended)"), "told"].head(LARGEST)
    words = " ".join([steps.summary(), *(f"{line}." for line in told)])
    with mpl.rc_context({"svg.hashsalt": "cjlib"}):
        figure.savefig(
            drawing, format="svg", bbox_inches="tight",
            metadata={"Date": None, "Description": words},
        )  # fmt: skip
    plt.close(figure)
    title = phrase("journeys.flow.title", steps.language)
    place = Path(path)
    place.write_bytes(_name_parts(drawing.getvalue(), steps, title=title, words=words))
    return place


def describe_flows(steps: StepMatrix) -> pd.DataFrame:
    """Tell each flow in words, the largest first: ``step, from, to, journeys, share, told``."""
    flows = steps.flows.sort_values("journeys", ascending=False, kind="stable", ignore_index=True)
    total = int(steps.table.loc[steps.table["step"].eq(1), "journeys"].sum())
    told = [
        _say(steps, "journeys.flow.band", row["journeys"], total, step=row["step"],
             next=row["step"] + 1, start=_name(steps, row["from"]), end=_name(steps, row["to"]))
        for row in flows.to_dict("records")
    ]  # fmt: skip
    return flows.assign(share=flows["journeys"] / total, told=pd.Series(told, dtype="str"))


def _say(steps: StepMatrix, key: str, journeys: int, total: int, **values: Any) -> str:
    numbers = {
        "journeys": f"{journeys:,}", "total": f"{total:,}", "share": f"{journeys / total:.1%}",
        **{name: f"{value}" for name, value in values.items() if isinstance(value, int)},
    }  # fmt: skip
    if steps.language == "fa":
        numbers = {n: to_persian_digits(v).translate(PERSIAN) for n, v in numbers.items()}
    return phrase(key, steps.language, **values | numbers)


def _name(steps: StepMatrix, label: str) -> str:
    own = {"(ended)": "journeys.ended"}
    return phrase(own[label], steps.language) if label in own else steps.names.get(label, label)


def _name_parts(drawing: bytes, steps: StepMatrix, *, title: str, words: str) -> bytes:
    for prefix, space in (
        ("", SVG), ("xlink", "http://www.w3.org/1999/xlink"),
        ("cc", "http://creativecommons.org/ns#"), ("dc", "http://purl.org/dc/elements/1.1/"),
        ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ):  # fmt: skip
        ElementTree.register_namespace(prefix, space)
    root = fromstring(drawing)
    root.set("role", "img")
    root.set("aria-labelledby", "flow-title flow-words")
    root.set("lang", steps.language)
    for place, (tag, name, text) in enumerate(
        (("title", "flow-title", title), ("desc", "flow-words", words))
    ):
        part = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": name})
        part.text = text
        root.insert(place, part)
    told = _tell_parts(steps)
    for group in root.iter(f"{{{SVG}}}g"):
        if group.get("id") in told:
            part = ElementTree.Element(f"{{{SVG}}}title")
            part.text = told[str(group.get("id"))]
            group.insert(0, part)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _tell_parts(steps: StepMatrix) -> dict[str, str]:
    """Return what each band and block says, by its id in the drawing."""
    order = [name for name in steps.names if name in set(steps.table["label"])]
    told = {
        f"band-{row['step']}-{order.index(row['from'])}-{order.index(row['to'])}": row["told"]
        for row in describe_flows(steps).to_dict("records")
    }
    total = int(steps.table.loc[steps.table["step"].eq(1), "journeys"].sum())
    for row in steps.table.to_dict("records"):
        told[f"block-{row['step']}-{order.index(row['label'])}"] = _say(
            steps, "journeys.flow.block", row["journeys"], total, step=row["step"],
            start=_name(steps, row["label"]),
        )  # fmt: skip
    return told
