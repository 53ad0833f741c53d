"""Which scope a project has in a bank: the one that it was first seen with, or a name that no other project has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import (
    FOR_A_PERSON,
    GLOBAL_SCOPE,
    NO_PROJECT_SCOPE,
    PROMOTED,
    Episode,
    OwnAndGiven,
    Project,
    Run,
    Strategy,
    content_id,
)
from strategy_bank.tools.scopes.workspace import Workspace, workspace_of

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@dataclass(frozen=True)
class Scope:
    """What a caller sees and changes: the scope of its project and, for reading, `global`.

    `former` is the scope that the same folder had in an older version, where no project has taken that over. Where projects are
    kept `apart`, only what a person put into `global` is read there, and what began in this scope.
    """

    name: str
    former: str = ""
    apart: bool = False

    @property
    def owned(self) -> list[str]:
        return list(dict.fromkeys(filter(None, [self.name, self.former])))

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*self.owned, GLOBAL_SCOPE]))

    @property
    def readable(self) -> Sequence[str] | OwnAndGiven:
        """The strategies that the caller may read, as the bank looks for them by their scope."""
        return OwnAndGiven(self.owned) if self.apart else self.names

    def reads(self, strategy: Strategy) -> bool:
        if strategy.scope in self.owned or not self.apart:
            return strategy.scope in self.names
        began_here = any(strategy.status_reason.startswith(f"{PROMOTED}{name} and ") for name in self.owned)
        return strategy.scope == GLOBAL_SCOPE and (began_here or not strategy.status_reason.startswith(PROMOTED))


@dataclass(frozen=True)
class _Found:
    """The scope of a project, and the rows that are to be written so that it is known by all its identities."""

    scope: Scope
    new: list[Project]
    changed: list[Project]

    @property
    def is_noted(self) -> bool:
        return not self.new and not self.changed


@dataclass
class Scopes:
    """Finds the scopes of projects in one bank, and reads the table of projects again only when it has changed."""

    bank: "Bank"
    _found: dict[Workspace, "_Found"] = field(default_factory=dict[Workspace, "_Found"])
    _version: int = -1

    async def of(self, workspace: Workspace | None) -> Scope:
        """Return the scope of a project. Writes nothing: a project has its scope for good from its first report on."""
        if workspace is None:
            return Scope(NO_PROJECT_SCOPE, apart=self.bank.location.apart)
        return (await self._look_up(workspace)).scope

    async def claim(self, workspace: Workspace | None) -> Scope:
        """Return the scope of a project, and note whose it is."""
        if workspace is None or (await self._look_up(workspace)).is_noted:
            return await self.of(workspace)

        async def step() -> Scope:
            found = await _resolved(self.bank, workspace)
            await self.bank.add_all(found.new)
            await self.bank.amend(found.changed)
            return found.scope

        return await self.bank.atomically(step)

    async def _look_up(self, workspace: Workspace) -> "_Found":
        version = await self.bank.version(Project)
        if version != self._version:
            self._found.clear()
            self._version = version
        if workspace not in self._found:
            self._found[workspace] = await _resolved(self.bank, workspace)
        return self._found[workspace]


async def scope_in(bank: "Bank", named: str, folder: Path) -> Scope:
    """Return the scope that is named, else that of the project in a folder."""
    return Scope(named, apart=bank.location.apart) if named else await Scopes(bank).of(workspace_of(folder))


async def own_episode(bank: "Bank", id: str, scope: Scope) -> Episode:
    """Return an episode of the caller's scope. Raises NotFound: those of other scopes do not exist for it."""
    return _own(await bank.find(Episode, id), "episode", id, scope.owned)


async def own_run(bank: "Bank", id: str, scope: Scope) -> Run:
    """Return a run of the caller's scope. Raises NotFound."""
    return _own(await bank.find(Run, id), "run", id, scope.owned)


async def visible_strategy(bank: "Bank", id: str, scope: Scope) -> Strategy:
    """Return a strategy that the caller may read. Raises NotFound, also for one that waits for a person's decision."""
    found = await bank.find(Strategy, id)
    unseen = found is None or found.status in FOR_A_PERSON or not scope.reads(found)
    return _own(None if unseen else found, "strategy", id, scope.names)


Scoped = TypeVar("Scoped", Strategy, Episode, Run)


def _own(found: Scoped | None, kind: str, id: str, scopes: Sequence[str]) -> Scoped:
    if found is None or found.scope not in scopes:
        raise NotFound(f"There is no {kind} {id!r} in {' or '.join(scopes)}.")
    return found


async def _resolved(bank: "Bank", workspace: Workspace) -> _Found:
    rows = await bank.all(Project)
    known, taken = {row.identity: row for row in rows}, {row.scope for row in rows}
    looked_up = (known.get(each) for each in (*workspace.traces, *workspace.identities))
    fitting = next((row for row in looked_up if row and _is_of(row, workspace)), None)
    name = fitting.scope if fitting else _free(workspace, taken)
    former = "" if workspace.former in taken | {name, ""} else workspace.former
    if former and not await bank.count(Strategy, scope=former) + await bank.count(Episode, scope=former):
        former = ""
    wanted = [_row(each, known.get(each), name, workspace) for each in workspace.identities]
    new = [row for row in wanted if row.identity not in known]
    return _Found(
        Scope(name, former, bank.location.apart),
        new,
        [row for row in wanted if row not in new and row != known[row.identity]],
    )


def _is_of(row: Project, workspace: Workspace) -> bool:
    """Tell whether a row is of this project. Another repository may lie in a folder now, as in a container's /workspace."""
    return not (row.remote and workspace.remote) or row.remote == workspace.remote


def _row(identity: str, known: Project | None, scope: str, workspace: Workspace) -> Project:
    """Return the row of an identity; the known one as it is if it says the same, or more."""
    if known is None:
        return Project(id=Project.id_of(identity), identity=identity, scope=scope, remote=workspace.remote)
    if known.scope == scope and not workspace.remote:
        return known
    return known.model_copy(update={"scope": scope, "remote": workspace.remote})


def _free(workspace: Workspace, taken: Collection[str]) -> str:
    """Return the first name that no project has. A scope of that name without a project becomes this project's."""
    unique = f"{workspace.names[0]} {content_id('pj', *workspace.identities)[-4:]}"
    return next((each for each in workspace.names if each not in taken), unique)
