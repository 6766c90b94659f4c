"""What can go wrong with a campaign, as errors for the user (one line, exit code 2)."""

from __future__ import annotations

from mlperf_stats.errors import InputError


class CampaignError(InputError):
    """A campaign folder cannot be used as it is."""


class CampaignChangedError(CampaignError):
    """The campaign was frozen with other settings than those asked for now."""


class CampaignLockedError(CampaignError):
    """Another dispatcher is at work on the campaign."""


class SettingsError(InputError):
    """A workload's settings are unknown, of the wrong type or impossible."""


class DatasetMissingError(InputError):
    """A full-mode workload has no data where it looks for it."""


class RunsFailedError(InputError):
    """Runs died for reasons outside the training, more often than they are retried."""


class StorageFullError(InputError):
    """The disk is too full to start or finish a run."""
