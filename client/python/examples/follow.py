"""Prints the changes of named values as they come, until Ctrl-C: follow.py NAME..."""

import asyncio
import sys

import memshare


async def follow(name):
    value = memshare.open(name, readonly=True)
    print(f"{name}: {value.info().type}")
    async for now in value.changes():
        print(f"{name}: {now[:] if hasattr(now, '__len__') else now}")


async def follow_all(names):
    await asyncio.gather(*map(follow, names))


if __name__ == "__main__":
    try:
        asyncio.run(follow_all(sys.argv[1:]))
    except KeyboardInterrupt:
        pass
