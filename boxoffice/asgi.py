"""What servers load: `boxoffice.asgi:app`.

What is loaded here stays for good. Looking for garbage among it meanwhile would be an eighth of the start, and is left
out later too.
"""

import gc

gc.disable()

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.settings import Settings

settings = Settings.from_environment()
logs.configure(production=settings.production)
app = create_app(BoxOffice.from_settings(settings))

gc.freeze()
gc.enable()
