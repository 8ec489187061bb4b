"""What the books say about the whole box office."""
