"""A lesson is checked for what it copied from its episode, and general words of the trade are left alone."""

import json
import re
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strategy_bank.tools.safety.literals import find_literals
from tests.support.places import DATA


def words(block: str) -> list[str]:
    """What stands apart by two spaces or a line's end."""
    return re.split(r"\s{2,}", block.strip())


SPECIFIC = [
    "https://shop.example.com/orders/17?x=1",
    "http://10.2.3.4:8080/admin",
    "/srv/billing/jobs/export.py",
    "/home/mia/notes",
    "~/projects/shop/main.py",
    "./scripts/run_all.sh",
    "src/billing/export_v2.py",
    "../shared/data/x.json",
    ".github/workflows/release-docs.yml",
    r"C:\Users\mia\report.xlsx",
    "/data/run.csv",
    "mia.li@example.com",
    "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "4a8c6fc",
    "ea1402bc4f27311c55d06e318cef7d22ed1f3343",
    "ABC-123",
    "HAT136",
    "ZFA04Y",
    "M20IZO",
    "4411520d",
    "user_id_4421",
    "mia_li_3668",
    "credit_card_4421486",
    "INV-2024-0117",
    "pod-7f9c6d5b4-x2k9p",
    "7447",
    "4421486",
    "1,284",
    "#2231",
    "2024-05-20",
    "10.2.3.4",
]

GENERAL = words(
    """
    utf-8  UTF-16  HTTP 404  HTTP/2  500  3.11  ISO-8601  ISO 8601  SHA-256  sha256  base64  localhost
    http://localhost:3000  pytest -x  read_text  and/or  read/write  CI/CD  TCP/IP  /etc/hosts  /tmp  /dev/null
    /usr/bin/env  /etc/passwd  .gitignore  package.json  ~/.bashrc  2024  1999  8080  5432  65535  1000  86400
    v1.2.3  1.26.4  python3  py311  x86_64  int32  float64  i18n  k8s  S3  EC2  OAuth2  IPv6  gpt-4o  4xx  h264
    E501  TS2345  RFC 7231  RFC3339  PEP-8  cp1252  latin-1  log4j  p95  2x  10ms  16-bit  step_2  v2
    __init__.py  tests/conftest.py  .github/workflows  127.0.0.1  /api/v1  /health  git@github.com  X.509
    md5sum  base64-encoded  node18  ubuntu-22  0x80070005  1_000_000  3-way  24-hour
    """
)

QUOTED = [
    ("the button 'Confirm booking now'", "Confirm booking now"),
    ('it printed "No such reservation"', "No such reservation"),
    ("run `make release TAG=blue`", "make release TAG=blue"),
    ("class `OrderLedger`", "OrderLedger"),
    ("wrote “see you at noon”", "see you at noon"),
    ("named ‘Big Ben’ there", "Big Ben"),
    ("id 'HAT136' given", "HAT136"),
]

PLAIN_QUOTES = words(
    """
    use 'economy' here  the flag `--force`  call `read_text` first  run `git rebase --continue`  `pytest -x`
    catch `TimeoutError`  a `NULL` value  press 'Submit'  `utf-8` encoding  it's fine and that's all
    `/etc/hosts`  'ab'  `__init__`  `npm ci`  the 'x' y
    """
)


def found(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Lesson → its literals, of each (lesson, episode)."""
    return {lesson: find_literals(lesson, episode) for lesson, episode in rows}


def test_a_literal_is_found_in_the_lesson_where_the_episode_has_it_and_only_there() -> None:
    lessons = {f"Mind {literal}, then go on.": literal for literal in SPECIFIC}
    assert found((lesson, f"user: it is ({literal}) you know") for lesson, literal in lessons.items()) == {
        lesson: [literal] for lesson, literal in lessons.items()
    }
    assert found((lesson, "user: something else") for lesson in lessons) == {lesson: [] for lesson in lessons}


def test_a_word_of_the_trade_is_no_literal() -> None:
    rows = [
        (lesson, f"we saw {word} there")
        for word in GENERAL
        for lesson in (f"Mind {word}, then go on ({word}).", f"Mind `{word}` there.")
    ]
    assert {lesson: literals for lesson, literals in found(rows).items() if literals} == {}


def test_a_quotation_is_found_where_the_episode_has_it_and_only_there() -> None:
    assert found((lesson, f"before {literal} after") for lesson, literal in QUOTED) == {
        lesson: [literal] for lesson, literal in QUOTED
    }
    assert found((lesson, "before after") for lesson, _ in QUOTED) == {lesson: [] for lesson, _ in QUOTED}


def test_a_quoted_word_command_or_flag_is_no_literal() -> None:
    assert found((lesson, lesson) for lesson in PLAIN_QUOTES) == {lesson: [] for lesson in PLAIN_QUOTES}


def test_white_space_in_quotations_is_folded_and_case_counts() -> None:
    lesson = "It says 'No  such\treservation' then."
    assert find_literals(lesson, "error: No such\n reservation") == ["No  such\treservation"]
    assert find_literals(lesson, r'{"error": "No such\nreservation"}') == ["No  such\treservation"]
    assert find_literals(lesson, "error: no such reservation") == []
    assert find_literals("flight HAT136", "flight hat136") == []


def test_a_literal_inside_a_longer_word_of_the_episode_is_another_one() -> None:
    assert find_literals("flight HAT136 and 7447", "XHAT136 HAT1367 174475") == []


def test_literals_come_in_order_once_and_at_most_ten() -> None:
    ids = [f"ABC-{number}" for number in range(100, 115)]
    text = " ".join(ids)
    assert find_literals(f"{ids[3]} {ids[3]} {text}", text) == [ids[3], *ids[:3], *ids[4:10]]


def test_a_long_literal_is_cut_to_80_characters() -> None:
    url = "https://example.com/" + "a" * 200
    assert find_literals(f"see {url}", url) == [url[:80]]


def test_a_quotation_covers_the_ids_in_it_unless_it_is_not_from_the_episode() -> None:
    lesson = "It says 'Flight HAT136 is full' there."
    assert find_literals(lesson, "Flight HAT136 is full") == ["Flight HAT136 is full"]
    assert find_literals(lesson, "HAT136") == ["HAT136"]


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_is_found_stands_in_the_lesson(lesson: str, episode: str) -> None:
    found = find_literals(lesson, lesson + " " + episode)
    assert len(found) <= 10
    assert all(literal in lesson and len(literal) <= 80 for literal in found)


@example("_--1")
@given(st.text(alphabet="ab1-_/.~'\"`:@ ", max_size=400))
def test_no_text_makes_it_fail(lesson: str) -> None:
    find_literals(lesson, lesson)


def load(name: str) -> list[dict[str, str]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return json.loads(path.read_text())


def test_general_strategies_carry_almost_no_literals_of_their_task() -> None:
    strategies = load("strategy_retrieval_dev.json")["strategies"]  # type: ignore[call-overload]
    lessons = ["\n".join(item[part] for part in ("title", "description", "content")) for item in strategies]
    flagged = [
        lesson for lesson, item in zip(lessons, strategies, strict=True) if find_literals(lesson, item["source_task"])
    ]
    assert len(flagged) <= 0.03 * len(lessons)  # they quote an error message
    alone = [literal for lesson in lessons for literal in find_literals(lesson, lesson)]
    assert len(alone) <= 0.3 * len(lessons)


def test_ids_of_real_tasks_are_found() -> None:
    for episode in load("tau_bench_airline_gpt4o.json"):
        user = episode["info"]["task"]["user_id"]  # type: ignore[index]
        assert find_literals(f"Ask {user} first.", json.dumps(episode["traj"][1:]) + user) == [user]
