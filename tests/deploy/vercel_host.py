"""Vercel's own runtime (PyPI `vercel-runtime`), started as its builder's entry file does: `vercel_host.py FOLDER`."""

import json
import os
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

FOLDER = Path(sys.argv[1])
sys.path[:0] = [str(FOLDER), str(FOLDER / "_vendor")]
sys.dont_write_bytecode = True
os.environ |= {
    "__VC_HANDLER_MODULE_NAME": "boxoffice.asgi",
    "__VC_HANDLER_ENTRYPOINT": "boxoffice/asgi.py",
    "__VC_HANDLER_ENTRYPOINT_ABS": str(FOLDER / "boxoffice" / "asgi.py"),
    "__VC_HANDLER_VENDOR_DIR": "_vendor",
    "__VC_HANDLER_VARIABLE_NAME": "app",
}
began = time.process_time()
port = import_module("vercel_runtime.vc_init").http_port
sys.stdout.write(json.dumps({"port": port, "import_seconds": time.process_time() - began}) + "\n")
sys.stdout.flush()
threading.Event().wait()
