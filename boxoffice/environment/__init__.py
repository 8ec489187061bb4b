"""What the variables of the environment may say, by what they are about; `settings.py` reads them."""
