"""Counts what a transcript holds that was not read, so that nothing is lost in silence."""

from collections import Counter

_NAMED = 4  # of the unknown kinds


class Unread:
    """Holds the counts of one transcript, or of several."""

    def __init__(self) -> None:  # no dataclass: their import takes a hook longer than all else here
        self.lines = 0  # that are no JSON object
        self.long_lines = 0  # that are longer than is read
        self.unknown = Counter[str]()  # records by their kind
        self.rewound = 0  # records that the user went back from; they are left out on purpose

    def add(self, other: "Unread") -> None:
        self.lines += other.lines
        self.long_lines += other.long_lines
        self.unknown += other.unknown
        self.rewound += other.rewound

    def problems(self) -> list[str]:
        """Return what could not be read, in words."""
        kinds = ", ".join([*list(self.unknown)[:_NAMED], *(["…"] if len(self.unknown) > _NAMED else [])])
        return [
            *([f"{_count(self.lines, 'line')} no JSON"] if self.lines else []),
            *([f"{_count(self.long_lines, 'line')} too long"] if self.long_lines else []),
            *([f"{_count(self.unknown.total(), 'record')} of unknown kind ({kinds})"] if self.unknown else []),
        ]

    def as_dict(self) -> dict[str, object]:
        return {
            "lines": self.lines,
            "long_lines": self.long_lines,
            "unknown": dict(self.unknown),
            "rewound": self.rewound,
        }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"
