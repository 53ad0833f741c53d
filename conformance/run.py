"""`make conformance`: what others say of the server. One line for each judge; the exit code is 1 when one finds fault.

Only where the npm registry cannot be reached is all of it skipped.
"""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from conformance import bundles, hearing, inspector, node, suite, typescript

_AT_ONCE = 3
"""They wait a good deal, but with many at once the bounds of the suite's waits would be met."""
Judge = Callable[[], str]


def judges() -> Iterator[tuple[str, Judge]]:
    """Name and judge, in the order in which they begin."""
    for revision in suite.REVISIONS:
        yield f"conformance {revision}, as installed", partial(suite.judge_installed, revision)
        yield f"conformance {revision}, with fixtures", partial(suite.judge_with_fixtures, revision)
    for era in inspector.ERAS:
        yield f"mcp-inspector --strict, {era}", partial(inspector.judge, era)
    for era in ("legacy", "2026-07-28"):
        yield f"TypeScript client, {era}", partial(typescript.judge, era)
    yield "bundle", bundles.judge_bundle
    yield "registry entry", bundles.judge_registry_entry
    yield "wheel", bundles.judge_wheel
    yield "Dockerfile", bundles.judge_dockerfile


def main() -> int:
    began = time.monotonic()
    try:
        node.install()
    except node.Unreachable:
        print("skipped: registry cannot be reached")
        return 0
    print(f"outside judges installed, {time.monotonic() - began:.0f} s", flush=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        passed = list(pool.map(lambda entry: hearing.content(*entry), judges()))
    print(f"{sum(passed)} of {len(passed)} judges content, {time.monotonic() - began:.0f} s")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
