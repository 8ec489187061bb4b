"""Passes: tickets kept in Apple Wallet and Google Wallet, and told of what changes."""
