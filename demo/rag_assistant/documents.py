"""The help centre of a made-up maker of smart thermostats, and what its customers ask."""

from __future__ import annotations

from demo.index import Document

DOCUMENTS = (
    Document(
        "install-wiring",
        "Installing: wiring",
        "Switch off the mains at the fuse box before you remove the old thermostat. Take a photograph of the wires "
        "before you loosen them. Most boilers use two wires, marked COM and NO. Systems with a hot water tank have a "
        "third wire, marked HW. If you see wires thicker than a pencil lead, call an electrician.",
    ),
    Document(
        "install-wifi",
        "Connecting to Wi-Fi",
        "The thermostat needs a 2.4 GHz network; it cannot see 5 GHz networks. Open the app, choose Add device and "
        "scan the code under the cover. If the network does not appear, bring the thermostat within five metres of "
        "the router. A blinking blue light means that it is searching, a steady blue light that it is connected.",
    ),
    Document(
        "schedule",
        "Heating schedule",
        "A schedule has up to eight periods a day. Drag a period in the app to change when it starts. The thermostat "
        "learns how long your rooms take to warm up and starts early enough. Holding the dial overrides the schedule "
        "until the next period. Schedules are kept in the thermostat and run without the internet.",
    ),
    Document(
        "away-mode",
        "Away mode",
        "Away mode lowers the temperature to twelve degrees when everybody has left. It uses the location of the "
        "phones that you invited. You can switch location off and set away mode by hand. Frost protection at five "
        "degrees stays on even when heating is switched off.",
    ),
    Document(
        "battery",
        "Batteries",
        "The room sensor uses two AA batteries, which last about eighteen months. The app warns you when a battery "
        "falls below ten percent. Use alkaline batteries; rechargeable ones report the wrong level. The thermostat "
        "itself takes its power from the boiler and has no batteries.",
    ),
    Document(
        "refund",
        "Returns and refunds",
        "You may return a thermostat within thirty days of delivery, even opened. Ask for a return label in the app "
        "under Orders. The refund goes to the card that you paid with, five working days after the parcel reaches us. "
        "Installation work by an electrician is not refunded.",
    ),
    Document(
        "warranty",
        "Warranty",
        "Every thermostat has a warranty of three years from the day of purchase. The warranty covers faults in the "
        "hardware, not damage by water or wrong wiring. Keep the receipt or the order number. A replacement is sent "
        "before you have to send the broken unit back.",
    ),
    Document(
        "shipping",
        "Shipping",
        "Orders before two in the afternoon leave the same day. Shipping takes two days within the country and up to "
        "a week abroad. You get a tracking link by e-mail. Shipping is free above fifty euros and costs four euros "
        "ninety below.",
    ),
    Document(
        "subscription",
        "Energy reports subscription",
        "The monthly energy report costs two euros a month and can be cancelled at any time. Cancel it in the app "
        "under Account, Subscriptions. After you cancel, reports stop at the end of the paid month. Heating control "
        "itself needs no subscription.",
    ),
    Document(
        "privacy",
        "Privacy and data",
        "Temperatures and schedules are stored on servers in Frankfurt for thirteen months. Location is used on the "
        "phone only and never leaves it. You can download or delete all your data under Account, Privacy. We sell no "
        "data to anybody.",
    ),
    Document(
        "boiler-compat",
        "Compatible boilers",
        "The thermostat works with combination boilers, heat pumps and district heating with a switched live of 230 "
        "volts. OpenTherm boilers are modulated, which saves about eight percent of gas. Electric storage heaters and "
        "high-voltage baseboard heaters are not supported.",
    ),
    Document(
        "error-e7",
        "Error E7: boiler does not respond",
        "Error E7 means that the boiler does not answer. Check that the boiler is switched on and its pressure is "
        "above one bar. Then restart the receiver by holding its button for ten seconds. If E7 comes back within an "
        "hour, the wire between receiver and boiler is loose or broken.",
    ),
    Document(
        "error-e3",
        "Error E3: sensor lost",
        "Error E3 means that the room sensor has not been heard for thirty minutes. Replace its batteries first. "
        "Metal radiators covers and aquariums weaken the radio signal. Pair the sensor again by pressing its button "
        "three times.",
    ),
    Document(
        "multi-room",
        "Several rooms",
        "You can add up to sixteen radiator valves, each with a temperature of its own. Valves in the same room are "
        "grouped and open together. A valve that is open asks the boiler for heat, even if the hall is warm. Leave "
        "one radiator without a valve so that water can always flow.",
    ),
    Document(
        "voice",
        "Voice assistants",
        "The thermostat works with Alexa, Google Home and Siri. Link the account in the assistant's own app. Say the "
        "name of the room to change one room only. Voice commands override the schedule until the next period.",
    ),
    Document(
        "factory-reset",
        "Factory reset",
        "A factory reset deletes the schedule, the Wi-Fi password and all pairings. Pull the thermostat off its base, "
        "hold the dial for twenty seconds and let go when the light turns red. Do a reset before you sell or give "
        "away the thermostat. The account is not deleted by a reset.",
    ),
)

#: Questions and the page that answers them.
QUESTIONS: tuple[tuple[str, str], ...] = (
    ("Which wires does my boiler use when I remove the old thermostat?", "install-wiring"),
    ("Why can the thermostat not see my 5 GHz network?", "install-wifi"),
    ("What does a blinking blue light mean?", "install-wifi"),
    ("How many periods a day can a heating schedule have?", "schedule"),
    ("Does the schedule run without the internet?", "schedule"),
    ("Which temperature does away mode use when everybody left?", "away-mode"),
    ("Does frost protection stay on when heating is switched off?", "away-mode"),
    ("How long do the batteries of the room sensor last?", "battery"),
    ("May I use rechargeable batteries?", "battery"),
    ("When do I get my refund after I return a thermostat?", "refund"),
    ("Where do I ask for a return label?", "refund"),
    ("Does the warranty cover damage by water?", "warranty"),
    ("How long is the warranty of a thermostat?", "warranty"),
    ("How long does shipping abroad take?", "shipping"),
    ("Is shipping free above fifty euros?", "shipping"),
    ("How do I cancel the monthly energy report?", "subscription"),
    ("Where are my temperatures and schedules stored?", "privacy"),
    ("How can I delete all my data?", "privacy"),
    ("Are heat pumps and OpenTherm boilers compatible?", "boiler-compat"),
    ("What do I do about error E7 when the boiler does not respond?", "error-e7"),
    ("Error E3 says that the sensor was lost, what now?", "error-e3"),
    ("How many radiator valves can I add for several rooms?", "multi-room"),
    ("Does it work with Alexa and Siri voice assistants?", "voice"),
    ("How do I do a factory reset before I sell the thermostat?", "factory-reset"),
)
