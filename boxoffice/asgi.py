"""What servers load: `boxoffice.asgi:app`."""

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.settings import Settings

app = create_app(BoxOffice.from_settings(Settings.from_environment()))
