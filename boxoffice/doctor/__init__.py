"""`boxoffice doctor`: looks at everything a box office stands on and says what to do. A kind of check a file."""
