"""What a record holds of others goes with them."""

import json

from strategy_bank.store.records import Episode
from strategy_bank.tools.curation.copies import Gone, without

GONE, OTHER = "st_0000000000000001", "st_0000000000000002"


def judged(*drafts: dict[str, str]) -> Episode:
    judgement = json.dumps({"reason": "r", "strategies": drafts})
    return Episode(id="ep_1", scope="s", task="t", trajectory="", steps=1, judgement=judgement)


def drafts(episode: Episode) -> list[dict[str, str]]:
    return json.loads(episode.judgement)["strategies"]


def test_a_judgement_keeps_no_id_of_a_lesson_that_it_would_have_amended() -> None:
    told = judged({"title": "a", "amends": GONE}, {"title": "b", "amends": OTHER})
    left = without(told, Gone(frozenset({GONE})))
    assert drafts(left) == [{"title": "a"}, {"title": "b", "amends": OTHER}]


def test_a_judgement_that_names_nothing_of_it_stays_as_it_is() -> None:
    told = judged({"title": "a", "amends": OTHER})
    assert without(told, Gone(frozenset({GONE}), words=frozenset({"c"}))) == told


def test_a_draft_in_the_words_of_a_lesson_that_goes_goes_too() -> None:
    told = judged({"title": "a"}, {"title": "b"})
    assert drafts(without(told, Gone(frozenset({GONE}), words=frozenset({"a"})))) == [{"title": "b"}]
