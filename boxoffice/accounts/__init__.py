"""Who is who: signing in without passwords, and the sessions that follow."""
