"""The migration of a release: it takes a moment, so that a test can cut it off."""

import os
import sys
import time

time.sleep(2)
if os.environ["SHOP_FAULT"] == "migration":
    sys.exit("the migration gives up: column total exists already")
