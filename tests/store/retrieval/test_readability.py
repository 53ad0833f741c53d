"""Which texts the packaged model can read: English whatever stands in it, and no other language."""

import json
from pathlib import Path

import pytest

from bench.recall.languages import DATA, SHARED, english
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.retrieval.readability import readable

LANGUAGES = sorted(file.stem for file in DATA.glob("*.json"))


@pytest.fixture(scope="module")
def embedder(models_dir: Path) -> Embedder:
    return Embedder(models_dir)


def texts_in(language: str) -> tuple[list[str], list[str]]:
    """The tasks and the wordings of the lessons in a language."""
    said = json.loads((DATA / f"{language}.json").read_text("utf-8"))
    lessons = ["\n".join(lesson.values()) for lesson in said["lessons"]]
    return [task["task"] for task in said["tasks"]], lessons


@pytest.mark.parametrize("language", LANGUAGES)
def test_tasks_and_lessons_in_another_language_are_known_for_it(embedder: Embedder, language: str) -> None:
    tasks, lessons = texts_in(language)
    assert len([task for task in tasks if readable(embedder, task)]) <= 1
    assert not [lesson for lesson in lessons if readable(embedder, lesson)]


@pytest.mark.skipif(not SHARED.exists(), reason="the data beside the project is missing")
def test_hardly_an_english_task_or_lesson_is_taken_for_another_language(embedder: Embedder) -> None:
    for name, texts in english().items():
        unread = [text for text in texts if not readable(embedder, text)]
        assert len(unread) <= 0.005 * len(texts), (name, unread)


@pytest.mark.parametrize(
    "task",
    [
        "fix it",
        "?",
        "🎉",
        "Merge 請求書一覧.xlsx, 納品書一覧.xlsx and 見積書一覧.xlsx into one",
        "Rename Kündigungsschreiben.docx and Lohnabrechnung_März.pdf",
        "Move docs/日本語/設計書.md to docs/ja",
        "Click `Einstellungen speichern` and then 'Zurück zur Übersicht' on the page of the customer",
        "Fix E11000 duplicate key error collection: shop.users index: email_1 dup key",
        "error TS2307: Cannot find module '@/utils/préférences' or its corresponding type declarations.",
        "npm ERR! code ERESOLVE npm ERR! ERESOLVE unable to resolve dependency tree",
        'Traceback (most recent call last):\n  File "/srv/Übersicht.py", line 12, in <module>\n    from etmTk import log\n'
        "ImportError: No module named 'etmTk'",
        'java.lang.NullPointerException: Cannot invoke "String.length()"\n\tat com.acme.Foo.bar(Foo.java:12)\n'
        "\tat org.springframework.boot.SpringApplication.run(SpringApplication.java:300)",
        "Follow ['convexegg', 'yjlou'] on Gitlab",
    ],
)
def test_names_codes_and_files_in_english_do_not_make_it_another_language(embedder: Embedder, task: str) -> None:
    assert readable(embedder, task)


def test_of_another_model_nothing_is_said(models_dir: Path) -> None:
    other = Embedder(models_dir, "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2")
    assert all(readable(other, task) for language in LANGUAGES for task in texts_in(language)[0])
