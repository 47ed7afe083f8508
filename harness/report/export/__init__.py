"""What a run proves, as questions for evaluations of language models."""
