"""Each rule about orders says why it is there, catches its own examples and spares near ones, alone and with the others."""

from functools import partial
from typing import Any

import pytest

from strategy_bank.tools.safety.prompt_injection import FILE, Rule, forms_of, read_as_orders, rules
from strategy_bank.tools.safety.rule_file import contents
from tests.support.linear.growth import SHAPES, faults

ROWS: list[dict[str, Any]] = contents(FILE)["rule"]
RULES = [(rule, row) for rule, row in zip(rules(), ROWS, strict=True)]
NAMES = [f"{number} {row['reason']}: {row['why'][:40]}" for number, row in enumerate(ROWS)]
each_rule = pytest.mark.parametrize(("rule", "row"), RULES, ids=NAMES)


def found(rule: Rule, text: str) -> bool:
    return rule.finds(forms_of(text)[rule.reads])


@each_rule
def test_a_rule_catches_its_examples_alone(rule: Rule, row: dict[str, Any]) -> None:
    assert row["catches"]
    assert [text for text in row["catches"] if not found(rule, text)] == []
    assert [text for text in row["catches"] if not read_as_orders(text)] == []


@each_rule
def test_a_rule_spares_what_is_near_and_so_do_the_others(rule: Rule, row: dict[str, Any]) -> None:
    assert row["spares"]
    assert [text for text in row["spares"] if found(rule, text)] == []
    assert [(text, why) for text in row["spares"] if (why := read_as_orders(text))] == []


@each_rule
def test_a_rule_catches_its_examples_at_the_end_of_a_lesson(rule: Rule, row: dict[str, Any]) -> None:
    lesson = "Fix builds\nWhen a build fails.\nRead the log first.\n"
    within = row["catches"] if rule.reads != "letters" else []
    assert [text for text in within if not found(rule, lesson + text)] == []


@each_rule
def test_a_rule_says_why_it_is_there(rule: Rule, row: dict[str, Any]) -> None:
    assert len(row["why"]) > 12
    assert rule.reason in contents(FILE)["reasons"]


@each_rule
def test_each_excuse_is_tried_in_time_that_grows_with_the_text(rule: Rule, row: dict[str, Any]) -> None:
    """What matches over and over, excused or not; tests/tools/linear has what nearly matches."""
    examples = [*row["catches"], *row["spares"]]
    parts = [part for text in examples for part in (f"{text} ", f'"{text}" ', f"never {text} ", f"‘{text}\n")]
    assert [fault for part in parts for fault in faults([(part, rule.finds)], "", part)] == []


@pytest.mark.parametrize("part", SHAPES.values(), ids=SHAPES)
def test_all_rules_together_take_time_that_grows_with_the_text(part: str) -> None:
    def every_rule(text: str) -> None:
        for rule in rules():
            rule.finds(text)

    assert faults([("all rules", every_rule), ("as a whole", partial(read_as_orders))], "", part) == []


def test_an_excuse_is_needed() -> None:
    spared = [(rule, forms_of(text)[rule.reads]) for rule, row in RULES for text in row["spares"]]
    assert any(rule.finds(text, {"quoted"}) for rule, text in spared)
    assert any(rule.finds(text, {"warned"}) for rule, text in spared)
