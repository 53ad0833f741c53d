"""What word pieces tell, from the tokenizers of different kinds of models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.embedding.vocabulary import yardstick_of


def test_of_the_packaged_model_rare_words_weigh_more_characters_alike_and_marks_nothing(models_dir: Path) -> None:
    weights = Embedder(models_dir).yardstick.weights
    marks, characters, words, single = np.split(weights, [999, 1996, 29612])
    assert set(marks) == {0}
    assert set(characters) == {np.float32(0.15)}
    assert single.min() > 0.9, "what the model spells out is rare"
    assert (np.diff(words[words > 0.15]) > 0).all()
    assert 0 < words.min() < words.max() <= 1


def test_of_the_packaged_model_the_words_that_part_a_task_are_known(models_dir: Path) -> None:
    assert sorted(Embedder(models_dir).yardstick.turns) == [2021, 2174, 2295, 6600]


@pytest.mark.parametrize(
    "model",
    [
        models.WordPiece({"[PAD]": 0, "[unused1]": 1, "b": 2, "the": 3, "##ing": 4, "quorum": 5}, unk_token="[PAD]"),
        models.BPE({"[PAD]": 0, "[unused1]": 1, "b": 2, "\u0120the": 3, "ing": 4, "\u0120quorum": 5}, []),
        models.Unigram(
            [
                ("[PAD]", 0.0),
                ("[unused1]", 0.0),
                ("\u2581b", -1.0),
                ("\u2581the", -2.0),
                ("ing", -3.0),
                ("\u2581quorum", -12.0),
            ]
        ),
    ],
    ids=["WordPiece", "BPE", "Unigram"],
)
def test_every_kind_of_tokenizer_says_which_pieces_are_rare(model: Any) -> None:
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens(["[PAD]"])
    weights = yardstick_of(tokenizer).weights
    assert list(weights[:2]) == [0, 0]
    assert 0 < weights[2] < weights[3] < weights[4] < weights[5] == 1
