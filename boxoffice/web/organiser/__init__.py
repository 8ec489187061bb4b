"""The pages of those who run nights."""
