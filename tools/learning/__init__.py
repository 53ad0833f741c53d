"""From a judgement to strategies in the bank: drafts, credit, settlement."""
