"""Personas: segments of real customers, how far they hold, and a card for each."""

from cjlib.personas.building import build_personas
from cjlib.personas.card_html import card_html
from cjlib.personas.cards import Card
from cjlib.personas.choice import Choice, choose_number
from cjlib.personas.model import Personas

__all__ = ["Card", "Choice", "Personas", "build_personas", "card_html", "choose_number"]
