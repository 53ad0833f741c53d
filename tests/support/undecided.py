"""Two strategies of which likeness cannot tell whether they say the same."""

OPEN = (
    {
        "title": "Retry failed requests with exponential backoff",
        "description": "When a remote service answers with a temporary error.",
        "content": "Wait twice as long after every failure and add random jitter so that clients do not return together.",
    },
    {
        "title": "Back off and randomise the delay",
        "description": "For calls to a flaky API that return 429 or 503.",
        "content": "Double the pause between tries, with jitter; otherwise all workers hammer the service at the same instant.",
    },
)
