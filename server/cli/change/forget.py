"""`strategy-bank forget`: delete records for good, with all that others hold of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.cli.console import (
    Target,
    ask,
    check_answerable,
    counted,
    json_option,
    pass_target,
    progress_bar,
    say,
    show,
    show_json,
    yes_option,
)

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.records import Record
    from strategy_bank.tools.curation.forgetting import Plan

_HEADLINE_CHARS = 100


@click.command(short_help="Delete records for good.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--matching", default="", metavar="TEXT", help="Only what holds this text anywhere, in any case.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only what was stored before.")
@click.option("--purge", is_flag=True, help="Delete the bytes at once, also of what was forgotten earlier.")
@click.option("--dry-run", is_flag=True, help="Show what would go, and delete nothing.")
@json_option
@yes_option
@pass_target("Only this scope; default: all.")
def forget(
    target: Target,
    ids: tuple[str, ...],
    matching: str,
    before: datetime | None,
    purge: bool,
    dry_run: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Delete strategies, episodes, runs and recalls for good: by id, scope, text or age, or those that have all of these in
    common. Only an earlier `backup` or `export` brings them back.

    What others hold of them goes too: a run takes its attempts along; an episode or a run its recalls, and the task that a
    lesson was learned from; a strategy its wording in runs and judgements. A lesson that holds TEXT only in that task stays,
    without the task. To keep a strategy out of recall only, `retire` it.

    The bytes leave the disk with the next upkeep of a server, after a minute or more; with `--purge`, before the command ends.

    \b
    Examples:
      strategy-bank forget st_0123456789abcdef ep_0123456789abcdef
      strategy-bank forget --scope my-project --before 2026-01-31 --dry-run
      strategy-bank forget --matching "Example Corp" --purge
    """
    if not (ids or target.scope or matching or before or purge):
        raise click.UsageError("Say what to forget: ids, --scope, --matching or --before; or --purge alone.")
    planned = target.with_bank(lambda bank: _plan(bank, ids, target.scope, matching, before))
    if as_json:
        show_json(_fields(planned))
    else:
        _show(planned, show if dry_run else say)
    if dry_run or not (planned.going or planned.losing or purge):
        return
    if planned.going or planned.losing:
        check_answerable(yes, "delete")
        ask(yes, "Delete this for good?", "Nothing was deleted.")
    left = target.with_bank(lambda bank: _carry_out(bank, planned, purge))
    say(f"Deleted {len(planned.going)}: {_counted(planned.going)}. The bank now holds {counted(left)}.")
    if purge:
        say("Its bytes are gone from the bank's folder. Backups and exports that you made still hold it.")


async def _plan(bank: "Bank", ids: Sequence[str], scope: str | None, matching: str, before: datetime | None) -> "Plan":
    from strategy_bank.store.lance.selection import Selection
    from strategy_bank.tools.curation.forgetting import plan

    return await plan(bank, Selection(ids, scope or "", matching, before))


async def _carry_out(bank: "Bank", planned: "Plan", purge: bool) -> dict[str, int]:
    """Delete what was planned and, for a purge, its bytes; return what is left by kind."""
    from strategy_bank.store.lance.schema import RECORDS
    from strategy_bank.tools.curation.forgetting import carry_out

    with progress_bar("Deleting") as progress:
        await carry_out(bank, planned, progress)
    if purge:
        with progress_bar("Purging tables") as progress:
            await bank.purge(progress)
    return {kind.__name__.lower(): await bank.count(kind) for kind in RECORDS.values()}


def _show(planned: "Plan", write: Callable[[str], None]) -> None:
    for records, note in ((planned.going, ""), (planned.losing, "  (stays, without what it holds of these)")):
        for record in records:
            write(f"{_row(record)}{note}")
    if planned.going or planned.losing:
        say(f"To be deleted: {_counted(planned.going)}. To lose what they hold of it: {_counted(planned.losing)}.")
    else:
        say("Nothing in the bank is meant by this.")


def _row(record: "Record") -> str:
    from strategy_bank.store.records import Episode
    from strategy_bank.tools.curation.forgetting import headline, kind_of

    run = f"attempt {record.attempt} of {record.run_id}: " if isinstance(record, Episode) and record.run_id else ""
    text = " ".join(headline(record).split())
    return f"{kind_of(record):<9} {record.id}  {run}{text[:_HEADLINE_CHARS]}"


def _counted(records: Sequence["Record"]) -> str:
    from strategy_bank.tools.curation.forgetting import counts

    return counted(counts(records))


def _fields(planned: "Plan") -> dict[str, Any]:
    from strategy_bank.tools.curation.forgetting import counts, headline, kind_of

    def listed(records: Sequence["Record"]) -> list[dict[str, str]]:
        return [{"kind": kind_of(each), "id": each.id, "headline": headline(each)} for each in records]

    return {
        "deleted": listed(planned.going),
        "changed": listed(planned.losing),
        "counts": {"deleted": counts(planned.going), "changed": counts(planned.losing)},
    }
