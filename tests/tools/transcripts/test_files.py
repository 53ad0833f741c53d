"""Transcripts are opened only in the clients' own folders, and only as regular files, whatever a name means by then."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.transcripts.files import Folders, open_below, open_regular
from strategy_bank.tools.transcripts.reader import project_root
from strategy_bank.tools.transcripts.tasks import last_task, tasks
from strategy_bank.tools.transcripts.unread import Unread
from tests.support.sessions import PROMPT, codex_work, gemini_work, said, work, write

SECRET = "The words of another file, which nobody may read here."


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    codex = tmp_path / "codex"
    return Folders(
        tmp_path / "claude" / "projects", codex / "sessions", tmp_path / "gemini" / "tmp", codex / "archived_sessions"
    )


def test_files_are_found_in_the_order_of_their_age_and_without_sub_agents(folders: Folders) -> None:
    import os

    for age, name in enumerate(["b", "a", "agent-1"], 1):
        file = write(folders.claude_code / "-p" / f"{name}.jsonl", work())
        os.utime(file, (10**9 - age, 10**9 - age))
    write(folders.codex / "2026" / "11" / "20" / "rollout-1.jsonl", codex_work())
    write(folders.codex / "2026" / "11" / "20" / "notes.jsonl", codex_work())
    assert [file.stem for file in folders.files("claude-code")[0]] == ["a", "b"]
    assert [file.stem for file in folders.files("codex")[0]] == ["rollout-1"]
    assert Folders(Path("/none"), Path("/none"), Path("/none")).files("codex") == ([], 0)


def test_only_transcripts_in_the_clients_folders_are_read(folders: Folders, tmp_path: Path) -> None:
    inside = write(folders.claude_code / "-p" / "s.jsonl", work())
    outside = write(tmp_path / "elsewhere" / "s.jsonl", work())
    link = folders.claude_code / "-p" / "link.jsonl"
    link.symlink_to(outside)
    folder = folders.claude_code / "-p" / "folder.jsonl"
    folder.mkdir()
    other = write(folders.claude_code / "-p" / "settings.json", work())
    around = f"{folders.claude_code}/../../elsewhere/s.jsonl"
    assert last_task(str(inside), folders).task == PROMPT
    for path in (
        outside,
        link,
        folder,
        other,
        around,
        "/etc/passwd",
        folders.claude_code,
        "",
        "\0",
        "~nobody/x",
        inside.with_name("no"),
    ):
        with pytest.raises(InvalidInput, match="may not be read"):
            last_task(str(path), folders)


def test_a_client_whose_folder_is_a_link_is_read_by_either_name_and_nothing_around_it(tmp_path: Path) -> None:
    real, linked = tmp_path / "disk" / "sessions", tmp_path / "home" / "sessions"
    file = write(real / "2026" / "rollout-1.jsonl", codex_work())
    outside = write(tmp_path / "disk" / "rollout-2.jsonl", codex_work(SECRET))
    linked.parent.mkdir()
    linked.symlink_to(real)
    folders = Folders(tmp_path / "none", linked, tmp_path / "none")
    assert folders.files("codex") == ([file], 0)
    for name in (file, linked / "2026" / file.name, linked / "2026" / ".." / "2026" / file.name):
        assert last_task(str(name), folders).task == PROMPT
    for name in (outside, linked / ".." / outside.name, real / ".." / outside.name, linked):
        with pytest.raises(InvalidInput, match="may not be read"):
            last_task(str(name), folders)


def test_archived_sessions_of_codex_are_found_and_may_be_named(folders: Folders) -> None:
    assert folders.codex_archive
    kept = write(folders.codex / "2026" / "11" / "20" / "rollout-1.jsonl", codex_work())
    archived = write(folders.codex_archive / "rollout-2.jsonl", codex_work("Another task."))
    assert sorted(folders.files("codex")[0]) == sorted([kept, archived])
    assert last_task(str(archived), folders).task == "Another task."


def test_older_sessions_of_gemini_cli_may_be_named_and_its_settings_not(folders: Folders) -> None:
    document = write(folders.gemini / "p" / "chats" / "session-1.json", [])
    document.write_text(f'{{"sessionId": "g", "messages": [{{"id": "u", "type": "user", "content": "{PROMPT}"}}]}}')
    assert folders.find(str(document)) == (document, "gemini")
    for other in ("p/logs.json", "p/chats/settings.json", "p/chats/session-1.txt"):
        with pytest.raises(InvalidInput, match="may not be read"):
            folders.find(str(write(folders.gemini / other, ["{}"])))


def test_what_is_no_transcript_of_the_client_is_skipped_and_counted(folders: Folders, tmp_path: Path) -> None:
    inside = write(folders.claude_code / "-p" / "s.jsonl", work())
    outside = write(tmp_path / "elsewhere" / "s.jsonl", work())
    (folders.claude_code / "-p" / "out.jsonl").symlink_to(outside)
    (folders.claude_code / "-p" / "gone.jsonl").symlink_to("nowhere")
    (folders.claude_code / "-p" / "again.jsonl").symlink_to(inside)
    (folders.claude_code / "-p" / "folder.jsonl").mkdir()
    os.mkfifo(folders.claude_code / "-p" / "pipe.jsonl")
    (folders.claude_code / "-q").symlink_to(outside.parent)
    assert folders.files("claude-code") == ([inside], 5)


def test_a_file_that_became_a_link_after_it_was_looked_at_is_not_read(folders: Folders, tmp_path: Path) -> None:
    inside = write(folders.claude_code / "-p" / "s.jsonl", work())
    outside = write(tmp_path / "elsewhere" / "s.jsonl", [said(SECRET)])
    file, client = folders.find(str(inside))
    inside.unlink()
    inside.symlink_to(outside)
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(tasks(file, client, folders=folders))
    inside.unlink()
    inside.parent.rmdir()
    inside.parent.symlink_to(outside.parent)
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(tasks(file, client, folders=folders))


def test_however_fast_a_name_changes_its_meaning_nothing_outside_is_read(folders: Folders, tmp_path: Path) -> None:
    inside = write(folders.claude_code / "-p" / "s.jsonl", work())
    outside = write(tmp_path / "elsewhere" / "s.jsonl", [said(SECRET), *work()[1:]])
    real, link = inside.with_name("real"), inside.with_name("link")
    real.write_bytes(inside.read_bytes())
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            link.symlink_to(outside)
            link.replace(inside)
            os.link(real, link)
            link.replace(inside)

    swapping = threading.Thread(target=swap)
    swapping.start()
    read: list[str] = []
    try:
        for _ in range(1_000):
            with suppress(InvalidInput):
                read.append(last_task(str(inside), folders).task)
    finally:
        done.set()
        swapping.join()
    assert set(read) == {PROMPT}


@pytest.mark.parametrize("opened", ["whole", "below"])
def test_pipes_and_devices_are_never_opened(folders: Folders, tmp_path: Path, opened: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero", ".", "none"):
        with pytest.raises(OSError, match=r"."):
            open_regular(tmp_path / name) if opened == "whole" else open_below(tmp_path, Path(name))


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nothing"])
def test_the_stop_hook_does_not_wait_for_what_is_no_file(tmp_path: Path, kind: str) -> None:
    path = {"device": Path("/dev/zero"), "folder": tmp_path}.get(kind, tmp_path / "s.jsonl")
    if kind == "pipe":
        os.mkfifo(path)
    sent = f'{{"transcript_path": "{path}"}}'
    command = [sys.executable, "-m", "strategy_bank.server", "hook", "stop"]
    done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, "")
    assert "strategy-bank hook stop:" in done.stderr


def test_the_folder_noted_beside_a_session_of_gemini_cli_is_no_link(folders: Folders, tmp_path: Path) -> None:
    session = write(folders.gemini / "p" / "chats" / "session-1.jsonl", gemini_work())
    noted = write(folders.gemini / "p" / ".project_root", ["/gone/shop"])
    assert project_root(noted.parent) == "/gone/shop"
    noted.unlink()
    noted.symlink_to(write(tmp_path / "elsewhere", [SECRET]))
    assert project_root(noted.parent) == ""
    assert last_task(str(session), folders).cwd == ""


def test_a_mark_at_the_beginning_of_a_file_costs_no_record(folders: Folders) -> None:
    file = write(folders.claude_code / "-p" / "s.jsonl", work())
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    unread = Unread()
    assert [task.task for task in tasks(file, "claude-code", unread)] == [PROMPT]
    assert unread.as_dict() == Unread().as_dict()
