"""Which scope a project has in a bank: for good, told apart from others of its name, and carried over from older banks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import NO_PROJECT_SCOPE, Project, Strategy
from strategy_bank.tools.scopes.moving import move_scope
from strategy_bank.tools.scopes.registry import Scope, Scopes
from strategy_bank.tools.scopes.workspace import workspace_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bank(home: Path) -> AsyncIterator[Bank]:
    opened = await Bank.open(Location(home))
    yield opened
    await opened.close()


def repository(folder: Path, remote: str = "") -> Path:
    """Make the files by which a repository is known."""
    git = folder / ".git"
    (git / "objects").mkdir(parents=True, exist_ok=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(f'[remote "origin"]\n\turl = {remote}\n' if remote else "[core]\n\tbare = false\n")
    return folder


def worktree(folder: Path, of: Path) -> Path:
    place = of / ".git" / "worktrees" / folder.name
    place.mkdir(parents=True)
    (place / "HEAD").write_text("ref: refs/heads/side\n")
    (place / "commondir").write_text("../..\n")
    folder.mkdir(parents=True)
    (folder / ".git").write_text(f"gitdir: {place}\n")
    return folder


async def learn(bank: Bank, scope: str) -> None:
    lesson = Strategy(
        id=f"st_{scope}", title="Read first", description="When.", content="Read.", outcome="success", scope=scope
    )
    embedded = await bank.embed([lesson])
    await bank.atomically(lambda: bank.add_strategies(embedded))


async def scope(bank: Bank, folder: Path, *, named: bool = False) -> Scope:
    return await Scopes(bank).claim(workspace_of(folder, named=named))


async def test_two_repositories_of_one_name_are_two_scopes_with_readable_names(bank: Bank, tmp_path: Path) -> None:
    one = repository(tmp_path / "one" / "shop", "git@github.com:acme/shop.git")
    other = repository(tmp_path / "other" / "shop", "https://github.com/umbrella/shop")
    third = repository(tmp_path / "third" / "shop")
    assert [(await scope(bank, each)).name for each in (one, other, third)] == ["shop", "umbrella/shop", "third/shop"]
    assert [(await scope(bank, each)).name for each in (third, other, one)] == ["third/shop", "umbrella/shop", "shop"]


async def test_a_worktree_and_a_clone_of_the_same_remote_have_the_scope_of_the_repository(
    bank: Bank, tmp_path: Path
) -> None:
    shop = repository(tmp_path / "shop", "git@github.com:acme/shop.git")
    clone = repository(tmp_path / "elsewhere" / "copy", "ssh://anna@github.com/Acme/Shop")
    assert (await scope(bank, worktree(tmp_path / "wt-coupon", shop))).name == "shop"
    assert {(await scope(bank, each)).name for each in (shop, clone)} == {"shop"}


async def test_a_worktree_that_was_removed_still_belongs_to_its_repository(bank: Bank, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    side = worktree(tmp_path / "away" / "wt-coupon", shop)
    await scope(bank, side)
    (side / ".git").unlink()
    side.rmdir()
    assert (await scope(bank, side / "src")).name == "shop"
    assert (await scope(bank, shop / ".claude" / "worktrees" / "brave-otter" / "src")).name == "shop"


async def test_a_project_keeps_its_scope_when_it_gets_a_remote(bank: Bank, tmp_path: Path) -> None:
    before = await scope(bank, repository(tmp_path / "a" / "shop"))
    after = await scope(bank, repository(tmp_path / "a" / "shop", "https://git.example.org/team/renamed"))
    elsewhere = await scope(bank, repository(tmp_path / "b" / "renamed", "https://git.example.org/team/renamed"))
    assert before == after == elsewhere == Scope("shop")


async def test_another_repository_in_the_same_folder_is_another_project(bank: Bank, tmp_path: Path) -> None:
    first = await scope(bank, repository(tmp_path / "workspace", "https://git.example.org/team/one"))
    second = await scope(bank, repository(tmp_path / "workspace", "https://git.example.org/team/two"))
    again = await scope(bank, repository(tmp_path / "workspace", "https://git.example.org/team/one"))
    assert [first.name, second.name, again.name] == ["workspace", "team/two", "workspace"]


async def test_an_old_scope_goes_to_the_first_project_of_its_name(bank: Bank, tmp_path: Path) -> None:
    await learn(bank, "shop")
    assert await scope(bank, repository(tmp_path / "one" / "shop")) == Scope("shop")
    assert await scope(bank, repository(tmp_path / "other" / "shop")) == Scope("other/shop")


async def test_what_a_worktree_had_learned_under_its_own_name_is_still_read_and_finished(
    bank: Bank, tmp_path: Path
) -> None:
    await learn(bank, "main")
    shop = repository(tmp_path / "shop")
    side = worktree(tmp_path / "trees" / "main", shop)
    found = await scope(bank, side)
    assert found == Scope("shop", "main")
    assert (found.owned, found.readable) == (["shop", "main"], ["shop", "main", "global"])
    assert await scope(bank, shop) == Scope("shop")
    await scope(bank, repository(tmp_path / "main"))  # has that name, and with it the scope, from now on
    assert await scope(bank, side) == Scope("shop")


async def test_home_and_the_root_are_no_project_and_a_folder_is_one_where_it_is_named(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(repository(tmp_path / "anna")))
    notes = tmp_path / "anna" / "notes"
    notes.mkdir()
    for folder in (tmp_path / "anna", Path("/"), notes):
        assert (await scope(bank, folder)).name == NO_PROJECT_SCOPE
    assert (await scope(bank, tmp_path / "anna", named=True)).name == NO_PROJECT_SCOPE
    assert (await scope(bank, notes, named=True)).name == "notes"


@pytest.mark.parametrize("name", ["global", "no-project", "  ", "tab\there", b"M\xfcller"])
async def test_odd_folder_names_are_scopes_that_can_be_stored_and_printed(
    bank: Bank, tmp_path: Path, name: str | bytes
) -> None:
    folder = tmp_path / "odd" / (name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name)
    found = (await scope(bank, repository(folder))).name
    assert found.isprintable()
    assert found == found.encode().decode().strip()
    assert found not in ("global", NO_PROJECT_SCOPE, "")
    assert (await scope(bank, folder)).name == found


async def test_a_recall_claims_nothing(bank: Bank, tmp_path: Path) -> None:
    await Scopes(bank).of(workspace_of(repository(tmp_path / "shop")))
    assert await bank.count(Project) == 0


async def test_a_moved_scope_is_followed_by_its_projects_at_once(bank: Bank, tmp_path: Path) -> None:
    scopes, shop = Scopes(bank), workspace_of(repository(tmp_path / "shop"))
    await scopes.claim(shop)
    await learn(bank, "shop")
    moved = await move_scope(bank, "shop", "store")
    assert (moved["strategy"], moved["project"]) == (1, 1)
    assert await scopes.of(shop) == Scope("store")


async def test_a_renamed_repository_finds_its_lessons_after_its_scope_was_renamed_too(
    bank: Bank, tmp_path: Path
) -> None:
    old = repository(tmp_path / "shop-old")
    await scope(bank, old)
    await learn(bank, "shop-old")
    old.rename(tmp_path / "shop")
    await move_scope(bank, "shop-old", "shop")
    assert await scope(bank, tmp_path / "shop") == Scope("shop")


async def test_a_repository_that_is_there_keeps_its_scope_however_that_is_called(bank: Bank, tmp_path: Path) -> None:
    first = repository(tmp_path / "one" / "till")
    await scope(bank, first)
    await learn(bank, "till")
    await move_scope(bank, "till", "shop")
    assert await scope(bank, repository(tmp_path / "other" / "shop")) == Scope("other/shop")
    assert await scope(bank, first) == Scope("shop")


@pytest.mark.parametrize(
    ("cwd", "name"),
    [
        ("/home/nobody-here/code/shop", "shop"),
        ("C:\\Users\\anna\\shop", "shop"),
        ("C:\\Users\\anna\\shop\\.claude\\worktrees\\brave-otter", "shop"),
        ("\\\\server\\share\\shop", "shop"),
        ("", NO_PROJECT_SCOPE),
        ("relative/shop", NO_PROJECT_SCOPE),
    ],
)
async def test_folders_of_other_machines_are_called_by_their_last_name(bank: Bank, cwd: str, name: str) -> None:
    assert (await Scopes(bank).of(workspace_of(cwd))).name == name


async def test_worktrees_in_one_place_tell_whose_the_removed_one_was(bank: Bank, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    worktree(tmp_path / "cursor" / "worktrees" / "shop" / "f00ba", shop)
    assert (await scope(bank, tmp_path / "cursor" / "worktrees" / "shop" / "a1b2c")).name == "shop"
    assert (await scope(bank, tmp_path / "cursor" / "worktrees" / "till" / "a1b2c")).name == "till"


async def test_removed_folders_of_different_projects_are_never_one(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "anna"
    monkeypatch.setenv("HOME", str(home))
    (home / ".cursor").mkdir(parents=True)
    gone = [".cursor/worktrees/shop/a1b2c", ".cursor/worktrees/clinic/d4e5f", "dev/one", "dev/other", ".x/y/till/src"]
    names = [(await scope(bank, home / each)).name for each in gone]
    assert names == ["shop", "clinic", "one", "other", "src"]
