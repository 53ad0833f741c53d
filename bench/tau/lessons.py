"""What is to be learned from the airline tasks, and other words for tasks of the same kinds.

Written for the bench: what a judge would say of such an attempt, general enough to help with the next.
"""

import re

Lesson = dict[str, str]
"""title, description, content"""

_KINDS = {
    "cancel": r"cancel",
    "change": r"nonstop|push back|change.{0,60}(?:flight|trip|date|day)|move",
    "cabin": r"upgrade|downgrade|business|economy class|\bclass\b",
    "bags": r"bag|suitcase",
    "passenger": r"passenger|name on the reservation|remove",
    "compensation": r"delay|compensat|complain|gift card to",
    "insurance": r"insurance",
    "booking": r"\bbook\b|want to fly",
}
"""Kind of task → what its instruction speaks of."""

_SUCCESS = {
    "cancel": (
        "Check the cancellation rules before cancelling a booking",
        "When a customer asks to cancel a reservation and wants the money back.",
        "Look up the reservation and check booking time, cabin and insurance against the rules before anything is cancelled. "
        "The booking system does not check them, so a cancellation that was not allowed cannot be taken back.",
    ),
    "change": (
        "List the alternatives before changing a flight",
        "When a customer wants to move a booked flight to another day or to a direct connection.",
        "Read the reservation first, search all connections of that day, and name times and price difference. Change the "
        "flight only after the customer has agreed to one of them.",
    ),
    "cabin": (
        "Change the cabin of the whole reservation",
        "When a customer asks for an upgrade or a downgrade of the travel class.",
        "The cabin is the same for all segments and passengers of a reservation, so compute the difference for all of them. "
        "Name the total and the way of payment, and change it after a clear yes.",
    ),
    "bags": (
        "Work out the free baggage from the membership on file",
        "When a customer wants to add checked bags or asks how many suitcases are included.",
        "Take membership and cabin from the profile and the reservation, not from what the customer says. Then charge only "
        "the bags above the free allowance.",
    ),
    "passenger": (
        "Correct passenger details without changing their number",
        "When a customer wants to change, correct or remove a person on a reservation.",
        "Details of a passenger can be replaced, the number of passengers cannot. Say so at once and offer what is possible "
        "instead of searching for a way around it.",
    ),
    "compensation": (
        "Confirm the facts before offering compensation",
        "When a customer complains about a delayed or cancelled flight and wants something for it.",
        "Look up the flight status and the membership before promising anything. Offer the certificate that the rules name, "
        "and only when the customer asked for one.",
    ),
    "insurance": (
        "Read the insurance from the reservation",
        "When a request rests on travel insurance that the customer believes to have.",
        "Check in the reservation whether insurance was bought and whether its conditions are met. It cannot be added after "
        "the booking, however often it is asked for.",
    ),
    "booking": (
        "Collect everything before booking a flight",
        "When a customer wants to book a new trip with several conditions and ways of payment.",
        "Collect dates, cabin, passengers, bags, insurance and payment first, then search. Read the whole booking back with "
        "its price and wait for a yes before it is made.",
    ),
}
_FAILURE = {
    "cancel": (
        "Do not give in to pressure when a refund is refused",
        "When a customer insists on a refund that the cancellation rules do not allow.",
        "Repeat the rule and the reason once and stay with it. Giving in under pressure, or handing over to a colleague to "
        "avoid the answer, fails the task.",
    ),
    "change": (
        "Compare all connections with every wish before choosing one",
        "When several conditions restrict which other flight is acceptable.",
        "Write down every condition and check each candidate flight against all of them. The first that looks good mostly "
        "breaks one of the conditions.",
    ),
    "cabin": (
        "Go through all reservations that the wish covers",
        "When a customer wants another cabin for more than one reservation.",
        "List every reservation of the profile that is meant and tick them off one by one. Stopping after the first few "
        "leaves the task undone.",
    ),
    "bags": (
        "Count free bags for every passenger",
        "When bags are added to a reservation of several people.",
        "Compute the free allowance for each passenger and subtract it from the total before charging. Charging all bags "
        "is an error that is seen only on the bill.",
    ),
    "passenger": (
        "Offer the next best way when a person cannot be taken off",
        "When the number of passengers would have to change.",
        "Say that it cannot be done and ask which of the customer's other wishes then holds. Ending the talk there leaves "
        "the second wish unheard.",
    ),
    "compensation": (
        "Pay only what the rules name",
        "When an upset customer demands compensation for a late or cancelled flight.",
        "Check membership, insurance and cabin first; without any of them nothing is due. A certificate given out of "
        "kindness counts as a mistake.",
    ),
    "insurance": (
        "Match the claimed reason with the terms of the insurance",
        "When somebody wants money back because of travel insurance.",
        "Insurance covers the reasons it names and no others. Ask for the reason before deciding and compare it with the "
        "terms.",
    ),
    "booking": (
        "Ask how the price is to be split before booking",
        "When a booking is paid with certificates, gift cards and a credit card together.",
        "Check how many of each are allowed for one booking and what is left on them. Then say which amount goes where; a "
        "wrong split cannot be repaired afterwards.",
    ),
}
_CLOSINGS = ("", " It takes a minute and saves a wrong booking.", " Do it every time.")
"""A model words the same lesson a little differently each time."""

REWORDED = {
    "A traveller wants her money back for a ticket she no longer needs; find out if we may call it off.": "cancel",
    "Put this guest on a direct connection the day after, if there is one.": "change",
    "The family would like to sit in first or business class instead; see what it costs to move them up.": "cabin",
    "How many pieces of luggage may he take along for free, and what do two more cost?": "bags",
    "There is a typing error in the name of one of the people travelling; have it put right.": "passenger",
    "He is angry because his plane was three hours late and wants a voucher for the trouble.": "compensation",
    "She says she was covered in case of illness and wants the fare refunded under her policy.": "insurance",
    "Reserve two seats from Boston to Denver next Friday, paid with vouchers and the rest by card.": "booking",
}
"""Tasks of the same kinds in other words → the kind."""
FAR = [
    "Port the tokenizer from C to Rust and keep its benchmarks green.",
    "Find out why the nightly database backup takes six hours.",
    "Write unit tests for the colour conversion of the image library.",
]
"""Tasks that none of the lessons fits."""


def kinds_of(task: str) -> list[str]:
    """The kinds of a task, in order of mention; never empty."""
    found = [
        (match.start(), kind) for kind, words in _KINDS.items() if (match := re.search(words, task, re.IGNORECASE))
    ]
    return [kind for _, kind in sorted(found)] or ["booking"]


def kind_of(title: str) -> str:
    """The kind that a lesson of this title belongs to."""
    return next(kind for lessons in (_SUCCESS, _FAILURE) for kind, words in lessons.items() if words[0] == title)


def lessons_for(task: str, outcome: str, wording: int) -> list[Lesson]:
    """One or two lessons for the kinds of the task, in one of three wordings."""
    lessons = _SUCCESS if outcome == "success" else _FAILURE
    closing = _CLOSINGS[wording % len(_CLOSINGS)]
    return [
        {"title": title, "description": description, "content": content + closing}
        for title, description, content in (lessons[kind] for kind in kinds_of(task)[:2])
    ]
