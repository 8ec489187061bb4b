"""The ticket system of the DJ AI Platform."""
