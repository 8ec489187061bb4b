"""Guest lists: who may name guests for a night, and whom they named."""
