"""Each rule about secrets says whose it is, catches its own examples and spares its look-alikes."""

import json
from typing import Any

import pytest

from strategy_bank.tools.safety.redact import redact
from tests.support.secrets.examples import filled, rules

RULES = dict(rules())
BEGINS = 3  # examples are made with several values: a rule must not depend on one


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_catches_its_examples(rule: dict[str, Any]) -> None:
    assert rule["catches"]
    read = [(example, seed, *filled(example, seed)) for example in rule["catches"] for seed in range(BEGINS)]
    left = [
        (text, redacted)
        for _, _, text, values in read
        if (redacted := redact(text).text) == text or any(value in redacted for value in values)
    ]
    assert left == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_spares_what_only_looks_like_its_secret(rule: dict[str, Any]) -> None:
    assert rule["spares"]
    assert [
        (text, redacted) for spared in rule["spares"] if (redacted := redact(text := filled(spared)[0]).text) != text
    ] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_why_it_is_there(rule: dict[str, Any]) -> None:
    assert len(rule.get("why") or rule["source"]) > 12


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_json_around_a_secret_stays_json(rule: dict[str, Any]) -> None:
    for example in rule["catches"]:
        text, _ = filled(example)
        within = json.dumps({"step": text, "result": json.dumps({"said": text}), "ok": True})
        assert json.loads(redact(within).text)["ok"] is True
