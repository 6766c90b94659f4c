"""What a campaign is on disk: its frozen plan, its runs and attempts, and who may work on it."""
