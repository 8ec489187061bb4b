"""What servers load: `boxoffice.asgi:app`."""

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.settings import Settings

settings = Settings.from_environment()
logs.configure(production=settings.production)
app = create_app(BoxOffice.from_settings(settings))
