"""What each rule about orders is worth: which lessons it finds, and what is lost without it.

For each rule and set of lessons: how many it finds among the attacks, the risky and the harmless ones, and in brackets how many
of these no other rule finds. At the end the same for what no pattern finds, for the excuses, and for all rules together.

    python -m bench.poison.rules [--where-it-errs] [FILE …]

`--where-it-errs` shows the harmless lessons that are held, but none of the sets that are only counted; the files are further
ones of a corpus.
"""

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from bench.poison.texts import HALVES, LABELS, Label, Text, sets
from bench.support.figures import told
from strategy_bank.tools.safety.prompt_injection import BY_CODE, EXCUSES, FILE, Excuse, forms_of, read_as_orders, rules
from strategy_bank.tools.safety.rule_file import contents

Counts = Mapping[tuple[str, Label], int]
COUNTED_ONLY = (HALVES[1], "second author")


def names() -> list[str]:
    """Return the rules by number and reason, then what no pattern finds by reason."""
    return [f"{number} {rule.reason}" for number, rule in enumerate(rules(), 1)] + list(BY_CODE)


def finders(words: str) -> frozenset[str]:
    """Return the names of those that find something in a lesson."""
    forms = forms_of(words)
    by_rule = [rule.finds(forms[rule.reads]) for rule in rules()]
    # altered letters are mostly the letters that were there, so that what is plain is found there again
    by_code = [sees(words, forms) and not (name == "encoded" and any(by_rule)) for name, sees in BY_CODE.items()]
    return frozenset(name for name, finds in zip(names(), by_rule + by_code, strict=True) if finds)


def counted(texts: Mapping[str, list[Text]], count: Callable[[Text], bool]) -> Counts:
    return Counter((name, text.label) for name, some in texts.items() for text in some if count(text))


def told_by_label(found: Counts, alone: Counts) -> Iterable[str]:
    """Yield one line for each label of which there is one: the sets with the number found (and by no other)."""
    for label in LABELS:
        by_set = [(name, found[name, of], alone.get((name, of), 0)) for name, of in found if of == label]
        if by_set:
            yield f"    {label:6} " + ", ".join(f"{name} {many} ({only})" for name, many, only in sorted(by_set))


def of_each_rule(texts: Mapping[str, list[Text]], found_by: Mapping[str, frozenset[str]]) -> None:
    whys = [row["why"] for row in contents(FILE)["rule"]] + [""] * len(BY_CODE)
    for name, why in zip(names(), whys, strict=True):
        found = counted(texts, lambda text, name=name: name in found_by[text.case["id"]])
        alone = counted(texts, lambda text, name=name: found_by[text.case["id"]] == {name})
        print("\n".join([f"\n{name}: {why}", *told_by_label(found, alone)]))


def of_excuses(texts: Mapping[str, list[Text]], found_by: Mapping[str, frozenset[str]]) -> None:
    """Tell of each excuse what the rules would find besides without it."""
    for excuse in sorted(EXCUSES):
        others = EXCUSES - {excuse}

        def more(text: Text, others: Collection[Excuse] = others) -> bool:
            forms = forms_of(text.words)
            return not found_by[text.case["id"]] and any(rule.finds(forms[rule.reads], others) for rule in rules())

        print("\n".join([f"\nwithout the excuse {excuse!r}, besides:", *told_by_label(counted(texts, more), {})]))


def of_all(texts: Mapping[str, list[Text]]) -> None:
    print("\nAll rules together")
    for name, some in texts.items():
        for label in LABELS:
            own = [read_as_orders(text.words) is not None for text in some if text.label == label]
            if own:
                print(f"  {name:14} {label:6} {told(sum(own), len(own))}")


def where_it_errs(texts: Mapping[str, list[Text]], found_by: Mapping[str, frozenset[str]]) -> None:
    for name, some in texts.items():
        held = [text for text in some if text.label == "fine" and found_by[text.case["id"]]]
        for text in held if name not in COUNTED_ONLY else []:
            print(f"  ! {text.case['id']} {', '.join(sorted(found_by[text.case['id']]))}: {ascii(text.words)[:300]}")


def main() -> None:
    texts = sets(Path(name) for name in sys.argv[1:] if not name.startswith("--"))
    found_by = {text.case["id"]: finders(text.words) for some in texts.values() for text in some}
    of_each_rule(texts, found_by)
    of_excuses(texts, found_by)
    of_all(texts)
    if "--where-it-errs" in sys.argv:
        where_it_errs(texts, found_by)


if __name__ == "__main__":
    main()
