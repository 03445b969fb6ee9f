"""Tickets as they come in, the orders that they speak of, and the categories that they are sorted into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.shared_params import ResponseFormatJSONSchema


@dataclass(frozen=True, slots=True)
class Ticket:
    """A customer's message and the category that a person would give it."""

    text: str
    category: str


TICKETS = (
    Ticket("My parcel AB-1042 has not arrived and the tracking link shows nothing for a week.", "shipping"),
    Ticket("Where is my delivery? Order AB-1077 should have been delivered on Monday.", "shipping"),
    Ticket("Shipping of AB-1101 took two weeks and the parcel was damaged.", "shipping"),
    Ticket("I was charged twice for AB-1055. Please pay one charge back to my card 4111 1111 1111 1111.", "billing"),
    Ticket("The invoice for AB-1063 has the wrong company name. I need a corrected invoice.", "billing"),
    Ticket("Why was my card charged two euros? I cancelled the subscription payment last month.", "billing"),
    Ticket("The thermostat shows error E7 and the boiler does not respond.", "technical"),
    Ticket("The Wi-Fi connection drops every night and the light blinks blue. I restarted it twice.", "technical"),
    Ticket("The sensor shows error E3 although its batteries are new.", "technical"),
    Ticket("I want to return AB-1089 and get a refund. It does not fit my boiler.", "returns"),
    Ticket("Please send a return label for AB-1090, I want to exchange it for the white one.", "returns"),
    Ticket("I return the valve from order AB-1012. When is the refund paid to DE89 3704 0044 0532 0130 00?", "returns"),
    Ticket("I cannot log in to my account, the password mail never comes to anna.berg@example.com.", "account"),
    Ticket("Please delete my account and all login data that you have of me.", "account"),
    Ticket("How do I change the e-mail address of my account?", "account"),
    Ticket(
        "The third time I write. A complaint: nobody answers +44 20 7946 0958 and my house is cold.",
        "complaint",
    ),
    Ticket("I am very unhappy with your service. I want to speak with a manager about this complaint.", "complaint"),
)

#: What comes once the maker sells solar panels in Germany too.
OTHER_TICKETS = (
    Ticket("Die neue Solaranlage liefert seit gestern keinen Strom, der Wechselrichter blinkt rot.", "technical"),
    Ticket("Wie viele Module passen auf ein Flachdach von vierzig Quadratmetern?", "technical"),
    Ticket("Der Batteriespeicher lädt nur bis sechzig Prozent. Ist das bei Kälte normal?", "technical"),
    Ticket("Wann kommt der Monteur für das Gerüst? Der Termin am Dienstag wurde abgesagt.", "shipping"),
    Ticket("Zwei Module sind mit gesprungenem Glas angekommen, die Spedition war schon weg.", "shipping"),
    Ticket("Auf der Rechnung fehlt die Befreiung von der Umsatzsteuer für die Photovoltaik.", "billing"),
    Ticket("Die Einspeisevergütung steht nicht in der App, nur der Verbrauch meines Hauses.", "account"),
    Ticket("Das ist die dritte Beschwerde: Seit vier Wochen wartet die Anlage auf den Zähler.", "complaint"),
)

ORDERS: dict[str, dict[str, Any]] = {
    f"AB-{number}": {
        "order": f"AB-{number}",
        "status": ("in transit", "delivered", "returned", "paid")[number % 4],
        "carrier": ("ParcelOne", "NordPost")[number % 2],
        "total_eur": 39.0 + number % 60,
    }
    for number in range(1000, 1120)
}

CATEGORIES = ("shipping", "billing", "technical", "returns", "account", "complaint")

_CLASSIFICATION: dict[str, object] = {
    "type": "object",
    "properties": {
        "category": {
            "type": "string",
            "enum": list(CATEGORIES),
            "description": (
                "shipping: parcel delivery tracking delivered arrived; "
                "billing: charge charged invoice card payment; "
                "technical: error sensor boiler light connection; "
                "returns: return refund exchange label; "
                "account: account login password e-mail address delete; "
                "complaint: complaint unhappy manager third time nobody answers"
            ),
        },
        "priority": {"type": "integer", "minimum": 1, "maximum": 4},
        "summary": {"type": "string"},
    },
    "required": ["category", "priority", "summary"],
    "additionalProperties": False,
}

CLASSIFICATION: ResponseFormatJSONSchema = {
    "type": "json_schema",
    "json_schema": {"name": "classification", "schema": _CLASSIFICATION, "strict": True},
}

LOOK_UP_ORDER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "look_up_order",
        "description": "Status, carrier and total of an order.",
        "parameters": {
            "type": "object",
            "properties": {"order": {"type": "string", "pattern": "[A-Z]{2}-[0-9]{4}"}},
            "required": ["order"],
            "additionalProperties": False,
        },
    },
}
