"""The JSON edge: parses, calls one verb, answers."""
