"""A small study for the maps: three tables made by a fixed recipe, easy to count by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from wide_map import make_wide_map

from cjlib.study import Study, load_study

STUDY = """
study: 1
id: corner
title: {en: Corner shop, fa: دکان سر کوچه}
brand: {en: Corner, fa: سرکوچه}
language: en
simulated: true
privacy: {key: public}
stages:
  - {id: look, kind: awareness, label: {en: Look, fa: دیدن}, teams: [selling]}
  - {id: buy, kind: decision, label: {en: Buy, fa: خرید}}
  - {id: get, kind: retention, label: {en: Get, fa: دریافت}}
channels:
  - {id: web, label: {en: Website, fa: وب‌سایت}}
  - {id: post, label: {en: Post, fa: پست}}
touchpoints:
  - {id: page, stage: look, channel: web, label: {en: Page, fa: صفحه}}
  - {id: pay, stage: buy, channel: web, label: {en: Payment, fa: پرداخت}}
  - {id: parcel, stage: get, channel: post, with: partner, label: {en: Parcel, fa: بسته}}
  - {id: call, stage: get, channel: web, label: {en: Call, fa: تماس}}
teams: [{id: selling, label: {en: Selling, fa: فروش}}]
goals:
  - id: faster
    business: {en: Deliver faster, fa: تحویل سریع‌تر}
    customer: {en: Have it soon, fa: زود رسیدن}
    stage: get
    kpi: csat.get
    target: 4
survey: {waves: [{id: one, files: [one.csv], date: "2025-01-10"}]}
events:
  sources: [{path: log.csv, columns: {customer_id: c, time: t, touchpoint: p}}]
  purchase: [pay]
  nothing_gained: [call]
"""
CODEBOOK = """name,question_en,question_fa,kind,low,high,role,stage,metric
rid,,,id,,,,,
sat_look,How satisfied were you with looking?,از دیدن چقدر راضی بودید؟,scale,1,5,outcome,look,csat
sat_get,How satisfied were you with delivery?,از تحویل چقدر راضی بودید؟,scale,1,5,outcome,get,csat
nps,Would you recommend us?,ما را توصیه می‌کنید؟,scale,0,10,outcome,,nps
need_fast,I want it fast,سریع می‌خواهم,scale,1,5,need,get,
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "codebook.csv").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "one.csv").write_text("rid\n", encoding="utf-8")
    (tmp_path / "log.csv").write_text("c,t,p\n", encoding="utf-8")
    return load_study(tmp_path)


@pytest.fixture
def respondents() -> pd.DataFrame:
    """Forty people: sat_look is 4, 5 in turn (mean 4.5); sat_get is 2, 2, 2, 3 (mean 2.25)."""
    n = 40
    return pd.DataFrame(
        {
            "respondent_id": [f"R{i:02}" for i in range(n)],
            "customer_id": [f"C{i:02}" for i in range(n)],
            "wave": "one",
            "date": pd.Timestamp("2025-01-10"),
            "weight": 1.0,
            "sat_look": [4.0, 5.0] * 20,
            "sat_get": [2.0, 2.0, 2.0, 3.0] * 10,
            "nps": [10.0, 10.0, 9.0, 8.0, 0.0] * 8,  # 24 promoters, 8 detractors: +40
            "need_fast": 5.0,
        }
    )


@pytest.fixture
def interactions() -> pd.DataFrame:
    """Forty customers who look, buy after an hour and get a parcel.

    Even ones wait 4 days, odd ones 6. The first ten then look again (back from get), and end
    there. The last eight never buy. Every fourth who got a parcel calls, for 10 minutes.
    """
    start = pd.Timestamp("2025-01-01")
    rows = []
    for i in range(40):
        who = f"C{i:02}"
        rows.append((who, start, "page", "web", "look", np.nan, 4.0))
        if i >= 32:
            continue
        bought = start + pd.Timedelta(hours=1)
        got = bought + pd.Timedelta(days=4 if i % 2 == 0 else 6)
        rows.append((who, bought, "pay", "web", "buy", np.nan, 5.0))
        rows.append((who, got, "parcel", "post", "get", np.nan, 2.0))
        if i % 4 == 0:
            rows.append((who, got, "call", "web", "get", 600.0, np.nan))
        if i < 10:
            rows.append((who, got + pd.Timedelta(days=9), "page", "web", "look", np.nan, 4.0))
    names = ["customer_id", "time", "touchpoint", "channel", "stage", "seconds", "rating"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.sample(frac=1, random_state=3).reset_index(drop=True)


@pytest.fixture
def interviews() -> SimpleNamespace:
    """Four interviews; P4 did not consent. Three speak of being late, one in Persian of joy."""
    said = [
        ("P1", 2, "They said two days and it took six.", "en", True, "C00"),
        ("P2", 2, "My parcel was late and nobody told me.", "en", True, "C01"),
        ("P3", 4, "بسته دیر رسید ولی سالم بود و خوشحال شدم.", "fa", True, "C02"),
        ("P4", 2, "This must never be shown to anybody.", "en", False, "C03"),
    ]
    columns = ["interview_id", "turn", "text", "language", "consent", "customer_id"]
    utterances = pd.DataFrame(said, columns=columns).assign(role="participant")
    coded = [
        ("P1", 2, "late", "get", -1.0), ("P2", 2, "late", "get", -1.0),
        ("P3", 4, "late", "get", -1.0), ("P3", 4, "joy", "get", 1.0),
        ("P4", 2, "late", "get", -1.0), ("P1", 2, "want_fast", "get", 0.0),
        ("P2", 2, "loose", "buy", -1.0),
    ]  # fmt: skip
    codings = pd.DataFrame(coded, columns=["interview_id", "turn", "code", "stage", "valence"])
    codes = pd.DataFrame(
        [("late", "Late", "دیر", "pain"), ("joy", "Joy", "شادی", "emotion"),
         ("want_fast", "Wants it fast", "سریع می‌خواهد", "need")],
        columns=["code", "label_en", "label_fa", "lane"],
    )  # fmt: skip
    return SimpleNamespace(utterances=utterances, codings=codings.assign(coder="a"), codes=codes)


@pytest.fixture
def beliefs() -> pd.DataFrame:
    return pd.DataFrame({"stage": ["look", "get"], "satisfaction": [4.4, 4.0], "n": [6.0, 6.0]})


@pytest.fixture
def members() -> pd.DataFrame:
    """Persona 1: the even customers, 20 of 40."""
    return pd.DataFrame(
        {
            "respondent_id": [f"R{i:02}" for i in range(40)],
            "customer_id": [f"C{i:02}" for i in range(40)],
            "persona": ["persona-1" if i % 2 == 0 else "persona-2" for i in range(40)],
        }
    )


@pytest.fixture
def wide() -> dict:
    return make_wide_map()
