"""A Content-Security-Policy for a page, written into the page itself.

Scripts and styles come from the site, and the few that stand in the page are named by
their hash; nothing comes from another host. Needs no MkDocs.
"""

import re
from base64 import b64encode
from hashlib import sha256

INLINE = r"<{0}>(.*?)</{0}>"
HEAD = re.compile(r"<head[^>]*>\s*(?:<meta charset[^>]*>)?")


def with_policy(page: str) -> str:
    """Return a page that tells the browser to refuse all that is not the site's own."""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_sources(page, 'script')}",
            f"style-src {_sources(page, 'style')}",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return HEAD.sub(lambda head: f"{head[0]}\n    {meta}", page, count=1)


def _sources(page: str, tag: str) -> str:
    texts = re.findall(INLINE.format(tag), page, re.DOTALL)
    hashes = {b64encode(sha256(text.encode()).digest()).decode() for text in texts}
    return " ".join(["'self'", *(f"'sha256-{value}'" for value in sorted(hashes))])
