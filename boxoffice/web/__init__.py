"""Pages for people, by audience. A handler parses, calls one verb, answers."""
