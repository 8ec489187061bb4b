"""The hosted page `/c/pay/{session}`: plain HTML that works without JavaScript."""
