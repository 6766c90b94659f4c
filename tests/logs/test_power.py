"""Mean power and energy from power logs."""

from __future__ import annotations

import pytest
from madeup_logs import START_MS, log, mllog

from mlperf_stats.logs.power import PowerLog, read_power, run_energy

NODE, SWITCH = "x/power/result_0/node_0.txt", "x/power/result_0/sw_0.txt"


def readings(*watts: float, every_ms: int = 1000, stop: bool = True, efficiency: object = None) -> list[str]:
    lines = [] if efficiency is None else [mllog("conversion_eff", efficiency)]
    lines.append(mllog("power_measurement_start"))
    for number, value in enumerate(watts, start=1):
        lines.append(mllog("power_reading", value, time_ms=START_MS + number * every_ms))
    if stop:
        lines.append(mllog("power_measurement_stop", time_ms=START_MS + len(watts) * every_ms))
    return lines


def test_mean_power_weighs_readings_by_their_time() -> None:
    lines = [
        mllog("power_measurement_start"),
        mllog("power_reading", 100, time_ms=START_MS + 1000),
        mllog("power_reading", 400, time_ms=START_MS + 4000),
        mllog("power_measurement_stop", time_ms=START_MS + 4000),
    ]
    # 100 W for 1 s and 400 W for 3 s: 1 300 J in 4 s.
    assert read_power(log(lines), NODE) == PowerLog(NODE, True, 325.0)


def test_without_a_stop_mark_the_last_reading_ends_the_measurement() -> None:
    assert read_power(log(readings(200, 200, stop=False)), NODE).watts == 200.0


def test_conversion_efficiency_scales_the_power() -> None:
    assert read_power(log(readings(200, 200, efficiency=0.9)), NODE).watts == pytest.approx(180.0)


def test_readings_before_start_and_after_stop_do_not_count() -> None:
    lines = [
        mllog("power_reading", 9_999, time_ms=START_MS - 1),
        *readings(200, 200),
        mllog("power_reading", 9_999, time_ms=START_MS + 9_000),
    ]
    assert read_power(log(lines), NODE).watts == 200.0


def test_readings_may_be_out_of_order() -> None:
    lines = readings(100, 200, 300)
    lines[1], lines[3] = lines[3], lines[1]
    assert read_power(log(lines), NODE).watts == 200.0


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no marks at all"],
        [mllog("power_measurement_start")],
        [mllog("power_measurement_start"), mllog("power_measurement_stop")],
        [mllog("power_measurement_start"), mllog("power_reading", "lots", time_ms=START_MS + 1)],
        [mllog("power_reading", 100)],
        readings(100, efficiency="good"),
    ],
)
def test_a_log_that_allows_no_mean_is_unsound_not_zero(lines: list[str]) -> None:
    found = read_power(log(lines), NODE)
    assert found.watts is None
    assert [problem.code for problem in found.problems] == ["power-log-unsound"]
    assert NODE in found.problems[0].detail


def test_a_broken_reading_is_noted() -> None:
    lines = [*readings(100, 100), ':::MLLOG {"key": "power_reading", "val']
    found = read_power(log(lines), NODE)
    assert found.watts == 100.0
    assert [problem.code for problem in found.problems] == ["line-unparsable"]


def test_a_switch_logs_one_estimate() -> None:
    lines = [mllog("conversion_eff", 0.5), mllog("interconnect_power_est", 300)]
    assert read_power(log(lines), SWITCH) == PowerLog(SWITCH, False, 150.0)
    assert read_power(b"", SWITCH).watts is None


def test_energy_is_mean_power_of_all_nodes_and_switches_times_the_run() -> None:
    logs = [
        PowerLog("a/node_0.txt", True, 1000.0),
        PowerLog("a/node_1.txt", True, 1100.0),
        PowerLog("a/sw_0.txt", False, 100.0),
    ]
    assert run_energy(logs, 2.0) == (2200.0 * 120, ())


def test_energy_needs_every_log_a_node_and_a_time() -> None:
    node, switch = PowerLog("a/node_0.txt", True, 1000.0), PowerLog("a/sw_0.txt", False, 100.0)
    assert run_energy([node], None)[0] is None
    assert run_energy([node, PowerLog("a/node_1.txt", True, None)], 2.0)[0] is None
    energy, problems = run_energy([switch], 2.0)
    assert energy is None
    assert [problem.code for problem in problems] == ["power-log-unsound"]
