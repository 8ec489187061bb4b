"""Webhooks: which endpoints hear of an event, how the message is signed and sent, when it is tried again."""
