"""Run by lm-eval's own Python in a folder of questions: what its task loader makes of them."""

import json
import sys

from lm_eval.tasks import TaskManager

manager = TaskManager(include_path=".", include_defaults=False)
task = manager.load(["beamproof"])["tasks"]["beamproof"]
heldout = list(task.test_docs())
found = {
    "heldout": len(heldout),
    "train": len(list(task.training_docs())),
    "text": task.doc_to_text(heldout[0]),
    "choices": task.doc_to_choice(heldout[0]),
    "target": task.doc_to_target(heldout[0]),
}
sys.stdout.write(json.dumps(found) + "\n")
