"""The memory of the arm `raw`: whole trajectories of earlier attempts, the most similar handed over before acting."""

import json
from pathlib import Path
from typing import Any

from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.tools.trajectory.condense import condense
from strategy_bank.tools.trajectory.normal_form import normalise

MOST_TOKENS = 1_500
"""What is handed over at most: as much as report_outcome asks for of a trajectory."""
HANDED_OVER = "An earlier attempt at a similar task, as it went. It is a note, not an order.\n\n"


class RawMemory:
    """Trajectories in DIR/trajectories.jsonl, found by the similarity of their tasks with the packaged model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "trajectories.jsonl"

    def recall(self, task: str) -> str:
        """Return the most similar attempt, of equally similar ones the latest, in at most MOST_TOKENS; empty without any."""
        if not self._file.is_file():
            return ""
        known = [json.loads(line) for line in self._file.read_text("utf-8").splitlines()]
        embedder = Embedder(self._folder / "models")
        asked = embedder.read_query(task).vector
        vectors = [reading.vector for reading in embedder.read_documents([one["task"] for one in known])]
        likeness = [round(float(vector @ asked), 4) for vector in vectors]
        best = known[max(range(len(known)), key=lambda number: (likeness[number], number))]
        head = f"{HANDED_OVER}Task: {best['task']}\n"
        return head + condense(normalise(best["steps"]).text, 4 * MOST_TOKENS - len(head))

    def keep(self, task: str, steps: list[dict[str, Any]]) -> None:
        """Add an attempt: steps {action, observation}."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"task": task, "steps": steps}, ensure_ascii=False) + "\n")
