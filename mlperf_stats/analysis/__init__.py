"""One module per question a user asks; joins store, rules and statistics."""
