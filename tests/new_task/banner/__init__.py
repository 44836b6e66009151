"""Which of three banners to show on the pages of a visit (a task that only the tests know)."""
