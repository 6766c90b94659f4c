"""What is said of settings that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from mlperf_runners.errors import SettingsError
from mlperf_runners.workloads.registry import workload


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        (
            "ncf",
            {"taget": 0.5},
            r"there is no setting taget; did you mean target\? its settings are target",
        ),
        ("ncf", {"colour": 1}, "there is no setting colour; its settings are target, batch"),
        ("ncf", {"batch_size": "many"}, "batch_size must be a whole number; batch_size is 'many'"),
        ("ncf", {"batch_size": 1.5}, "batch_size must be a whole number; batch_size is 1.5"),
        ("ncf", {"target": True}, "target must be a number; target is true"),
        ("ncf", {"device": "gpu"}, "device must be one of auto, cpu, cuda; device is 'gpu'"),
        ("ncf", {"device": 1}, "device must be one of auto, cpu, cuda; device is 1"),
        ("ncf", {"data": 3}, "data must be a text; data is 3"),
        ("ncf", {"mlp_widths": 3}, r"mlp_widths must be a list, like \[1, 2\]; mlp_widths is 3"),
        ("resnet", {"blocks": [1, "two"]}, r"blocks\[1\] must be a whole number; blocks is \[1, 'two'\]"),
    ],
)
def test_a_refusal_names_the_setting_and_what_it_may_be(
    name: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: {words}"):
        workload(name).changed("mini", changes)
