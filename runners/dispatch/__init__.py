"""Running a campaign: which run comes next, what to do when one dies, when there are enough."""
