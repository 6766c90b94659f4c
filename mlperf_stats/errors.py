"""The exception tree: everything this package raises on purpose derives from MlperfStatsError.

A message says what is wrong, where, and what the user can do now; it fits one line so that the
command line can print it as it is (exit code 2).
"""

from __future__ import annotations


class MlperfStatsError(Exception):
    """Root of all errors raised by mlperf-stats."""


class InputError(MlperfStatsError):
    """A path, file, option or value from the user cannot be used."""


class RoundUnknownError(InputError):
    """The MLPerf round of a tree of logs can be told neither from an option nor from its path."""


class UnsafeArchiveError(InputError):
    """An archive breaks a safety limit: path traversal, links, size, count or ratio."""


class DatabaseError(MlperfStatsError):
    """A results database cannot be opened, read or written."""


class SchemaVersionError(DatabaseError):
    """The database was written by a newer (or unknown) schema version."""


class ReadOnlyDatabaseError(DatabaseError):
    """A write was asked of a database that can only be read."""


class NotFoundError(InputError):
    """No result, system or submission has the name that was asked for."""


class RulesError(MlperfStatsError):
    """What was asked for is not defined by the MLPerf rules."""


class UnknownBenchmarkError(RulesError):
    """The suite of that round has no benchmark of that name."""


class NoReferenceError(RulesError):
    """A result cannot be normalised because no reference result exists for it."""


class NotComparableError(RulesError):
    """Results differ in what a comparison or a combination needs to agree; ``differences`` lists it all."""

    def __init__(self, message: str, differences: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.differences = differences


class CannotCombineError(RulesError):
    """Benchmarks that were asked for have no usable result; ``usable`` lists those that would work."""

    def __init__(self, message: str, benchmarks: tuple[str, ...], usable: tuple[str, ...]) -> None:
        super().__init__(message)
        self.benchmarks = benchmarks
        self.usable = usable


class StatisticsError(MlperfStatsError):
    """A statistical function was asked for something it cannot answer honestly."""


class SampleError(StatisticsError):
    """The sample itself is unusable: wrong shape, NaN, non-positive times, mismatched lengths."""


class TooFewRunsError(StatisticsError):
    """The sample is too small for the method; the message says how many runs it needs."""
