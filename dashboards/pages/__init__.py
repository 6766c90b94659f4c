"""One script per page; ``app`` lists them."""
